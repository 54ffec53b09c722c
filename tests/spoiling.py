"""Checks of the gate broken on purpose, in every way that one can break."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from landed.errors import WarehouseError
from landed.gate import Suite, expectations, judging, load_suites
from landed.gate.checks import CHECKS
from landed.gate.facts import Fact
from landed.report import assess

REASON = "the table is gone"
HANGS_SECONDS = 1.5  # far longer than the tiny product's gate takes

#: Each way a check can break, with what its release must be told of it.
REASONS: Mapping[str, str] = {
    "fails": "spoiled on purpose",
    "raises": REASON,
    "raises what no except names": "SystemExit",
    "hangs": "no answer within",
    "returns None": "found nothing",
    "gives no number": "is nan",
    "gives no column": "there is no column",
    "leaves the registry": "is not built in",
    "leaves the suites": "no suite makes the check",
    "gets no answer": "results",
    "gets too many answers": "results",
}
WAYS = tuple(REASONS)
ENDS = "ends the process"  # which nothing can be told of, and nobody can tell


def is_decisive(check_id: str) -> bool:
    """Whether a failure of the check blocks; others warn."""
    return any(
        each.severity == "critical"
        for suite in load_suites().values()
        for each in suite.of_check(check_id)
    )


def is_blocked(check_id: str, way: str) -> bool:
    """Whether a release may not be published: only a check that was made may merely warn."""
    return way != "fails" or is_decisive(check_id)


def spoil(
    patch: pytest.MonkeyPatch,
    check_id: str,
    way: str,
    *,
    seconds: float = HANGS_SECONDS,
    release: str | None = None,
) -> tuple[dict[str, Suite], threading.Event]:
    """Break one check in one way; the suites that the run takes, and what lets a hung one go.

    Args:
        patch: Undoes it.
        check_id: The check.
        way: One of `WAYS`.
        seconds: The gate's time limit where the check hangs.
        release: Whose check breaks, by what it finds; None breaks it of all releases.
    """
    suites = dict(load_suites())
    name = next(name for name, suite in suites.items() if suite.of_check(check_id))
    check = CHECKS[check_id]

    def find(subject: Any, parameters: Any) -> Any:
        if release not in (None, subject.release.release):
            return check.find(subject, parameters)
        if way == "raises":
            raise WarehouseError(REASON)
        if way == "raises what no except names":
            raise SystemExit(0)
        if way == ENDS:
            os._exit(9)
        if way == "hangs":
            released.wait(10 * seconds)
        if way == "gives no number":
            return Fact(dict.fromkeys(check.columns, float("nan")), "nothing", "something")
        if way == "gives no column":
            return Fact({}, "nothing", "something")
        return _failing(check.columns, suites[name], check_id) if way == "fails" else None

    released = threading.Event()
    changed = dict(CHECKS)
    if way == "leaves the registry":
        del changed[check_id]
    elif way == "leaves the suites":
        left = tuple(each for each in suites[name].expectations if each.check_id != check_id)
        suites[name] = replace(suites[name], expectations=left)
    elif way.startswith("gets"):
        patch.setattr(expectations, "match_answers", _other_results(name, way))
    else:
        changed[check_id] = replace(check, find=find)
    patch.setattr(judging, "CHECKS", changed)
    if way == "hangs":
        judging.judge_of_process()  # its first making takes longer than a tiny product's gate
        for judged in ("judge_data", "judge_results"):
            impatient = partial(getattr(judging, judged), timeout_seconds=seconds)
            patch.setattr(assess, judged, impatient)
    return suites, released


def spoil_product(
    patch: pytest.MonkeyPatch, check_id: str, way: str, *, release: str | None = None
) -> threading.Event:
    """The same for whatever assesses releases in this process; what lets a hung one go."""
    from pipelines.defs import releases

    suites, released = spoil(patch, check_id, way, release=release)
    if way == "leaves the suites":
        patch.setattr(releases, "load_suites", lambda _: suites)
    return released


def _failing(columns: tuple[str, ...], suite: Suite, check_id: str) -> Fact:
    """A finding outside the limits of every expectation of the check."""
    values: dict[str, float] = dict.fromkeys(columns, 0.0)
    for each in suite.of_check(check_id):
        high, low = each.kwargs.get("max_value"), each.kwargs.get("min_value")
        values[each.kwargs["column"]] = low - 1 if high is None else high + 1
    return Fact(values, REASONS["fails"], "no spoiling")


def _other_results(suite: str, way: str) -> Any:
    """Great Expectations gives one suite a result too few or too many."""
    match = expectations.match_answers

    def matched(name: str, results: Sequence[Any], asked: int) -> list[expectations.Answer]:
        if name == suite:
            results = results[1:] if way == "gets no answer" else [*results, *results[:1]]
        return match(name, results, asked)

    return matched


def main() -> None:
    """The real command with one check broken: `python -m spoiling CHECK WAY COMMAND …`."""
    from landed.serve import cli

    check_id, way, *command = sys.argv[1:]
    spoil_product(pytest.MonkeyPatch(), check_id, way)
    cli.main(command)


if __name__ == "__main__":
    main()
