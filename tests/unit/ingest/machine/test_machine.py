"""Files in any order, late, twice, rewritten, growing, skewed, over a change of clocks: the lake
is what a few lines of plain Python say it must be.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections import Counter
from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deliveries import app_lines, orders
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from oracle import NOW, OUTCOMES, Kept, Oracle, Refusal, Row

from landed.ingest import Ledger, compaction, ingest, load_sources
from landed.ingest.erasure import erase
from landed.ingest.requeue import requeue
from landed.project import Home, Project
from landed.settings import Settings

CLOCK = NOW.replace(tzinfo=UTC)
SETTINGS = Settings(threads=1, memory_limit_mb=256)
SLOTS = 4
ENDINGS = {"app": "jsonl", "berlin": "csv"}
HEADERS = {"app": "", "berlin": "order,placed,customer,total\n"}

_APP = "source: app\nkind: events\nformat: jsonl\npath: app/*\n"
_BERLIN = """\
source: berlin
kind: events
format: csv
path: berlin/*
timezone: Europe/Berlin
select: |
  select "order" as event_id, 'order_placed' as event_name, placed as occurred_at,
    customer as user_id, json_object('total', total) as properties
  from raw
"""

#: What all examples together met: a machine that meets no conflict proves nothing about them.
met: Counter[str] = Counter()
places = st.integers(0, SLOTS - 1)
which = st.integers(0, 10_000)


def _write_project(folder: Path) -> Project:
    (folder / "sources").mkdir(parents=True)
    (folder / "landed.toml").write_text('[project]\nname = "shop"\n', encoding="utf-8")
    (folder / "sources" / "app.yml").write_text(_APP, encoding="utf-8")
    (folder / "sources" / "berlin.yml").write_text(_BERLIN, encoding="utf-8")
    return Project(folder, "shop")


class Deliveries(RuleBasedStateMachine):
    """Senders that do whatever they like, and an ingest now and then."""

    project: Project
    scratch: Path

    def __init__(self) -> None:
        super().__init__()
        self.home = Home(Path(tempfile.mkdtemp(dir=self.scratch)))
        self.oracle = Oracle()
        self.landed: dict[str, dict[str, bytes]] = {"app": {}, "berlin": {}}
        self.whole: dict[tuple[str, str], bytes] = {}
        self.is_due = False
        for source in self.landed:
            (self.home.landing / source).mkdir(parents=True)

    # senders

    @initialize(
        lines=st.one_of(
            st.tuples(st.just("app"), st.lists(app_lines(), min_size=1, max_size=6)),
            st.tuples(st.just("berlin"), st.lists(orders(), min_size=1, max_size=6)),
        )
    )
    def start(self, lines: tuple[str, list[str]]) -> None:
        source, written = lines
        self._land(source, f"0.{ENDINGS[source]}", _joined(source, written))

    @rule(lines=st.lists(app_lines(), max_size=8), place=places)
    def deliver_events(self, lines: list[str], place: int) -> None:
        self._land("app", f"{place}.jsonl", _joined("app", lines))

    @rule(lines=st.lists(orders(), max_size=8), place=places)
    def deliver_orders(self, lines: list[str], place: int) -> None:
        self._land("berlin", f"{place}.csv", _joined("berlin", lines))

    @rule(lines=st.lists(app_lines(), min_size=1, max_size=8), place=places, share=st.floats(0, 1))
    def deliver_half(self, lines: list[str], place: int, share: float) -> None:
        """A sender that writes in place is caught in the middle, or dies there."""
        data, name = _joined("app", lines), f"{place}.jsonl"
        self._land("app", name, data[: int(len(data) * share)])
        self.whole["app", name] = data

    @precondition(lambda self: self.whole)
    @rule(chosen=which)
    def finish_a_half(self, chosen: int) -> None:
        source, name = _pick(self.whole, chosen)
        self._land(source, name, self.whole[source, name])

    @precondition(lambda self: any(self.landed.values()))
    @rule(chosen=which, place=places)
    def deliver_again(self, chosen: int, place: int) -> None:
        """The same bytes under another name, or over another file."""
        source, name = self._any(chosen)
        ending = name.partition(".")[2]
        self._land(source, f"{place}.{ending}", self.landed[source][name])

    @precondition(lambda self: any(name.endswith(".jsonl") for name in self.landed["app"]))
    @rule(chosen=which)
    def deliver_compressed(self, chosen: int) -> None:
        """The same rows in other bytes."""
        plain = [name for name in self.landed["app"] if name.endswith(".jsonl")]
        name = _pick(plain, chosen)
        self._land("app", f"{name}.gz", gzip.compress(self.landed["app"][name], mtime=0))

    @precondition(lambda self: any(name.endswith(".jsonl") for name in self.landed["app"]))
    @rule(chosen=which, lines=st.lists(app_lines(), min_size=1, max_size=4))
    def grow(self, chosen: int, lines: list[str]) -> None:
        """A log that is written on: what was read of it comes again."""
        name = _pick([name for name in self.landed["app"] if name.endswith(".jsonl")], chosen)
        before = self.landed["app"][name]
        end = b"" if before.endswith(b"\n") or not before else b"\n"
        self._land("app", name, before + end + _joined("app", lines))

    @precondition(lambda self: any(self.landed.values()))
    @rule(chosen=which)
    def take_away(self, chosen: int) -> None:
        source, name = self._any(chosen)
        (self.home.landing / source / name).unlink()
        del self.landed[source][name]
        self.whole.pop((source, name), None)

    # landed

    @precondition(lambda self: self.is_due)
    @rule(only=st.sampled_from(("", "", "app", "berlin")))
    def ingest(self, only: str) -> None:
        """What the oracle says; and again at once: nothing new."""
        chosen = [only] if only else list(self.landed)
        result = ingest(
            self.project,
            self.home,
            SETTINGS,
            only=chosen if only else [],
            now=CLOCK,
            progress=_hear,
        )
        assert [account.source for account in result.accounts] == chosen
        for account in result.accounts:
            told = self.oracle.ingest(account.source, self.landed[account.source])
            found = {name: getattr(account, name) for name in (*OUTCOMES, "files_new")}
            assert found == {name: told[name] for name in found}, account.source
            met.update({name: told[name] for name in OUTCOMES})
        met["ingests"] += 1
        again = ingest(self.project, self.home, SETTINGS, now=CLOCK, only=chosen)
        assert [(one.files_new, one.rows_in) for one in again.accounts] == [(0, 0)] * len(chosen)
        assert again.sequence == result.sequence
        self.is_due = bool(only)
        self._compare()

    @precondition(lambda self: self._has_refused())
    @rule(chosen=which)
    def requeue(self, chosen: int) -> None:
        """Nothing was corrected, so every refused record is refused again, and counts once."""
        source = _pick([name for name, kept in self.oracle.kept.items() if _feedable(kept)], chosen)
        taken = requeue(self.project, self.home, SETTINGS, source, now=CLOCK).taken
        expected = Counter(one.reason for one in _feedable(self.oracle.kept[source]))
        assert taken == expected
        met["requeued"] += sum(taken.values())
        self._compare()

    @precondition(lambda self: any(kept.rows for kept in self.oracle.kept.values()))
    @rule(user=st.sampled_from(("c0", "u0", "c1", "u1", "nobody")))
    def erase(self, user: str) -> None:
        sources = load_sources(self.project).values()
        erase(self.home, SETTINGS, user, sources, now=CLOCK)
        self.oracle.erase(user)
        assert left_over(self.home) == []
        met["erasures"] += 1
        self._compare()

    def teardown(self) -> None:
        """Whatever came is ingested at last; which ids are in the lake is no matter of order."""
        if self.is_due:
            self.ingest("")
        for source, kept in self.oracle.kept.items():
            assert set(kept.rows) == kept.ids, source
            met.update(row.clock for row in kept.rows.values() if row.clock)
            met.update(f"{source}: {one.reason}" for one in kept.refused)
        met["examples"] += 1
        shutil.rmtree(self.home.root)

    def _compare(self) -> None:
        """Lake, accounts and quarantine are the oracle's, to the last row."""
        ledger = Ledger(self.home)
        lake: dict[str, list[Row]] = {source: [] for source in self.landed}
        for file in ledger.files("events"):
            for row in pq.read_table(file.path).to_pylist():
                assert row["event_on"] == row["occurred_at"].date() == file.day
                lake[row["source"]].append(_row(row))
        totals = {account.source: account for account in ledger.accounts_total()}
        for source, kept in self.oracle.kept.items():
            found = {row.event_id: row for row in lake[source]}
            assert len(found) == len(lake[source]), "an id is in the lake twice"
            assert found == {name: _plain(row) for name, row in kept.rows.items()}
            refused = sorted(_refusals(self.home, source))
            assert refused == sorted(kept.refused)
            if source not in totals:
                assert not kept.digests
                continue
            account = totals[source]
            assert account.is_balanced
            assert {name: getattr(account, name) for name in OUTCOMES} == {
                name: kept.counts[name] for name in OUTCOMES
            }
            assert account.reasons == Counter(one.reason for one in kept.refused)
            assert account.removed.get("erase", 0) == kept.erased

    def _has_refused(self) -> bool:
        return any(_feedable(kept) for kept in self.oracle.kept.values())

    def _land(self, source: str, name: str, data: bytes) -> None:
        (self.home.landing / source / name).write_bytes(data)
        self.landed[source][name] = data
        self.whole.pop((source, name), None)
        self.is_due = True

    def _any(self, chosen: int) -> tuple[str, str]:
        names = [(source, name) for source, files in self.landed.items() for name in files]
        return _pick(names, chosen)


def _feedable(kept: Kept) -> list[Refusal]:
    """Refused records that can be fed again: not conflicts, and none that lost its text."""
    return [one for one in kept.refused if one.reason != "conflict" and one.raw]


def left_over(home: Home) -> list[str]:
    """Files of lake and quarantine that the ledger does not list."""
    found = (*home.lake.rglob("*"), *home.quarantine.rglob("*"))
    names = {str(path.relative_to(home.root)) for path in found if path.is_file()}
    return sorted(names - Ledger(home).listed())


def _hear(told: str) -> None:
    met["merged days"] += told.endswith("files are now one")


def _pick(among: Any, chosen: int) -> Any:
    found = sorted(among)
    return found[chosen % len(found)]


def _joined(source: str, lines: list[str]) -> bytes:
    return (HEADERS[source] + "".join(f"{line}\n" for line in lines)).encode()


def _row(row: dict[str, Any]) -> Row:
    return Row(
        row["event_id"],
        row["event_name"],
        row["occurred_at"],
        row["received_at"],
        row["user_id"],
        row.get("clock_status"),
        json.dumps(json.loads(row["properties"]), sort_keys=True),
    )


def _plain(row: Row) -> Row:
    properties = json.dumps(json.loads(row.properties), sort_keys=True)
    return Row(row.event_id, row.name, row.at, row.received, row.user, row.clock, properties)


def _refusals(home: Home, source: str) -> list[Refusal]:
    rows = []
    for path in Ledger(home).listed():
        if path.startswith(f"quarantine/{source}/"):
            rows += pq.read_table(home.root / path).to_pylist()
    return [Refusal(Path(row["file"]).name, row["line"], row["reason"], row["raw"]) for row in rows]


@pytest.mark.parametrize("seeds", [100, pytest.param(1_000, marks=pytest.mark.full)])
def test_whatever_senders_do_the_lake_is_what_the_oracle_says(
    seeds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "MAX_FILES", 1)  # days of two files are merged too
    met.clear()
    Deliveries.project = _write_project(tmp_path / "project")
    Deliveries.scratch = tmp_path / "homes"
    Deliveries.scratch.mkdir()
    run_state_machine_as_test(
        Deliveries,
        settings=settings(
            max_examples=seeds,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            database=None,
            print_blob=True,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"\n{dict(met.most_common())}")
    rare = ("app: erased", "berlin: erased") if seeds > 500 else ()
    assert all(met[name] for name in rare), f"the machine met no {' or no '.join(rare)}"
    for name in (
        "duplicate",
        "conflict",
        "corrected",
        "ahead",
        "merged days",
        "requeued",
        "erasures",
        "app: invalid_json",
        "app: bad_time",
        "app: future_time",
        "berlin: bad_time",
        "berlin: conflict",
    ):
        assert met[name] > seeds / 200, f"the machine hardly met {name}"
