"""Random damage to good files: no crash, no hang, exact accounts, no neighbour lost.

A failure names the seed and the number of the file: `mutant(SEED, number)` makes it again.
Lines of JSON are judged by Python's parser as well; the two have to agree, line by line.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from unit.ingest.malformed.case import CHUNK
from unit.ingest.malformed.child import Child, Hang, write_sources
from unit.ingest.malformed.mutations import Mutant, judged, mutant

from landed.ingest import Ledger
from landed.project import Home

SEED = 7
BATCH = 1000
#: Seconds an ingest of one batch may take before it counts as hanging; it takes about four.
PATIENCE_SECONDS = 60.0
_UNREADABLE = {
    "invalid_utf8",
    "nul_byte",
    "invalid_json",
    "not_an_object",
    "duplicate_key",
    "too_long",
}


def test_five_thousand_damaged_files_are_ingested_exactly(tmp_path: Path) -> None:
    hunt(tmp_path, range(5_000))


@pytest.mark.full
def test_fifty_thousand_damaged_files_are_ingested_exactly(tmp_path: Path) -> None:
    hunt(tmp_path, range(50_000))


def hunt(folder: Path, numbers: Sequence[int]) -> None:
    """Ingest them all in batches, two at a time; name every file that goes wrong."""
    faults: list[str] = []
    children = [Child(), Child()]
    waiting: list[tuple[Path, list[Mutant]] | None] = [None, None]
    try:
        batches = [numbers[at : at + BATCH] for at in range(0, len(numbers), BATCH)]
        for turn, batch in enumerate([*batches, [], []]):
            at = turn % 2
            due = waiting[at]
            waiting[at] = None
            if due is not None:
                found = collected(children[at], *due)
                while found is None:
                    culprit, why, is_told = narrowed(children[at], folder / "narrowed", due[1])
                    faults += [] if is_told else [why]
                    due = (due[0], [one for one in due[1] if one not in culprit])
                    shutil.rmtree(due[0])
                    landed(due[0], due[1])
                    children[at].send(due[0], chunk_bytes=CHUNK)
                    found = collected(children[at], *due)
                faults += found
                shutil.rmtree(due[0])
            if batch:
                mutants = [mutant(SEED, number) for number in batch]
                root = folder / f"batch{turn}"
                landed(root, mutants)
                children[at].send(root, chunk_bytes=CHUNK)
                waiting[at] = (root, mutants)
    finally:
        for child in children:
            child.close()
    assert not faults, f"seed {SEED}, {len(faults)} faults:\n" + "\n".join(faults[:20])


def landed(root: Path, mutants: Sequence[Mutant]) -> None:
    write_sources(root)
    for one in mutants:
        path = root / "home" / "landing" / one.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.content)


def collected(child: Child, root: Path, mutants: Sequence[Mutant]) -> list[str] | None:
    """Faults of a batch that the child was sent; None where it crashed, hung or failed."""
    try:
        answer = child.receive(PATIENCE_SECONDS)
    except Hang:
        child.restart()
        return None
    if "accounts" not in answer:
        return None
    return list(faults_of(root, mutants, answer["accounts"]))


def narrowed(child: Child, root: Path, mutants: list[Mutant]) -> tuple[list[Mutant], str, bool]:
    """The file that ends an ingest, found by halves; how; and whether the end is one that is told.

    A file of columns whose header has lost one that is needed ends an ingest by intent, before
    anything of its source is committed: the source's declaration does not fit it.
    """
    why, codes = _end_of(child, root, mutants)
    if codes == ["source_select"]:  # only a file that names its columns can end it so
        mutants = [one for one in mutants if one.source == "parquet"]
    while len(mutants) > 1:
        for half in (mutants[: len(mutants) // 2], mutants[len(mutants) // 2 :]):
            ended, found = _end_of(child, root, half)
            if ended:
                mutants, why, codes = half, ended, found
                break
        else:
            break
    return mutants, f"{[one.number for one in mutants][:9]}: {why}", codes == ["source_select"]


def _end_of(child: Child, root: Path, mutants: list[Mutant]) -> tuple[str, list[str]]:
    shutil.rmtree(root, ignore_errors=True)
    landed(root, mutants)
    try:
        answer = child.ask(root, chunk_bytes=CHUNK, patience=PATIENCE_SECONDS)
    except Hang as hang:
        child.restart()
        return str(hang), []
    return str(answer.get("crash") or answer.get("error") or ""), answer.get("codes", [])


def faults_of(
    root: Path, mutants: Sequence[Mutant], accounts: Sequence[dict[str, Any]]
) -> Iterator[str]:
    """What is wrong with what came of a batch, one line each."""
    home = Home(root / "home")
    lake = set()
    for file in Ledger(home).files("events"):
        lake |= set(pq.read_table(file.path, columns=["event_id"]).column(0).to_pylist())
    refused: dict[str, dict[int, str]] = {}
    quarantined: dict[str, int] = {}
    for stored in sorted(home.quarantine.glob("*/*.parquet")):
        for row in pq.read_table(stored, columns=["source", "file", "line", "reason"]).to_pylist():
            refused.setdefault(Path(row["file"]).name, {})[row["line"]] = row["reason"]
            quarantined[row["source"]] = quarantined.get(row["source"], 0) + 1
    for account in accounts:
        stored_rows = account["conflict"] + account["quarantined"]
        balance = account["accepted"] + account["duplicate"] + stored_rows
        if account["rows_in"] != balance:
            yield f"{account['source']}: {account['rows_in']} rows in, {balance} accounted for"
        if stored_rows != quarantined.get(account["source"], 0):
            yield f"{account['source']}: {stored_rows} refused, {quarantined} in the quarantine"
    by_content = {(one.source, one.content): one for one in reversed(mutants)}
    for one in by_content.values():
        found = refused.get(Path(one.name).name, {})
        lost = [event_id for event_id in one.untouched if event_id not in lake]
        if lost:
            yield f"{one.number} {one.name}: lost {lost}; refused {found}"
        if one.lines is not None:
            yield from disagreements(one, found)


def disagreements(one: Mutant, found: dict[int, str]) -> Iterator[str]:
    """Lines that Python judges in another way."""
    assert one.lines is not None
    for line, wanted in judged(one.lines).items():
        got = found.get(line)
        if wanted != (got if got in _UNREADABLE else None):
            text = one.lines.split(b"\n")[line - 1]
            yield f"{one.number} line {line}: {got}, and Python says {wanted}: {text!r:.300}"
