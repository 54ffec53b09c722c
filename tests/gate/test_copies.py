"""Events that come again under other ids, and clocks that tell another zone's time."""

from __future__ import annotations

from typing import Any

import pytest

#: Four weeks before the release and two since, a thousand events a day.
DAYS = """
create or replace table profile as
select 'web' as source, 'view' as event_name, '1.0' as app_version, day::date as event_on,
    day + interval 9 hour as hour_at, 1000 as event_count, 0 as ahead_count,
    0 as corrected_count, USUAL as copied_count, USUAL as local_count, 0 as waiting_count,
    20 as persons, day as first_at, day as last_at
from range(timestamp 'FIRST', timestamp '2026-03-16', interval 1 day) as days(day);
create or replace view int_event_hours as
select *, local_count + waiting_count as late_count,
    map_from_entries(list_transform(range(persons), lambda n: (n, copied_count // persons)))
        as copied_groups
from profile
"""


def profiled(world: Any, usual: int = 3, first: str = "2026-02-02") -> Any:
    return world.run(DAYS.replace("USUAL", str(usual)).replace("FIRST", first))


CHECKS = pytest.mark.parametrize(
    ("check_id", "column", "told"),
    [
        ("copied_events", "copied_count", "are copies of others"),
        ("local_times", "local_count", "whole or half hours after they say they happened"),
    ],
)


@CHECKS
def test_days_as_before_pass(world: Any, result_of: Any, check_id: str, column: str, told: str):
    check = result_of(profiled(world).data(), check_id)

    assert check.passed
    assert told not in check.observed


@CHECKS
def test_a_day_far_above_all_before_is_refused(
    world: Any, result_of: Any, check_id: str, column: str, told: str
) -> None:
    profiled(world).run(f"update profile set {column} = 80 where event_on = '2026-03-10'")

    check = result_of(world.data(), check_id)

    assert check.blocks
    assert told in check.observed
    assert check.sample[0]["day"] == "2026-03-10"


@CHECKS
def test_what_a_source_always_did_is_no_fault(
    world: Any, result_of: Any, check_id: str, column: str, told: str
) -> None:
    profiled(world, usual=60).run(
        f"update profile set {column} = 150 where event_on > '2026-03-09'"
    )

    assert result_of(world.data(), check_id).passed


@CHECKS
def test_of_a_source_that_is_new_it_warns(
    world: Any, result_of: Any, check_id: str, column: str, told: str
) -> None:
    profiled(world, first="2026-02-26").run(f"update profile set {column} = 80")

    check = result_of(world.data(), check_id)

    assert not check.passed
    assert not check.blocks


def test_copies_of_one_person_are_no_fault_of_the_client(world: Any, result_of: Any) -> None:
    # 120 records that one person imported within a second
    profiled(world, usual=0).run(
        "update profile set event_count = 1120, copied_count = 119, persons = 1"
        " where event_on = '2026-03-10'"
    )

    assert result_of(world.data(), "copied_events").passed


@pytest.mark.parametrize(("persons", "blocks"), [(4, False), (5, True)])
def test_copies_of_five_persons_are_refused(
    world: Any, result_of: Any, persons: int, blocks: bool
) -> None:
    profiled(world, usual=0).run(
        f"update profile set copied_count = 300, persons = {persons} where event_on = '2026-03-10'"
    )

    assert result_of(world.data(), "copied_events").blocks is blocks


def test_a_day_that_waited_for_its_delivery_is_no_other_zone(world: Any, result_of: Any) -> None:
    # an outage of the collector: of 980 rows that waited for hours, one in fifteen by half hours
    profiled(world).run(
        "update profile set local_count = 66, waiting_count = 914 where event_on = '2026-03-10'"
    )

    assert result_of(world.data(), "local_times").passed


def test_rows_of_another_zone_are_found_among_rows_that_wait(world: Any, result_of: Any) -> None:
    profiled(world).run(
        "update profile set local_count = 140, waiting_count = 400 where event_on = '2026-03-10'"
    )

    check = result_of(world.data(), "local_times")

    assert check.blocks
    assert check.observed.startswith("11.1 % of the events of source `web` on 2026-03-10 came")
