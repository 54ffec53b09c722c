"""A disk that fails at any one operation is told in our own words, and costs no row."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest
import small_world
from nursery import Ended, Nursery
from small_world import Waiting
from syscalls import Fault

SEED = 20261122
FAULTS = ("kill", "EIO", "ENOSPC")
MOST_OPERATIONS = 5_000


def _struck(waiting: Waiting, nursery: Nursery, folder: Path, fault: Fault) -> Ended:
    """The work with one fault leaves it undone or done; without one, it is done."""
    if nursery.unavailable:
        pytest.skip(f"file operations cannot be watched here: {nursery.unavailable}")
    world = waiting.world.copy(folder / "home")
    project, home = world.project.root, world.home
    done = nursery.do(waiting.work, project, home.root, fault=fault)
    told = f"{fault.kind} at {fault.number}, {done.hit}: {done.how} {done.text}"
    if done.how == "refused":
        assert all(done.fixes), f"no way out is told; {told}"
        assert str(home.root) in done.text, f"no place is named; {told}"
    else:
        allowed = ("killed", "whole") if fault.kind == "kill" else ("whole",)
        assert done.how in allowed, told
    small_world.check_whole(home)
    found = small_world.state(home)
    if done.how == "whole":
        assert found == waiting.expected, told
    elif waiting.work != "ingest":  # an ingest may leave whole batches; the rest is one transaction
        assert found in (waiting.before, waiting.expected), told
    # an ingest, also of nothing, sweeps what is left
    works = ["ingest"] if found == waiting.expected else [waiting.work, "ingest"]
    for work in works:
        again = nursery.do(work, project, home.root)
        assert again.how == "whole", f"{told}\nthen {again.how} {again.text}"
    assert small_world.state(home) == waiting.expected, told
    assert small_world.left_over(home) == [], told
    return done


def _strike_every_operation(kind: str, waiting: Waiting, nursery: Nursery, folder: Path) -> None:
    ends: Counter[str] = Counter()
    for number in range(1, MOST_OPERATIONS):
        done = _struck(waiting, nursery, folder, Fault(kind, number))
        if done.hit is None:
            break
        ends[done.how] += 1
    else:
        pytest.fail(f"more than {MOST_OPERATIONS} operations")
    print(f"\n{waiting.work}: {kind} at each of {number - 1} operations: {dict(ends)}")


def _strike_some_operations(
    kind: str, waiting: Waiting, nursery: Nursery, folder: Path, *, most: int
) -> None:
    """One operation of each sort: the same call on the same sort of file."""
    whole = _struck(waiting, nursery, folder, Fault(kind, MOST_OPERATIONS))
    assert (whole.how, whole.hit) == ("whole", None)
    sorts: dict[str, list[int]] = {}
    for number, operation in enumerate(whole.operations, start=1):
        sort = re.sub(r"[0-9a-f]{8,}|\d+", "*", operation.replace(str(folder), ""))
        sorts.setdefault(sort, []).append(number)
    draw = random.Random(f"{SEED} {waiting.work} {kind}")  # noqa: S311 - places, not secrets
    chosen = draw.sample(sorted(sorts), min(most, len(sorts)))
    print(
        f"\n{waiting.work}: {kind} at {len(chosen)} of {len(sorts)} sorts of"
        f" {len(whole.operations)} operations, seed {SEED}"
    )
    for sort in chosen:
        done = _struck(waiting, nursery, folder, Fault(kind, draw.choice(sorts[sort])))
        print(f"{sort}: {done.how}")


@pytest.mark.full
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_at_every_operation_of_an_ingest_costs_no_row(
    kind: str, waiting: Waiting, nursery: Nursery, tmp_path: Path
) -> None:
    _strike_every_operation(kind, waiting, nursery, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("work", ["erase", "requeue"])
def test_a_fault_at_every_operation_leaves_other_work_undone_or_done(
    work: str, kind: str, other_work: dict[str, Waiting], nursery: Nursery, tmp_path: Path
) -> None:
    _strike_every_operation(kind, other_work[work], nursery, tmp_path)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_at_some_operations_of_an_ingest_costs_no_row(
    kind: str, waiting: Waiting, nursery: Nursery, tmp_path: Path
) -> None:
    _strike_some_operations(kind, waiting, nursery, tmp_path, most=4)


@pytest.mark.parametrize("work", ["erase", "requeue"])
def test_a_fault_at_some_operations_leaves_other_work_undone_or_done(
    work: str, other_work: dict[str, Waiting], nursery: Nursery, tmp_path: Path
) -> None:
    for kind in FAULTS:
        _strike_some_operations(kind, other_work[work], nursery, tmp_path, most=1)


def test_what_a_commit_lists_is_on_the_disk_before_the_ledger_lists_it(
    waiting: Waiting, nursery: Nursery, tmp_path: Path
) -> None:
    """A power cut takes what was not synced: bytes first, then the names, then the commit."""
    done = _struck(waiting, nursery, tmp_path, Fault("EIO", MOST_OPERATIONS))
    assert done.how == "whole"
    calls = [operation.split(" ", 1) for operation in done.operations]
    home = str(tmp_path / "home")
    renamed = 0
    for at, (call, path) in enumerate(calls):
        commit = next(
            (later for later in range(at, len(calls))
             if calls[later] == ["fdatasync", f"{home}/ledger.sqlite-wal"]),
            None,
        )  # fmt: skip
        after = calls[at:commit]
        if call == "rename":
            aside = [one for one in calls[:at] if "/lake/.tmp/" in one[1]]
            assert aside[-1][0] == "read"  # its digest is taken of what was written and synced
            of_it = [done_to for done_to, of in aside if of == aside[-1][1]]
            assert "fsync" in of_it
            assert not {"pwrite64", "write", "ftruncate"} & set(of_it[of_it.index("fsync") :])
            renamed += 1
        if call == "rename" or (call == "mkdir" and "/.tmp" not in path and path != home):
            assert ["fsync", str(Path(path).parent)] in after, f"{call} {path}"
    assert renamed >= len(waiting.expected["files"]) - len(waiting.before["files"])
