"""Objects of a bucket: those that match are taken once, by what their store says of them."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from landed.errors import SourceError
from landed.ingest import pending, stores
from landed.ingest.remote import fetched, remote_files
from landed.ingest.stores import RemoteFile

URL_SOURCE = "kind: events\nformat: jsonl\npath: {}\n"


class Bucket(ThreadingHTTPServer):
    """The bucket `shop`."""

    daemon_threads = True
    files: dict[str, bytes]
    transfers = 0


class _BucketHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Bucket

    def do_GET(self) -> None:
        place, files = urlsplit(self.path), self.server.files
        asked = parse_qs(place.query)
        key = unquote(place.path.partition("/o/")[2])
        if asked.get("prefix"):
            found = [self._described(name) for name in files if name.startswith(asked["prefix"][0])]
            self._say(200, json.dumps({"kind": "storage#objects", "items": found}).encode())
        elif key not in files:
            self._say(404, b'{"error": {"code": 404, "message": "not found"}}')
        elif asked.get("alt") == ["media"]:
            self.server.transfers += 1
            self._say(200, files[key])
        else:
            self._say(200, json.dumps(self._described(key)).encode())

    def _described(self, key: str) -> dict[str, str]:
        data = self.server.files[key]
        return {
            "kind": "storage#object",
            "name": key,
            "bucket": "shop",
            "size": str(len(data)),
            "generation": "7",
            "etag": hashlib.sha256(data).hexdigest(),
            "timeCreated": "2026-11-01T10:00:00.123Z",
            "updated": "2026-11-01T10:00:00.123Z",
        }

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output to the test."""


def test_objects_of_google_cloud_storage_are_taken_once(world, event, monkeypatch):
    bucket = Bucket(("127.0.0.1", 0), _BucketHandler)
    bucket.files = {f"events/{n}/a.jsonl": event(n).encode() for n in range(3)}
    threading.Thread(target=bucket.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{bucket.server_port}")
    world.source("app", URL_SOURCE.format("gs://shop/events/[01]/*.jsonl"))
    world.source("lost", URL_SOURCE.format("gs://shop/gone.jsonl"))
    try:
        assert world.ingest(only=["app"]).accepted == 2
        assert bucket.transfers == 2
        with pytest.raises(SourceError, match=r"cannot read gs://shop/gone.jsonl: it is not there"):
            pending(world.project, world.home)
        (world.project.sources / "lost.yml").unlink()
        assert pending(world.project, world.home) == []
        assert bucket.transfers == 2
    finally:
        bucket.shutdown()
        bucket.server_close()


# ---- S3: moto's server in this process, Arrow's own client against it


@pytest.fixture(scope="module")
def s3() -> Iterator[object]:
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    import boto3

    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_REGION", "eu-central-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
        where = {"LocationConstraint": "eu-central-1"}
        client.create_bucket(Bucket="shop", CreateBucketConfiguration=where)
        yield client
    server.stop()


@pytest.fixture
def bucket(s3, monkeypatch) -> Iterator[object]:
    """An empty bucket; objects count as settled, unless a test says otherwise."""
    monkeypatch.setattr("landed.ingest.remote._SETTLE_SECONDS", 0.0)
    yield s3
    for one in s3.list_objects_v2(Bucket="shop").get("Contents", ()):
        s3.delete_object(Bucket="shop", Key=one["Key"])


def test_objects_of_s3_are_taken_once(world, event, bucket):
    keys = ["events/2026/a b#1%20.jsonl", "events/b.jsonl", "events/c.csv", "other/d.jsonl"]
    for number, key in enumerate(keys):
        bucket.put_object(Bucket="shop", Key=key, Body=event(number).encode())
    world.source("app", URL_SOURCE.format("s3://shop/events/**/*.jsonl"))
    assert len(pending(world.project, world.home)) == 2

    assert world.one().accepted == 2

    assert pending(world.project, world.home) == []
    assert world.one().files_seen == 2
    bucket.put_object(Bucket="shop", Key="events/b.jsonl", Body=(event(1) + event(9)).encode())
    assert [one.name for one in pending(world.project, world.home)] == ["s3://shop/events/b.jsonl"]
    assert world.one().accepted == 1


def test_one_object_of_s3_may_be_named(world, event, bucket):
    bucket.put_object(Bucket="shop", Key="a.jsonl", Body=event(1).encode())
    world.source("app", URL_SOURCE.format("s3://shop/a.jsonl"))
    world.source("lost", URL_SOURCE.format("s3://shop/b.jsonl"))
    world.source("none", URL_SOURCE.format("s3://nobucket/*.jsonl"))

    assert world.ingest(only=["app"]).accepted == 1
    with pytest.raises(SourceError) as caught:
        world.ingest()
    assert [fault.code for fault in caught.value.faults] == ["source_missing", "source_missing"]


def test_an_object_that_is_replaced_while_it_is_fetched_is_refused(
    world, event, bucket, monkeypatch
):
    """The same length within the same second: only the entity tag tells."""
    bucket.put_object(Bucket="shop", Key="a.jsonl", Body=event(1).encode())
    world.source("app", URL_SOURCE.format("s3://shop/a.jsonl"))
    real = stores._Arrow.open

    def replaced(store: stores._Arrow, url: str):
        bucket.put_object(Bucket="shop", Key="a.jsonl", Body=event(2).encode())
        return real(store, url)

    monkeypatch.setattr(stores._Arrow, "open", replaced)

    with pytest.raises(SourceError, match="changed while it was fetched"):
        world.ingest()


def test_a_young_object_is_waited_for_until_a_change_would_show(world, s3, monkeypatch):
    s3.put_object(Bucket="shop", Key="young.jsonl", Body=b"x")
    waited: list[float] = []
    monkeypatch.setattr(
        "landed.ingest.remote.threading.Event.wait",
        lambda _, seconds=None: waited.append(seconds) if seconds and seconds < 3 else None,
    )
    (file,) = remote_files("s3://shop/young.jsonl")

    (found,) = fetched([file], world.home)

    assert found.sha256
    assert len([seconds for seconds in waited if 0 < seconds <= 2]) == 1


def test_a_store_that_denies_access_says_so(world, monkeypatch, s3):
    def denied(*_: object, **__: object):
        text = "When listing objects under key 'x' in bucket 'shop': AWS Error ACCESS_DENIED"
        raise OSError(text)

    from pyarrow import fs

    monkeypatch.setattr(fs, "S3FileSystem", denied)
    world.source("app", URL_SOURCE.format("s3://shop/x/*.jsonl"))

    with pytest.raises(SourceError, match="access is denied") as caught:
        world.ingest()

    assert caught.value.code == "source_denied"
    assert "environment" in caught.value.faults[0].fix


def test_a_listing_is_no_transfer(world, event, bucket):
    bucket.put_object(Bucket="shop", Key="a.jsonl", Body=event(1).encode())

    (file,) = remote_files("s3://shop/[a].jsonl")

    assert (file.url, file.size) == ("s3://shop/a.jsonl", len(event(1)))
    assert isinstance(file, RemoteFile)
