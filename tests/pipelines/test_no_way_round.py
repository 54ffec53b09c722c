"""No path of the product writes a number of a release whose gate could not judge it.

The numbers are those that the same home publishes when nothing is broken: after a run with a broken
check they are looked for in every file that the run left, unpacked and cell by cell.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
import running
import two_releases
from running import State
from searching import Numbers, places
from spoiling import REASONS, WAYS, is_blocked, is_decisive, spoil_product

from landed.gate import load_suites
from landed.gate.checks import CHECKS
from landed.project import Home
from landed.publish.gates import read_gate_record

SEED = 20261128
pytestmark = pytest.mark.xdist_group("no_way_round")

Case = tuple[str, str, str]  # path, check, way
States = tuple[State, State]  # before a release was judged; after a clean run


def draw(count: int) -> list[Case]:
    """So many different cases; every path and every way comes as often as any other."""
    random_ = random.Random(SEED)  # noqa: S311 - cases, not secrets
    checks = sorted(CHECKS)
    random_.shuffle(checks)
    paths, found = list(running.PATHS), []
    for number in range(count):
        path, way = paths[number % len(paths)], WAYS[number % len(WAYS)]
        found.append((path, checks[number % len(checks)], way))
    random_.shuffle(found)
    return found


#: All that a plain run goes through: a decisive and a warning check, before and after the numbers.
FEW: list[Case] = [
    ("the report alone", "finite_estimates", "raises"),
    ("a backfill", "simpson_reversal", "hangs"),
    ("a run of the job", "sample_ratio", "fails"),
]
MANY = draw(66)  # eight of the eleven ways on each path at least


def is_asked(published: State, check_id: str) -> bool:
    """Whether the judge is asked of a check's suite at all: one of its checks applies here."""
    suite = next(suite for suite in load_suites().values() if suite.of_check(check_id))
    record = read_gate_record(Home(published.kept), two_releases.FIRST)
    assert record.latest is not None
    return bool(set(suite.check_ids) - set(record.latest.skipped))


def hold_back(
    case: Case, states: States, numbers: Mapping[str, Numbers], patch: pytest.MonkeyPatch
) -> None:
    """Go a path with a broken check: nothing of any release is published, the reason is shown."""
    path, check_id, way = case
    built, published = states
    project = built.restored()
    released = spoil_product(patch, check_id, way)

    running.run(project, running.PATHS[path], running.PUBLISH)

    released.set()
    home = project / ".landed"
    for release, kept in numbers.items():
        (document,) = two_releases.documents(home, release)
        evaluations = {one.check_name: one for one in running.checks_shown(project, release)}
        if way.startswith("gets") and not is_asked(published, check_id):
            assert document["gate"]["decision"] == "pass"  # no question, so no answer is missed
            continue
        if not is_blocked(check_id, way):
            assert document["gate"]["decision"] == "pass"
            assert not evaluations[check_id].passed
            continue
        first = document["gate"]["checks"][0]
        assert (document["gate"]["decision"], document["estimates"]) == ("blocked", [])
        assert document["verdict"]["decision"] == "blocked"
        assert REASONS[way] in first["observed"]
        assert REASONS[way] in document["verdict"]["reason"]
        assert places(home, kept) == []
        shown = evaluations[check_id if way == "fails" else "gate_error"]
        assert first["id"] == shown.check_name
        assert not shown.passed
        assert REASONS[way] in str(shown.metadata["observed"].value)


def test_a_search_finds_what_a_clean_run_publishes(
    published: State, numbers: Mapping[str, Numbers]
) -> None:
    for kept in numbers.values():
        found = places(published.kept, kept)

        assert {place.kind for place in found} == {"json", "html", "md", "sqlite", "duckdb"}
        assert kept.texts <= {text for place in found for text in place.numbers}
        tables = {text for place in found if place.kind == "duckdb" for text in place.numbers}
        assert {repr(number) for number in kept.floats} <= tables


def test_a_search_finds_nothing_before_a_release_is_judged(
    built: State, numbers: Mapping[str, Numbers]
) -> None:
    assert [places(built.kept, kept) for kept in numbers.values()] == [[], []]


@pytest.mark.parametrize("case", FEW, ids=", ".join)
def test_a_check_broken_in_any_way_leaves_no_number_in_any_file(
    case: Case,
    built: State,
    published: State,
    numbers: Mapping[str, Numbers],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hold_back(case, (built, published), numbers, monkeypatch)


@pytest.mark.full
@pytest.mark.parametrize("case", MANY, ids=", ".join)
def test_checks_broken_in_every_way_on_every_path_leave_no_number_in_any_file(
    case: Case,
    built: State,
    published: State,
    numbers: Mapping[str, Numbers],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hold_back(case, (built, published), numbers, monkeypatch)


def test_the_draw_has_every_path_every_way_and_every_check() -> None:
    paths, checks, ways = (set(each) for each in zip(*MANY, strict=True))

    assert paths == set(running.PATHS)
    assert ways == set(WAYS)
    assert checks == set(CHECKS)
    assert len(set(MANY)) >= 60
    assert any(not is_decisive(check) and way != "fails" for _, check, way in MANY)
