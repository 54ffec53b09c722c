"""Groups by week: which weeks are whole, and which groups can be followed."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import pytest

from landed.catalog.release_designs import Cohorts
from landed.impact.group_panel import first_whole_week, is_in_midst_of_a_week, panel_of

FIRST = date(2026, 3, 2)  # a Monday
WEEKS = [FIRST + timedelta(days=7 * week) for week in range(6)]
BEFORE, UNTIL = WEEKS[3], WEEKS[5] + timedelta(days=7)


def cells(**groups: list[float | None]) -> list[tuple[str, date, float | None]]:
    return [
        (group, week, value)
        for group, values in groups.items()
        for week, value in zip(WEEKS, values, strict=True)
    ]


def test_the_first_week_of_a_metric_may_be_a_part_and_is_left_out() -> None:
    found = panel_of("m", cells(a=[1, 2, 3, 4, 5, 6]), before=BEFORE, until=UNTIL, is_log=False)

    assert found.first_on == WEEKS[1]
    assert found.values == {"a": (2, 3, 4, 5, 6)}


def test_a_total_is_taken_as_its_logarithm() -> None:
    found = panel_of("m", cells(a=[1] * 6), before=BEFORE, until=UNTIL, is_log=True)

    assert found.values == {"a": (0.0,) * 5}
    assert math.isclose(found.values["a"][0], math.log(1))


def test_a_group_with_a_gap_before_the_change_is_left_out_and_named() -> None:
    found = panel_of(
        "m",
        cells(a=[1] * 6, b=[1, 1, None, 1, 1, 1], c=[1, 1, 0, 1, 1, 1]),
        before=BEFORE,
        until=UNTIL,
        is_log=True,
    )

    assert list(found.values) == ["a"]
    assert found.left_out == ("b", "c")


def test_a_gap_after_the_change_is_told_and_no_group_is_dropped_for_it() -> None:
    found = panel_of(
        "m", cells(a=[1] * 6, b=[1, 1, 1, 1, 0, 1]), before=BEFORE, until=UNTIL, is_log=True
    )

    assert found.values == {}
    assert found.refused == (
        "b has no value above 0 in the week of 2026-03-30,"
        " after it had one in every week before the change"
    )


def test_a_metric_without_a_whole_week_before_is_refused() -> None:
    found = panel_of(
        "m", cells(a=[None, None, 1, 1, 1, 1]), before=BEFORE, until=UNTIL, is_log=False
    )

    assert str(found.refused).startswith("too little history")


@pytest.mark.parametrize(
    ("start", "zone", "week", "in_midst"),
    [
        (datetime(2026, 3, 2, tzinfo=UTC), "UTC", date(2026, 3, 2), False),
        (datetime(2026, 3, 2, 0, 1, tzinfo=UTC), "UTC", date(2026, 3, 9), True),
        (datetime(2026, 3, 8, 9, tzinfo=UTC), "UTC", date(2026, 3, 9), True),
        (datetime(2026, 3, 1, 23, tzinfo=UTC), "Europe/Berlin", date(2026, 3, 2), False),
    ],
)
def test_a_cohort_begins_with_its_first_whole_week(
    start: datetime, zone: str, week: date, in_midst: bool
) -> None:
    assert first_whole_week(start, zone) == week
    assert is_in_midst_of_a_week(Cohorts("plan", {"a": start}), zone) == in_midst
