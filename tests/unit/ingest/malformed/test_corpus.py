"""The corpus of malformed input: every kind refused with its reason, no neighbour lost.

One kind alone: `pytest tests/unit/ingest/malformed/test_corpus.py -k "quick and nan"`; all variants
of it: `-k "whole and nan"`. A failure names kind and variant; `case.build(kind, variant)` makes the
same file again.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from unit.ingest.malformed.case import CHUNK, KINDS, Case, Refused, build, exact
from unit.ingest.malformed.child import Child, write_sources

from landed.ingest import Ledger
from landed.project import Home

for _module in ("crowd", "csv", "document", "file", "json", "line", "value"):
    importlib.import_module(f"unit.ingest.malformed.{_module}_kinds")  # they register
#: The draw of `make test`. A new seed is a new draw.
SEED = 20261103
#: Megabytes that an ingest of hostile files may take: an eighth of a small machine.
PEAK_MB = 512


@dataclass
class Ingested:
    """What one ingest made of many cases."""

    cases: dict[str, list[Case]]
    lake: dict[str, dict[str, dict[str, Any]]]
    quarantine: dict[str, list[Refused]]
    answer: dict[str, Any]


def ingested(root: Path, cases: list[Case]) -> Ingested:
    """Write the cases into one home, ingest it in a child, and read what came of it.

    Of two files with the same bytes the second is no news to an ingest: it is left out.
    """
    write_sources(root)
    paths: dict[str, str] = {}
    cases = list({(case.source, case.content): case for case in reversed(cases)}.values())
    for case in cases:
        path = root / "home" / "landing" / case.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case.content)
        case.content = b""
        paths[str(path.resolve())] = case.tag
    with Child() as child:
        answer = child.ask(root, chunk_bytes=CHUNK)
    home = Home(root / "home")
    lake: dict[str, dict[str, dict[str, Any]]] = {}
    for file in Ledger(home).files("events"):
        for row in pq.read_table(file.path).to_pylist():
            lake.setdefault(row["session_id"], {})[row["event_id"]] = row
    quarantine: dict[str, list[Refused]] = {}
    for stored in sorted(home.quarantine.glob("*/*.parquet")):
        for row in pq.read_table(stored).to_pylist():
            found = Refused(row["line"], row["reason"], row["byte_offset"], row["raw"])
            quarantine.setdefault(paths[row["file"]], []).append(found)
    by_kind: dict[str, list[Case]] = {}
    for case in cases:
        by_kind.setdefault(case.kind, []).append(case)
    return Ingested(by_kind, lake, quarantine, answer)


def drawn(kinds: list[str], variants: int | None) -> list[Case]:
    """Cases of some kinds: a seeded draw of so many of each, or all."""
    rng = random.Random(SEED)  # noqa: S311 a seeded draw
    found = []
    for name in sorted(kinds):
        one = KINDS[name]
        if variants is None:
            numbers = list(range(one.variants))
        elif one.is_heavy:
            numbers = [0]
        else:
            numbers = sorted(rng.sample(range(one.variants), min(variants, one.variants)))
        found += [build(name, number) for number in numbers]
    return found


def _selected(request: pytest.FixtureRequest, test: str) -> list[str]:
    """Kinds that this run asks for, so that `-k` ingests those alone."""
    items = [item for item in request.session.items if item.name.startswith(test + "[")]
    return [item.callspec.params["name"] for item in items]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def some(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    kinds = _selected(request, "test_quick_draw")
    return ingested(tmp_path_factory.mktemp("quick"), drawn(kinds, 2))


@pytest.fixture(scope="module")
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    kinds = _selected(request, "test_whole_corpus")
    return ingested(tmp_path_factory.mktemp("whole"), drawn(kinds, None))


@pytest.mark.parametrize("name", sorted(KINDS))
def test_quick_draw(name: str, some: Ingested) -> None:
    check(some, name)


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(KINDS))
def test_whole_corpus(name: str, whole: Ingested) -> None:
    check(whole, name)


def check(found: Ingested, name: str) -> None:
    """All cases of one kind: their rows, their refused records, the accounts, the memory."""
    assert "crash" not in found.answer, found.answer["crash"]
    assert "error" not in found.answer, found.answer["error"]
    assert found.answer["peak_mb"] < PEAK_MB
    faults = [fault for case in found.cases[name] for fault in differences(found, case)]
    assert not faults, f"{KINDS[name].rule}\n" + "\n".join(faults[:12])


def differences(found: Ingested, case: Case) -> Iterator[str]:
    """What differs from the case's expected fate, one line each."""
    lake = found.lake.get(case.tag, {})
    quarantine = sorted(found.quarantine.get(case.tag, []), key=lambda one: one.line)
    wanted, refused = case.accepted, case.refused
    if case.cut:
        kept = [event_id for event_id in wanted if event_id in lake]
        wanted = {event_id: wanted[event_id] for event_id in list(wanted)[: len(kept)]}
        refused = [Refused(len(kept) + 1, case.refused[0].reason)]
    for event_id in wanted.keys() - lake.keys():
        yield f"{case.tag}: lost {event_id!r:.80}; refused {quarantine!r:.300}"
    for event_id in lake.keys() - wanted.keys():
        yield f"{case.tag}: accepted {event_id!r:.80}"
    for event_id in wanted.keys() & lake.keys():
        row, want = lake[event_id], wanted[event_id]
        if exact(row["properties"]) != want.properties:
            yield f"{case.tag}: {row['properties']!r:.200} is not {want.properties!r:.200}"
        if want.at is not None and row["occurred_at"].replace(tzinfo=UTC) != want.at:
            yield f"{case.tag}: {row['occurred_at']} is not {want.at}"
        if want.user_id is not None and row["user_id"] != want.user_id:
            yield f"{case.tag}: {row['user_id']!r} is not {want.user_id!r}"
    if len(refused) != len(quarantine):
        yield f"{case.tag}: {len(quarantine)} refused, not {len(refused)}: {quarantine!r:.400}"
    for want, got in zip(refused, quarantine, strict=False):
        if (want.line, want.reason) != (got.line, got.reason):
            yield f"{case.tag}: {got!r:.300} is not {want!r:.300}"
        elif want.offset is not None and want.offset != got.offset:
            yield f"{case.tag}: offset {got.offset} is not {want.offset}"
        elif want.raw is not None and want.raw != got.raw:
            yield f"{case.tag}: raw {got.raw!r:.200} is not {want.raw!r:.200}"


def test_the_accounts_of_the_draw_are_exact(some: Ingested) -> None:
    check_accounts(some)


@pytest.mark.full
def test_the_accounts_of_the_whole_corpus_are_exact(whole: Ingested) -> None:
    check_accounts(whole)


def check_accounts(found: Ingested) -> None:
    """What the accounts say is what is in lake and quarantine, source by source."""
    for account in found.answer["accounts"]:
        cases = [
            one for many in found.cases.values() for one in many if one.source == account["source"]
        ]
        accepted = sum(len(found.lake.get(case.tag, {})) for case in cases)
        refused = [one.reason for case in cases for one in found.quarantine.get(case.tag, [])]
        assert account["accepted"] == accepted
        assert account["duplicate"] == account["conflict"] == 0
        assert account["reasons"] == {reason: refused.count(reason) for reason in refused}
        assert account["rows_in"] == accepted + len(refused)


def test_the_corpus_has_the_promised_size() -> None:
    assert len(KINDS) >= 40
    assert sum(one.variants for one in KINDS.values()) >= 1000
