"""A project of one source with its home, and what is in its lake."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from landed.ingest import IngestResult, Ledger, SourceAccount, attach_lake, ingest
from landed.ingest.envelope import ENVELOPES
from landed.ingest.ledger_rows import QuarantineFile
from landed.ingest.quarantine_reasons import REASONS
from landed.project import Home, Project
from landed.settings import Settings
from landed.warehouse import Engine

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SMALL = Settings(threads=2, memory_limit_mb=512)


@dataclass
class World:
    """A project and its home, small enough to look at whole."""

    project: Project
    home: Home

    def source(self, name: str, text: str) -> None:
        folder = self.project.sources
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yml").write_text(f"source: {name}\n{text}", encoding="utf-8")

    def land(self, name: str, content: bytes | str) -> Path:
        path = self.home.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return path

    def ingest(
        self, *, only: Sequence[str] = (), now: datetime = NOW, again: bool = False
    ) -> IngestResult:
        """Run it; the accounts must balance, and so must lake, quarantine and ledger."""
        result = ingest(self.project, self.home, SMALL, only=only, now=now, again=again)
        assert all(account.is_balanced for account in result.accounts)
        self.check_identity()
        return result

    def one(self, **given: Any) -> SourceAccount:
        (account,) = self.ingest(**given).accounts
        return account

    def check_identity(self) -> None:
        """rows in = accepted + duplicate + conflict + quarantined, counted on the disk.

        What left the lake since, and refused records whose file was dropped, are in the ledger.
        """
        files = [file for kind in ENVELOPES for file in Ledger(self.home).files(kind)]
        stored = sum(pq.read_metadata(file.path).num_rows for file in files)
        totals = Ledger(self.home).accounts_total()
        assert stored == sum(file.rows for file in files)
        assert stored == sum(total.accepted - sum(total.removed.values()) for total in totals)
        for total in totals:
            assert total.is_balanced
            assert set(total.reasons) <= set(REASONS)
            refused = [row["reason"] for row in self.quarantine(total.source)]
            dropped = [one for one in self._listed(total.source) if one.dropped_at]
            lost = sum(one.rows for one in dropped)
            assert len(refused) + lost == total.conflict + total.quarantined
            if not dropped:
                assert {reason: refused.count(reason) for reason in refused} == total.reasons

    def rows(self, sql: str, since_sequence: int = 0) -> list[tuple[Any, ...]]:
        with Engine.open(None) as engine:
            attach_lake(engine, self.home, since_sequence=since_sequence)
            return engine.rows(sql)

    def quarantine(self, source: str) -> list[dict[str, Any]]:
        """Refused records by file and line."""
        files = [one.path for one in self._listed(source) if not one.dropped_at]
        found = [row for path in files for row in pq.read_table(self.home.root / path).to_pylist()]
        return sorted(found, key=lambda row: (row["file"], row["line"]))

    def _listed(self, source: str) -> list[QuarantineFile]:
        return Ledger(self.home).quarantine_files(source)

    def refused(self, source: str = "app") -> list[tuple[int, str]]:
        """Line and reason of every refused record."""
        return [(row["line"], row["reason"]) for row in self.quarantine(source)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    root = tmp_path / "project"
    root.mkdir()
    (root / "landed.toml").write_text('[project]\nname = "shop"\n')
    return World(Project(root, "shop"), Home(tmp_path / "home"))


@pytest.fixture
def events(world: World) -> World:
    """A world whose source `app` reads events from landing/events as JSON Lines."""
    world.source("app", "kind: events\nformat: jsonl\npath: events/*\n")
    return world


def _event(number: int, **changes: Any) -> str:
    """One good event as a JSON line; `changes` replace or add fields, None drops one."""
    found: dict[str, Any] = {
        "event_id": f"e{number}",
        "event_name": "page_view",
        "occurred_at": f"2026-11-01T10:00:{number % 60:02d}Z",
        "user_id": f"u{number % 3}",
        "properties": {"number": number},
    }
    found.update(changes)
    return json.dumps({key: value for key, value in found.items() if value is not None}) + "\n"


@pytest.fixture(scope="session")
def event() -> Callable[..., str]:
    """One good event as a JSON line, by number; named fields replace or add, None drops one."""
    return _event
