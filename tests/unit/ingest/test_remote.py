"""Files at a URL: listed without a transfer, fetched once, claimed by what they hold."""

from __future__ import annotations

import gzip
import hashlib
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

from landed.errors import ContractError, SourceError, WarehouseError
from landed.ingest import ingest, load_sources, pending
from landed.ingest.addresses import known_as, shown
from landed.ingest.remote import fetched, remote_files, url_faults
from landed.settings import Settings

NOW = datetime(2026, 11, 22, tzinfo=UTC)
URL_SOURCE = "kind: events\nformat: jsonl\npath: {}\n"


class Site(ThreadingHTTPServer):
    """A web server whose files, refusals and mishaps a test sets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.says: dict[str, int] = {}
        self.without_validator: set[str] = set()
        self.cut: set[str] = set()
        self.changes_when_read: set[str] = set()
        self.no_head = False
        self.requests: list[tuple[str, str]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def transfers(self) -> int:
        return sum(method == "GET" for method, _ in self.requests)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, *_: object) -> None:
        """Keep the test's output to the test."""

    def _answer(self, *, with_body: bool) -> None:
        site, path = self.server, self.path
        site.requests.append((self.command, path))
        data = site.files.get(path, site.files.get(path.partition("?")[0]))
        status = site.says.get(path) or (404 if data is None else 200)
        if self.command == "HEAD" and site.no_head:
            status = 405
        body = data if status == 200 and data is not None else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 200 and path not in site.without_validator:
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.end_headers()
        if with_body:
            if path in site.changes_when_read:
                site.files[path] = body.replace(b"page_view", b"page_left")
            self.wfile.write(body[: len(body) // 2] if path in site.cut else body)
            if path in site.cut:
                self.close_connection = True


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    thread = threading.Thread(target=found.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    found = fsspec.filesystem("memory")
    found.store.clear()
    yield found
    found.store.clear()


def put(memory: fsspec.AbstractFileSystem, path: str, data: str | bytes) -> None:
    with memory.open(path, "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)


def test_a_file_on_a_web_server_is_taken_once_and_asked_for_without_a_transfer(world, event, site):
    site.files["/a.jsonl"] = event(1).encode()
    world.source("app", URL_SOURCE.format(site.url("/a.jsonl")))
    assert [file.name for file in pending(world.project, world.home)] == [site.url("/a.jsonl")]

    account = world.one()

    assert (account.files_new, account.accepted) == (1, 1)
    site.requests.clear()
    assert pending(world.project, world.home) == []
    assert world.one().files_seen == 1
    assert site.transfers() == 0


def test_a_changed_remote_file_is_new(world, event, site):
    site.files["/a.jsonl"] = event(1).encode()
    world.source("app", URL_SOURCE.format(site.url("/a.jsonl")))
    world.ingest()

    site.files["/a.jsonl"] += event(2).encode()

    assert len(pending(world.project, world.home)) == 1
    account = world.one()
    assert (account.accepted, account.duplicate) == (1, 1)


def test_a_server_that_refuses_head_is_asked_with_get(world, event, site):
    site.files["/a.jsonl"] = event(1).encode()
    site.no_head = True
    world.source("app", URL_SOURCE.format(site.url("/a.jsonl")))

    assert world.one().accepted == 1


def test_what_a_server_says_no_to_is_told_for_all_sources_at_once(world, site):
    site.files["/silent.jsonl"] = b"{}\n"
    site.without_validator.add("/silent.jsonl")
    site.says["/locked.jsonl"] = 403
    world.source("a", URL_SOURCE.format(site.url("/gone.jsonl")))
    world.source("b", URL_SOURCE.format(site.url("/locked.jsonl")))
    world.source("c", URL_SOURCE.format(site.url("/silent.jsonl")))
    world.source("d", URL_SOURCE.format("http://127.0.0.1:1/x.jsonl"))

    with pytest.raises(SourceError) as caught:
        world.ingest()

    text = str(caught.value)
    assert [fault.code for fault in caught.value.faults] == [
        "source_missing",
        "source_denied",
        "source_unreadable",
        "source_unreadable",
    ]
    assert "HTTP 404" in text
    assert "HTTP 403" in text
    assert "neither ETag nor Last-Modified" in text
    assert "does not answer" in text
    assert str(world.project.sources / "b.yml") in text
    assert not world.home.ledger.exists()


def test_a_transfer_that_ends_early_leaves_nothing_and_comes_again(world, event, site):
    site.files["/a.jsonl"] = event(1).encode() * 50
    site.cut.add("/a.jsonl")
    world.source("app", URL_SOURCE.format(site.url("/a.jsonl")))

    with pytest.raises(SourceError, match=r"broke off|changed while it was fetched"):
        world.ingest()

    world.check_identity()
    assert not list((world.home.lake / ".tmp").glob("*.fetch"))
    site.cut.clear()
    assert world.one().rows_in == 50


def test_a_file_that_changes_while_it_is_fetched_is_refused(world, event, site):
    site.files["/a.jsonl"] = event(1).encode()
    site.changes_when_read.add("/a.jsonl")
    world.source("app", URL_SOURCE.format(site.url("/a.jsonl")))

    with pytest.raises(SourceError, match="changed while it was fetched"):
        world.ingest()

    assert world.rows("select * from lake.events") == []


def test_a_glob_takes_what_matches_with_its_address_in_the_quarantine(world, event, memory):
    put(memory, "/shop/2026/11/a.jsonl.gz", gzip.compress(event(1).encode()))
    put(memory, "/shop/2026/12/b.jsonl.gz", event(2) + "no json\n")
    put(memory, "/shop/2026/12/_SUCCESS", "")
    put(memory, "/shop/2026/12/.hidden.jsonl.gz", event(3))
    world.source("app", URL_SOURCE.format("memory://shop/**/*.jsonl.gz"))

    account = world.one()

    assert (account.files_new, account.accepted, account.reasons) == (2, 2, {"invalid_json": 1})
    (refused,) = world.quarantine("app")
    assert refused["file"] == "memory://shop/2026/12/b.jsonl.gz"
    assert refused["line"] == 2
    assert pending(world.project, world.home) == []


def test_the_same_content_at_another_address_is_claimed_once(world, event, memory):
    put(memory, "/shop/a.jsonl", event(1))
    put(memory, "/shop/copy.jsonl", event(1))
    world.source("app", URL_SOURCE.format("memory://shop/*.jsonl"))

    assert (world.one().files_new, world.one().files_seen) == (1, 2)
    assert pending(world.project, world.home) == []


def test_a_lost_memory_of_fetched_files_costs_a_transfer_and_no_row(world, event, memory):
    put(memory, "/shop/a.jsonl", event(1))
    world.source("app", URL_SOURCE.format("memory://shop/*.jsonl"))
    world.ingest()

    (world.home.work / "remote.sqlite").unlink()

    assert len(pending(world.project, world.home)) == 1
    account = world.one()
    assert (account.files_new, account.rows_in) == (0, 0)
    assert pending(world.project, world.home) == []


def test_a_damaged_memory_of_fetched_files_is_told_with_what_to_do(world, event, memory):
    put(memory, "/shop/a.jsonl", event(1))
    world.source("app", URL_SOURCE.format("memory://shop/*.jsonl"))
    world.home.work.mkdir(parents=True)
    (world.home.work / "remote.sqlite").write_bytes(b"")
    assert len(pending(world.project, world.home)) == 1  # made by a run that was killed

    (world.home.work / "remote.sqlite").write_bytes(b"no database" * 100)

    with pytest.raises(WarehouseError, match="remove it: the files are read once more"):
        world.ingest()


def test_reading_again_fetches_again_and_misses_what_is_gone(world, event, memory):
    put(memory, "/shop/a.jsonl", event(1))
    put(memory, "/shop/b.jsonl", event(2))
    world.source("app", URL_SOURCE.format("memory://shop/*.jsonl"))
    world.ingest()

    assert world.ingest(again=True).accounts[0].accepted == 2

    memory.rm("/shop/b.jsonl")
    with pytest.raises(SourceError, match=r"1 file.s. that `app` was ingested from are gone"):
        world.ingest(again=True)


def test_a_glob_that_matches_nothing_is_told(world, memory):
    world.source("app", URL_SOURCE.format("memory://shop/*.jsonl"))

    with pytest.raises(SourceError, match=r"no file: memory://shop/\*\.jsonl"):
        world.ingest()


def test_a_file_url_reads_this_machine(world, event, tmp_path):
    (tmp_path / "a.jsonl").write_text(event(1))
    world.source("app", URL_SOURCE.format(f"file://{tmp_path}/*.jsonl"))

    assert world.one().accepted == 1


def test_files_are_fetched_in_order_and_few_stand_on_the_disk(world, memory, monkeypatch):
    for number in range(12):
        put(memory, f"/shop/{number:02}.jsonl", f"{number}")
    files = remote_files("memory://shop/*")
    at_once: list[int] = []

    found = []
    for one in fetched(files, world.home):
        found.append(one.path.read_text())
        at_once.append(len(list((world.home.lake / ".tmp").glob("*.fetch"))))

    assert found == [str(number) for number in range(12)]
    assert max(at_once) <= 5
    assert not list((world.home.lake / ".tmp").glob("*.fetch"))


def test_a_reader_that_stops_leaves_no_fetched_file(world, memory):
    for number in range(8):
        put(memory, f"/shop/{number}.jsonl", "x" * 100_000)
    files = fetched(remote_files("memory://shop/*"), world.home)

    next(files)
    files.close()

    assert not list((world.home.lake / ".tmp").glob("*.fetch"))


def test_a_full_disk_is_no_fault_of_the_store(world, memory, monkeypatch):
    put(memory, "/shop/a.jsonl", "x")
    (file,) = remote_files("memory://shop/*")
    real = Path.open

    def full(path: Path, mode: str = "r", **given: object):
        is_fetched = path.suffix == ".fetch"
        return real(Path("/dev/full"), "wb", **given) if is_fetched else real(path, mode, **given)

    monkeypatch.setattr(Path, "open", full)
    (found,) = fetched([file], world.home)

    assert found.faults[0].code == "home_unwritable"


def test_a_scheme_whose_package_is_missing_is_named(world):
    world.source("app", URL_SOURCE.format("oss://bucket/a.jsonl"))

    with pytest.raises(SourceError, match=r"oss:// needs a package that is not installed: .*ossfs"):
        world.ingest()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("https://jo:pa55word@host/a.csv", "holds a user or password"),
        ("https://pa55word@host/a.csv", "holds a user or password"),
        ("s3://AKIA123:pa55word@bucket/a", "holds a user or password"),
        ("sftp://jo:pa55word@host/a.csv", "holds a user or password"),
        ("https://host/a.csv?X-Amz-Signature=pa55word", "`X-Amz-Signature` in its query"),
        ("https://host/a.csv?page=1&access_token=pa55word", "`access_token` in its query"),
        ("https://host/a.csv?sig=pa55word&sv=2", "`sig` in its query"),
        ("s3://bucket/a?AWSAccessKeyId=pa55word", "`AWSAccessKeyId` in its query"),
        (f"https://host/a.csv?sig=pa55word{'x' * 1000}", "`sig` in its query"),
        ("https://host/a.csv;sig=pa55word", "`sig` in its query"),
        ("https://host/a.csv?%73ig=pa55word", "`sig` in its query"),
        ("https://host/a.csv?code=pa55word", "`code` in its query"),
        ("https://host/a.csv?a=1&ticket=pa55word", "`ticket` in its query"),
        ("https://host/a.csv?hmac=pa55word", "`hmac` in its query"),
        ("https://host/a.csv#token=pa55word", "`token` in its query"),
        ("https://host/a.csv#pa55word", "a fragment"),
        ("https://host?token=pa55word", "`token` in its query"),
        ("https://jo:pa55word@host?a=1", "holds a user or password"),
        ("https://host/*.csv", "a glob on a web server"),
        ("s4://bucket/a", "the scheme s4"),
        ("simplecache::s3://bucket/a", "chains addresses"),
        ("zip://a.csv", "the scheme zip"),
        ("abfss://container/a.csv", "names no account"),
        ("s3://bucket/a b", "a space"),
    ],
)
def test_an_address_that_cannot_be_or_holds_a_secret_is_refused_unread(world, path, message):
    world.source("app", URL_SOURCE.format(f'"{path}"'))

    with pytest.raises(ContractError) as caught:
        load_sources(world.project)

    assert message in str(caught.value)
    assert "pa55word" not in str(caught.value)
    assert "AKIA123" not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "s3://bucket/events/*.jsonl.gz",
        "s3://bucket/part-?.jsonl",
        "gs://bucket/**/[ab]*.csv",
        "abfss://events@acme.dfs.core.windows.net/2026/*.parquet",
        "https://host/export.csv?format=csv&page=2",
        "https://host/export.csv?pa55wordtoken",
        "https://host/export.csv?country_code=de&pincode=1",
        "s3://bucket/day=2026-01-?1/hour=1/*.csv",
        "sftp://jo@host/a.csv",
        "memory://a/b.csv",
    ],
)
def test_an_address_without_secrets_is_fine_and_shown_as_it_is(path):
    assert url_faults(path) == []
    assert shown(path).partition("?")[0] == path.partition("?")[0]
    assert "pa55word" not in shown(path) + known_as(path)


