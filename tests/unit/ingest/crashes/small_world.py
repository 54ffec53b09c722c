"""Two sources with everything that can happen to a row, and their whole state after an ingest."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from landed.ingest import Ledger, ingest, load_sources
from landed.ingest.erasure import erase
from landed.ingest.requeue import requeue
from landed.project import Home, Project
from landed.settings import Settings

CLOCK = "2026-11-22T00:00:00+00:00"
NOW = datetime.fromisoformat(CLOCK)
# one thread: the same calls in the same order every time
SETTINGS = Settings(threads=1, memory_limit_mb=256)
KINDS = ("events", "feedback", "exposures", "releases")

_APP = "source: app\nkind: events\nformat: jsonl\npath: app/*\n"
_SHOP = """\
source: shop
kind: events
format: csv
path: shop/*.csv
timezone: Europe/Berlin
select: |
  select "order" as event_id, 'order_placed' as event_name, placed as occurred_at,
    customer as user_id, json_object('total', total) as properties
  from raw
"""

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SmallWorld:
    """A project and its home."""

    project: Project
    home: Home

    def do(self, work: str) -> None:
        """One piece of work, in this process.

        Args:
            work: `ingest`, `erase` (one of the people), or `requeue` (what `shop` refused, with
                nothing corrected).
        """
        if work == "ingest":
            ingest(self.project, self.home, SETTINGS, now=NOW)
        elif work == "requeue":
            requeue(self.project, self.home, SETTINGS, "shop", now=NOW)
        else:
            erase(self.home, SETTINGS, "u1", load_sources(self.project).values(), now=NOW)

    def copy(self, folder: Path) -> SmallWorld:
        """The same project with a copy of the home, in an emptied folder."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.home.root, folder)
        return SmallWorld(self.project, Home(folder))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A world to copy, and a piece of work that waits to be done.

    Args:
        world: The one to copy; not touched.
        work: What waits.
        before: State as it is.
        expected: State once the work is done and nothing happened to it.
    """

    world: SmallWorld
    work: str
    before: State
    expected: State


def make(folder: Path) -> SmallWorld:
    """A project whose first deliveries have landed; nothing is ingested yet."""
    root = folder / "project"
    (root / "sources").mkdir(parents=True)
    (root / "landed.toml").write_text('[project]\nname = "shop"\n', encoding="utf-8")
    (root / "sources" / "app.yml").write_text(_APP, encoding="utf-8")
    (root / "sources" / "shop.yml").write_text(_SHOP, encoding="utf-8")
    world = SmallWorld(Project(root, "shop"), Home(folder / "home"))
    _land(world, "app/1.jsonl.gz", [*map(_event, range(60)), "broken\n", "[1, 2]\n"])
    _land(world, "shop/1.csv", ["order,placed,customer,total\n", *map(_order, range(30))])
    return world


def deliver_again(world: SmallWorld) -> None:
    """The second deliveries: new, late, repeated, conflicting and unreadable rows; and what a
    killed ingest may have left in the lake.
    """
    repeated = [_event(number) for number in range(8)]
    changed = [_event(number, name="renamed") for number in range(8, 12)]
    late = [_event(number, day=number % 5 + 1) for number in range(60, 100)]
    bad = ['{"event_id": "x"\n', _event(200, day=40), _event(201).replace("u", "\0", 1)]
    _land(world, "app/2.jsonl.gz", [*repeated, *late, *bad, *changed])
    _land(world, "app/3.jsonl", [*late[:5], *map(_event, range(100, 130)), late[7], "{}\n"])
    orders = [*map(_order, range(20, 50)), _order(3, total=1), "51,2026-10-25T02:30:00,c,7\n"]
    _land(world, "shop/2.csv", ["order,placed,customer,total\n", *orders, "52,yesterday,c,8\n"])
    (world.home.lake / ".tmp" / "0123456789abcdef.7.parquet").write_bytes(b"PAR1 half written")
    for name in ("lake/events/day=2026-11-01", "quarantine/app"):
        unlisted = world.home.root / name / ("f" * 32 + ".parquet")
        unlisted.write_bytes(b"PAR1 never listed")


def state(home: Home) -> State:
    """All that an ingest leaves, as the ledger tells it: rows, accounts, refused rows, files."""
    ledger = Ledger(home)
    files = [(kind, file) for kind in KINDS for file in ledger.files(kind)]
    return {
        "lake": sorted(
            (json.dumps([kind, row], default=str) for kind, file in files
             for row in pq.read_table(file.path).to_pylist())
        ),
        "files": sorted(
            (str(file.path.relative_to(home.root)), file.rows, str(file.day), file.sha256)
            for _, file in files
        ),
        "accounts": [_lifetime(account.as_dict()) for account in ledger.accounts_total()],
        "reasons": list(ledger.reasons()),
        "refused": sorted(json.dumps(row, default=str) for row in _refused(home)),
        "batches": ledger.last_sequence(),
    }  # fmt: skip


def check_whole(home: Home) -> int:
    """What must hold at every moment, right after a kill too; rows in the lake."""
    if home.ledger.is_file():
        with sqlite3.connect(home.ledger) as found:
            assert found.execute("pragma integrity_check").fetchone() == ("ok",)
        found.close()
    ledger = Ledger(home)
    rows = 0
    for path in ledger.listed():
        assert (home.root / path).is_file(), f"{path} is listed and not there"
    for kind in KINDS:
        for file in ledger.files(kind):
            assert sha256(file.path.read_bytes()).hexdigest() == file.sha256
            assert pq.read_metadata(file.path).num_rows == file.rows
            rows += file.rows
    accounts = ledger.accounts_total()
    assert all(account.is_balanced for account in accounts)
    kept = [account.accepted - sum(account.removed.values()) for account in accounts]
    assert rows == sum(kept)
    return rows


def left_over(home: Home) -> list[str]:
    """Files of lake and quarantine that the ledger does not list."""
    listed = Ledger(home).listed()
    found = (*home.lake.rglob("*"), *home.quarantine.rglob("*"))
    names = (str(path.relative_to(home.root)) for path in found if path.is_file())
    return sorted(set(names) - listed)


def _lifetime(account: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in account.items() if key != "files_seen"}


def _refused(home: Home) -> list[dict[str, Any]]:
    listed = sorted(path for path in Ledger(home).listed() if path.startswith("quarantine/"))
    rows = [row for path in listed for row in pq.read_table(home.root / path).to_pylist()]
    return [{**row, "file": Path(row["file"]).name} for row in rows]


def _land(world: SmallWorld, name: str, lines: Iterable[str]) -> None:
    path = world.home.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(lines).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)


def _event(number: int, *, name: str = "page_view", day: int | None = None) -> str:
    """One event; day 40 is in December, from after the ingest's clock."""
    chosen = number % 3 + 1 if day is None else day
    date = f"2026-11-{chosen:02d}" if chosen <= 30 else f"2026-12-{chosen - 30:02d}"
    event = {
        "event_id": f"e{number}",
        "event_name": name,
        "occurred_at": f"{date}T10:00:{number % 60:02d}Z",
        "user_id": f"u{number % 5}",
        "properties": {"number": number},
    }
    return json.dumps(event) + "\n"


def _order(number: int, *, total: int = 99) -> str:
    return f"{number},2026-11-{number % 4 + 1:02d}T12:00:{number:02d},c{number % 7},{total}\n"
