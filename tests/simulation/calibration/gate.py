"""How often the gate catches what is planted, and how often it blocks what is clean.

One run takes seconds, all of them hours. They are drawn in parts, on as many processes as there
are, each run a line of a file, and a part that was broken off goes on where it stopped:

    python -m simulation.calibration.gate clean --runs 0 500 --file clean-a.jsonl
    python -m simulation.calibration.gate faults --runs 0 25 --file faults.jsonl
    python -m simulation.calibration.gate --table clean-a.jsonl clean-b.jsonl faults.jsonl
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gate.faults.case import plainly_judged
from gate.faults.clean import LOOKS, looks
from gate.faults.kinds import Kind
from gate.faults.product import SMALL
from gate.faults.runs import KINDS, NOT_CAUGHT, awaits, run

from .document import Section, lines_of
from .rows import Row

SEED = 20261128
#: At most so many of a thousand whole releases may ever be blocked.
MOST_BLOCKED = 0.01
#: Of the runs of a kind that chance decides, so many are caught; of the others all.
LEAST_CAUGHT = 0.96

_TITLE = "The gate on faults and on clean releases"
_TEXT = (
    "Whole releases of the product in `tests/gate/faults`, through the models, every check and the"
    " report. A fault is judged once, at the verdict, beside the same product without it; a clean"
    f" release at each of its {LOOKS} daily looks, on what had arrived by then."
)


@dataclass(frozen=True)
class Ended:
    """One run: a fault at a seed, or a clean release through its looks.

    Args:
        part: `faults` or `clean`.
        name: The kind of the fault; empty for a clean release.
        number: Of the seed, from 0.
        is_caught: Of a fault: whether the gate did what the kind says.
        is_escape: Of a fault: whether a report said other than the clean twin's.
        blocked: Checks that failed, at any look, with what they first said.
        warned: Likewise those that only warn.
        seconds: Of the processor.
        text: The run as a line for people.
    """

    part: str
    name: str
    number: int
    blocked: Mapping[str, str]
    warned: Mapping[str, str]
    seconds: float
    is_caught: bool = False
    is_escape: bool = False
    text: str = ""


def seeds(part: str, count: int) -> list[int]:
    """The seeds of a part; more of them begin with the same ones."""
    of_part = np.random.SeedSequence(SEED, spawn_key=(("faults", "clean").index(part),))
    return [int(number) % 10_000_000 for number in of_part.generate_state(count)]


def clean_release(number: int) -> Ended:
    """One clean release through its looks."""
    began = time.process_time()
    blocked: dict[str, str] = {}
    warned: dict[str, str] = {}
    for look in looks(SMALL, seeds("clean", number + 1)[number]):
        for into, failed in ((blocked, look.found.blocked_by), (warned, look.found.warned_by)):
            for check in failed:
                into.setdefault(check, f"look {look.number}: {look.found.checks[check]}")
    return Ended("clean", "", number, blocked, warned, time.process_time() - began)


def fault(kind: Kind, number: int) -> Ended:
    """One fault at one seed."""
    began = time.process_time()
    found = run(kind, seeds("faults", number + 1)[number])
    seen = found.faulty
    return Ended(
        "faults",
        kind.name,
        number,
        {check: seen.checks[check] for check in seen.blocked_by},
        {check: seen.checks[check] for check in seen.warned_by},
        time.process_time() - began,
        found.is_caught,
        found.is_escape,
        str(found),
    )


def drawn(part: str, numbers: range, kinds: Sequence[Kind], done: set[Any]) -> Iterator[Ended]:
    """The runs of a part that are not done; kinds of one size share the product of a seed."""
    with plainly_judged():
        for number in numbers:
            if part == "clean":
                if ("clean", "", number) not in done:
                    yield clean_release(number)
                continue
            for kind in sorted(kinds, key=lambda kind: kind.people):
                if ("faults", kind.name, number) not in done:
                    yield fault(kind, number)


def read_runs(paths: Iterable[Path]) -> list[Ended]:
    """Runs of some files; of one that was drawn twice the last."""
    found: dict[Any, Ended] = {}
    for path in paths:
        for line in path.read_text().splitlines() if path.exists() else ():
            one = Ended(**json.loads(line))
            found[one.part, one.name, one.number] = one
    return list(found.values())


def rows_of_faults(found: Sequence[Ended]) -> list[Row]:
    """Every kind: the share caught; and of all runs the share that escaped."""
    by_kind = defaultdict(list)
    for one in found:
        by_kind[one.name].append(one)
    kinds = {kind.name: kind for kind in KINDS if kind.name in by_kind}
    rows = [
        Row(
            f"caught, {kind.means}",
            f"{name}: {kind.size}; {kind.people:,} people",
            len(by_kind[name]),
            _share(one.is_caught for one in by_kind[name]),
            lower=None if is_open(kind) else LEAST_CAUGHT if kind.is_statistical else 1.0,
            is_losing=is_open(kind),
        )
        for name, kind in kinds.items()
    ]
    every = [one for one in found if one.name in kinds and not is_open(kinds[one.name])]
    exact = [one for one in every if not kinds[one.name].is_statistical]
    rows.append(
        Row("caught", "all kinds", len(every), _share(one.is_caught for one in every), lower=0.99)
    )
    for name, many, most in (("all kinds", every, 0.01), ("deterministic kinds", exact, 0.0)):
        escaped = _share(one.is_escape for one in many)
        rows.append(
            Row("published with another verdict than its clean twin", name, len(many), escaped,
                upper=most)
        )  # fmt: skip
    return rows


def rows_of_clean(found: Sequence[Ended]) -> list[Row]:
    """Whole releases: the share ever blocked, by check, and ever warned of."""
    draws = len(found)
    blocked = Counter(check for one in found for check in one.blocked)
    warned = Counter(check for one in found for check in one.warned)
    where = f"{LOOKS} looks, {SMALL:,} people"
    ever = _share(bool(one.blocked) for one in found)
    return [
        Row("clean release ever blocked", where, draws, ever, upper=MOST_BLOCKED),
        *(Row("ever blocked by", name, draws, n / draws) for name, n in sorted(blocked.items())),
        *(Row("ever warned by", name, draws, n / draws) for name, n in sorted(warned.items())),
    ]


def is_open(kind: Kind) -> bool:
    """Whether no check sees the kind yet."""
    return awaits(kind) or kind.name in NOT_CAUGHT


def section(paths: Sequence[Path]) -> Section:
    """The table of what was drawn; without rows where nothing was."""
    found = read_runs(paths)
    rows: list[Row] = []
    for part, made in (("faults", rows_of_faults), ("clean", rows_of_clean)):
        if of_part := [one for one in found if one.part == part]:
            rows += made(of_part)
    return Section(_TITLE, _TEXT, rows)


def _share(of: Iterable[bool]) -> float:
    found = list(of)
    return sum(found) / len(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw a part, or print the table of what was drawn."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("part", nargs="?", choices=("faults", "clean"))
    parser.add_argument("--runs", nargs=2, type=int, default=(0, 20), help="first, one past last")
    parser.add_argument("--kind", action="append", default=[], help="of a fault; may repeat")
    parser.add_argument("--file", type=Path, help="where the runs go")
    parser.add_argument("--table", nargs="+", type=Path, default=[], help="files of runs")
    chosen = parser.parse_args(arguments)
    if chosen.table:
        table = section(chosen.table)
        print("\n".join(lines_of(table)))
        return 0 if all(row.is_kept for row in table.rows) else 1
    if chosen.part is None or chosen.file is None:
        parser.error("name a part and a file, or the files of a table")
    kinds = [kind for kind in KINDS if not chosen.kind or kind.name in chosen.kind]
    done = {(one.part, one.name, one.number) for one in read_runs([chosen.file])}
    with chosen.file.open("a", encoding="utf-8") as file:
        for one in drawn(chosen.part, range(*chosen.runs), kinds, done):
            file.write(json.dumps(vars(one)) + "\n")
            file.flush()
            said = ", ".join(one.blocked) or "published"
            print(one.text or f"clean {one.number}: {said}", f"{one.seconds:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