def test_a_query_is_sent_and_neither_kept_nor_shown(world, site, event):
    site.files["/a.jsonl?year=2026&c=pa55word"] = (event(1) + "{\n").encode()
    site.files["/a.jsonl?year=2026&c=other"] = event(2).encode()
    path = site.url("/a.jsonl?year=2026&c=pa55word")
    world.source("app", URL_SOURCE.format(path))
    world.source("more", URL_SOURCE.format(site.url("/a.jsonl?year=2026&c=other")))
    told = []

    first = ingest(world.project, world.home, Settings(threads=2), now=NOW, progress=told.append)
    transfers = site.transfers()
    again = world.ingest()

    assert [one.accepted for one in first.accounts] == [1, 1]
    assert [one.rows_in for one in again.accounts] == [0, 0]
    assert site.transfers() == transfers  # both are remembered, each by its query
    assert world.quarantine("app")[0]["file"] == known_as(path) != path
    written = [file for file in world.home.root.rglob("*") if file.is_file()]
    assert not [file for file in written if b"pa55word" in file.read_bytes()]
    del site.files["/a.jsonl?year=2026&c=pa55word"]
    with pytest.raises(SourceError, match=r"cannot read http://.*/a.jsonl\?\*\*\*: ") as caught:
        world.ingest()
    assert "pa55word" not in f"{caught.value} {told}"


# ---- Google Cloud Storage: the few answers of its JSON API that Arrow's client asks for


def test_a_damaged_file_behind_good_ones_costs_none_of_them(world, event, memory):
    """Its damage shows when much of it was read; all of the batch is then read once more."""
    draw = random.Random(7)  # noqa: S311 - bytes that do not pack well
    many = "".join(event(n, properties={"x": draw.randbytes(60).hex()}) for n in range(2, 45_000))
    packed = bytearray(gzip.compress(many.encode(), 1))
    packed[-8] ^= 0xFF  # of the checksum
    put(memory, "/shop/a.jsonl", event(1))
    put(memory, "/shop/b.jsonl.gz", bytes(packed))
    world.source("app", URL_SOURCE.format("memory://shop/*"))

    account = world.one()

    assert (account.accepted, account.reasons) == (1, {"damaged_file": 1})
    assert list((world.home.lake / ".tmp").glob("*.held")) == []
