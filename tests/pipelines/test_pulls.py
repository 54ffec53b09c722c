"""A service's API, pulled by dlt and ingested as an ordinary source."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import pytest

from landed.errors import ContractError
from landed.ingest import Ledger, ingest
from landed.project import load_project
from landed.settings import Settings
from pipelines import pulls
from pipelines.resources import Workspace

PULL = '''\
"""Tickets of a help desk, page by page, from where the last pull ended."""

import dlt
import requests


@dlt.resource(name="tickets", primary_key="id", write_disposition="append")
def tickets(since=dlt.sources.incremental("number", initial_value=0)):
    page = 1
    while page:
        query = {{"page": page, "after": since.start_value}}
        answer = requests.get("{url}", params=query, timeout=10).json()
        yield answer["tickets"]
        page = answer["next"]


def source():
    return tickets
'''

SOURCE = """\
source: desk
kind: feedback
format: jsonl
path: desk/tickets/*
select: >-
  select id as feedback_id, "createdAt" as given_at, 'ticket' as channel, subject as text,
  json_extract_string(requester, '$.email') as user_id from raw
"""


class Desk(ThreadingHTTPServer):
    """A help desk with tickets in pages of two."""

    daemon_threads = True
    tickets: list[dict[str, Any]]


class _Handler(BaseHTTPRequestHandler):
    server: Desk

    def do_GET(self) -> None:
        asked = {key: int(values[0]) for key, values in parse_qs(urlsplit(self.path).query).items()}
        found = [one for one in self.server.tickets if one["number"] > asked["after"]]
        end = asked["page"] * 2
        more = asked["page"] + 1 if end < len(found) else None
        body = json.dumps({"tickets": found[end - 2 : end], "next": more}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output to the test."""


def ticket(number: int) -> dict[str, Any]:
    return {
        "id": f"t{number}",
        "number": number,
        "createdAt": f"2026-11-0{number}T10:00:00Z",
        "subject": f"It broke {number} times",
        "requester": {"email": f"u{number}@acme.test", "tags": ["a", "b"]},
    }


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = Desk(("127.0.0.1", 0), _Handler)
    found.tickets = [ticket(number) for number in range(1, 6)]
    threading.Thread(target=found.serve_forever, args=(0.05,), daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def workspace(tmp_path: Path, desk: Desk) -> Workspace:
    root = tmp_path / "project"
    for name in ("sources", "pulls"):
        (root / name).mkdir(parents=True)
    (root / "landed.toml").write_text('[project]\nname = "shop"\n')
    (root / "sources" / "desk.yml").write_text(SOURCE)
    url = f"http://127.0.0.1:{desk.server_port}/tickets"
    (root / "pulls" / "desk.py").write_text(PULL.format(url=url))
    return Workspace(project_dir=str(root), home_dir=str(tmp_path / "home"))


def test_without_pulls_there_is_nothing_and_dlt_is_not_needed(tmp_path: Path) -> None:
    (tmp_path / "landed.toml").write_text('[project]\nname = "shop"\n')
    workspace = Workspace(project_dir=str(tmp_path), home_dir=str(tmp_path / "home"))

    assert not pulls.definitions(workspace).assets
    with pytest.raises(ContractError, match="the project has no pull"):
        pulls.run(workspace, [], lambda *_: None)


def test_a_missing_package_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulls.importlib.util, "find_spec", lambda _: None)

    with pytest.raises(ContractError, match=r"desk\.py needs dlt.*\n.*\n.*landed\[saas\]"):
        pulls.definitions(workspace)


def test_what_a_service_holds_lands_and_is_ingested_once(workspace: Workspace, desk: Desk) -> None:
    pytest.importorskip(
        "dagster_dlt", reason="dlt and dagster-dlt (landed[saas]) are not installed"
    )
    told: list[str] = []

    def take_in() -> int:
        pulls.run(workspace, ["desk"], lambda _, text: told.append(text))
        project = load_project(Path(workspace.project_dir))
        return ingest(project, workspace.home, Settings(threads=1)).accepted

    assert take_in() == 5
    desk.tickets += [ticket(6), ticket(7)]
    assert take_in() == 2
    assert take_in() == 0

    (account,) = Ledger(workspace.home).accounts_total()
    assert (account.rows_in, account.accepted, account.quarantined) == (7, 7, 0)
    lines = [
        json.loads(line)
        for path in sorted((workspace.home.landing / "desk" / "tickets").iterdir())
        for line in _text(path).splitlines()
    ]
    assert {line["createdAt"][:10] for line in lines} >= {"2026-11-01", "2026-11-07"}
    assert lines[0]["requester"] == {"email": "u1@acme.test", "tags": ["a", "b"]}
    assert told[0].startswith("desk: ")


def test_a_pull_is_an_asset_with_a_job_and_a_schedule(workspace: Workspace) -> None:
    pytest.importorskip(
        "dagster_dlt", reason="dlt and dagster-dlt (landed[saas]) are not installed"
    )

    found = pulls.definitions(workspace)

    (asset,) = found.assets or ()
    assert isinstance(asset, dg.AssetsDefinition)
    assert {spec.group_name for spec in asset.specs} == {"pull"}
    assert found.resolve_job_def("pull_sources").name == "pull_sources"


def test_a_pull_without_a_source_is_named(workspace: Workspace) -> None:
    pytest.importorskip(
        "dagster_dlt", reason="dlt and dagster-dlt (landed[saas]) are not installed"
    )
    (Path(workspace.project_dir) / "pulls" / "empty.py").write_text("")

    with pytest.raises(ContractError, match=r"empty\.py defines no `source`"):
        pulls.definitions(workspace)


def _text(path: Path) -> str:
    import gzip

    data = path.read_bytes()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
