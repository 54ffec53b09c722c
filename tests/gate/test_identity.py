"""Units that are spelled twice, or that come back as others."""

from __future__ import annotations

from typing import Any

import pytest

PEOPLE = """
delete from agg_unit_days;
delete from dim_units;
insert into dim_units by name
select unit_id, false as is_bot, 'free' as plan, min(day) as first_seen_at
from people group by all;
insert into agg_unit_days by name
select unit_id, day::date as event_on, 3 as event_count from people
"""
# 1,600 people come on half of the days; each day ten more come for the first time
DAYS = """
create table people as
select format('p{:04d}', i) as unit_id, day
from range(timestamp '2026-02-16', timestamp '2026-03-16', interval 1 day) as days(day),
    range(1600) as persons(i)
where (hash(i || '|' || day) >> 20) % 2 = 0
union all
select format('n{}-{}', strftime(day, '%m%d'), i), day
from range(timestamp '2026-02-16', timestamp '2026-03-16', interval 1 day) as days(day),
    range(10) as persons(i)
"""


@pytest.fixture
def steady(world: Any) -> Any:
    return world.run(DAYS)


def test_identity_breaks_passes_people_that_keep_their_ids(steady: Any, result_of: Any) -> None:
    check = result_of(steady.run(PEOPLE).data(), "identity_breaks")

    assert check.passed
    assert check.observed == "units keep their ids"


@pytest.mark.parametrize("spelled", ["upper(unit_id)", "unit_id || ' '", "' ' || unit_id"])
def test_identity_breaks_refuses_exposures_that_spell_ids_differently(
    world: Any, result_of: Any, spelled: str
) -> None:
    world.run(
        f"insert into dim_units by name select {spelled} as unit_id, false as is_bot,"
        " 'free' as plan, first_seen_at from dim_units where unit_id < 'u12';"
        f" update fct_exposures set unit_id = {spelled} where unit_id < 'u12'"
    )

    check = result_of(world.data(), "identity_breaks")

    assert check.blocks
    assert check.observed.startswith("12 exposed units of 40 (30 %) have an id that differs")


def test_identity_breaks_leaves_a_few_ids_that_look_alike(world: Any, result_of: Any) -> None:
    world.run(
        "insert into dim_units by name select upper(unit_id) as unit_id, false as is_bot,"
        " 'free' as plan, first_seen_at from dim_units where unit_id < 'u09'"
    )

    assert result_of(world.data(), "identity_breaks").passed


def test_identity_breaks_refuses_ids_that_were_made_anew(steady: Any, result_of: Any) -> None:
    steady.run(
        "update people set unit_id = unit_id || '-new'"
        " where day >= '2026-03-09' and unit_id < 'p0480'  and unit_id like 'p%'"
    )

    check = result_of(steady.run(PEOPLE).data(), "identity_breaks")

    assert check.blocks
    assert "fewer known units from 2026-03-09 on" in check.observed


@pytest.mark.parametrize(
    "change",
    [
        # a holiday
        "delete from people where day >= '2026-03-09' and unit_id like 'p%' and unit_id < 'p0600'",
        # a campaign
        "insert into people select format('c{}-{}', strftime(day, '%m%d'), i), day"
        " from range(timestamp '2026-03-09', timestamp '2026-03-12', interval 1 day) as days(day),"
        " range(320) as persons(i)",
    ],
)
def test_identity_breaks_takes_neither_a_holiday_nor_a_campaign_for_new_ids(
    steady: Any, result_of: Any, change: str
) -> None:
    steady.run(change)

    assert result_of(steady.run(PEOPLE).data(), "identity_breaks").passed
