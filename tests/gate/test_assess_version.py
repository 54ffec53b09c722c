"""A version: described as it was taken, and judged by who took it in which week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landed.catalog import RoleOfMetric
from landed.impact.adopters import describe_adopters
from landed.impact.calendar import Calendar, release_calendar
from landed.impact.looks import ReleaseLooks
from landed.report import render_html, render_markdown, render_text

SHIPPED_AT = datetime(2026, 3, 2, tzinfo=UTC)
CUTOFF_AT = datetime(2026, 3, 16, tzinfo=UTC)
#: u00 to u09 take it: four events a day before and after; the ten others send one.
EVENTS = """
delete from fct_events;
insert into fct_events
select row_number() over () as event_id, 'view' as event_name, format('u{:02d}', i) as unit_id,
    day::timestamp + to_hours(nth::integer) as occurred_at
from range(20) as units(i),
    range(timestamp '2026-02-20', timestamp '2026-03-17', interval 1 day) as days(day),
    range(4) as events(nth)
where nth < if(i < 10, 4, 1);
create or replace table fct_exposures as
select 'checklist' as release, format('u{:02d}', i) as unit_id, 'released' as variant,
    timestamp '2026-03-04' as exposed_at, false as is_crossover, false as is_bot,
    '4.2.0' as first_app_version, 'DE' as country, 'web' as platform, 'free' as plan,
    1 as exposure_count
from range(10) as units(i);
create or replace table dim_units as
select format('u{:02d}', i) as unit_id, 'free' as plan, timestamp '2026-02-20' as first_seen_at,
    i = 19 as is_bot
from range(20) as units(i);
"""


@pytest.fixture
def version(world: Any) -> Any:
    world.run(EVENTS)
    return world.change(
        kind="version",
        app_version="2.0",
        shipped_at=SHIPPED_AT,
        exposure=None,
        control=None,
        treatments=("released",),
        allocation=(),
        must_emit=(),
        roles=(RoleOfMetric("event_count", "success"),),
    )


def test_those_who_took_it_are_described_with_how_they_differed_before(version: Any) -> None:
    (found,) = describe_adopters(
        version.engine, version.catalog, version.release, cutoff_at=CUTOFF_AT
    )

    assert (found.n_adopted, found.n_others) == (10, 9)  # the bot is left out
    assert (found.after_adopted, found.after_others) == (14 * 4, 14)
    assert (found.before_adopted, found.before_others) == (10 * 4, 10)


def test_the_marts_are_themselves_again_afterwards(version: Any) -> None:
    describe_adopters(version.engine, version.catalog, version.release, cutoff_at=CUTOFF_AT)

    assert version.engine.rows("select distinct variant from fct_exposures") == [("released",)]


def test_a_version_is_described_and_never_judged(version: Any) -> None:
    found = version.assess(Calendar("checklist", CUTOFF_AT, CUTOFF_AT, CUTOFF_AT))

    document = found.report.document
    assert [(one.check_id, one.observed) for one in found.decision.failed] == []
    assert document["verdict"]["decision"] == "not_estimable"
    assert document["estimates"][0]["absolute_effect"] is None
    assert document["descriptive"][0]["before_adopted"] == 40
    (caveat,) = (one for one in document["caveats"] if one["code"] == "self_selected")
    assert "before it 40 and 10" in caveat["text"]
    for page in (render_html(document), render_markdown(document)):
        assert "Who took the version, and who did not" in page
    assert "described only" in render_text(document)


MONDAY = datetime(2026, 3, 2, tzinfo=UTC)  # the week it ships in
END = datetime(2026, 4, 13, tzinfo=UTC)
#: 3,000 units with 2 to 8 events a week; four of ten take it in the week it ships, then fewer.
PEOPLE = """
create or replace table dim_units as
select format('p{:04d}', i) as unit_id, 'free' as plan, timestamp '2025-06-01' as first_seen_at,
    false as is_bot
from range(3000) as units(i);
create or replace table fct_exposures as
with drawn as (
    select format('p{:04d}', i) as unit_id, hash(i * 31 + 7) % 10 as tenth
    from range(3000) as units(i)
)
select 'checklist' as release, unit_id, 'released' as variant,
    timestamp '2026-03-04' + to_days(case
        when tenth < 4 then 0 when tenth < 6 then 7 when tenth < 7 then 14 else 21
    end) as exposed_at,
    false as is_crossover, false as is_bot,
    '4.2.0' as first_app_version, 'DE' as country, 'web' as platform, 'free' as plan,
    1 as exposure_count
from drawn where tenth < 8;
delete from fct_events;
insert into fct_events
with cells as (
    select units.unit_id, week::timestamp as week,
        2 + hash(units.unit_id) % 4 + hash(units.unit_id || week::varchar) % 3 as base,
        coalesce(week > exposed_at, false) as has_it
    from dim_units as units
    cross join range(timestamp '2025-12-01', timestamp '2026-04-13', interval 7 day) as weeks(week)
    left join fct_exposures as took on units.unit_id = took.unit_id
)
select row_number() over () as event_id, 'view' as event_name, unit_id,
    week + to_hours(3 + 19 * nth::integer) as occurred_at
from cells, range(11) as events(nth)
where nth < base * if(has_it, {effect}, 1);
"""


@pytest.fixture
def adopted(version: Any) -> Any:
    version.run(PEOPLE.replace("{effect}", "1.4"))
    return version.change(
        shipped_at=MONDAY + timedelta(hours=9),
        exposure_ends_at=END,
        roles=(RoleOfMetric("event_count", "success", 0.05, relative=True),),
    )


def assessed(world: Any, data_through: datetime, **more: Any) -> Any:
    calendar = release_calendar(world.release, world.catalog, data_through)
    world.run(
        f"update dim_releases set shipped_at = '2026-03-02 09:00', exposure_ends_at = '2026-04-13',"
        f" cutoff_at = '{calendar.cutoff_at:%Y-%m-%d}'"
    )
    return world.assess(calendar, **more)


def judged(world: Any, data_through: datetime = END) -> Any:
    found = assessed(world, data_through)
    assert [(one.check_id, one.observed) for one in found.decision.failed] == []
    return found.report.document


def test_those_who_took_it_are_compared_with_others_of_the_same_week(adopted: Any) -> None:
    document = judged(adopted)

    assert document["verdict"]["decision"] == "worked"
    (estimate,), (design,) = document["estimates"], document["designs"]
    assert estimate["method"] == "difference_in_differences"
    # 40 % for the first week after, less what others gain that take it meanwhile
    assert 0.1 < estimate["relative_ci_lower"] < estimate["relative_effect"] < 0.4
    facts = design["facts"]
    assert [one["week"] for one in facts["trials"]] == ["2026-03-02", "2026-03-09", "2026-03-16"]
    assert [one["is_left_out"] for one in facts["trials"]] == [False, True, True]
    assert min(facts["trials"][0]["n_took"], facts["trials"][0]["n_later"]) > 300
    assert 0 < facts["against_later"]["effect"] < facts["cells"][-2]["effect"]
    assert {cell["week"] for cell in facts["cells"] if cell["weight"]} == {
        "2026-03-09",
        "2026-03-16",
    }
    said = " ".join(one["text"] for one in document["caveats"])
    assert "units took the version themselves" in said
    assert "described only" in said  # the description stays beside it
    for page in (
        render_html(document),
        render_markdown(document),
    ):
        assert "effects by cohort and week" in page
        assert "active in the same week" in page
    assert "WORKED" in render_text(document)


def test_a_version_that_changes_nothing_does_not_work(adopted: Any) -> None:
    adopted.run(PEOPLE.replace("{effect}", "1.0"))

    document = judged(adopted)

    assert document["verdict"]["decision"] in {"no_effect", "inconclusive"}
    (estimate,) = document["estimates"]
    assert estimate["relative_ci_lower"] < 0 < estimate["relative_ci_upper"]


def test_nothing_of_a_version_is_judged_before_the_declared_end(adopted: Any) -> None:
    document = judged(adopted, END - timedelta(days=1))

    assert document["verdict"]["decision"] == "inconclusive"
    assert "1 day ahead" in document["verdict"]["reason"]
    assert document["estimates"][0]["absolute_effect"] is None
    assert "designs" not in document


def test_a_later_end_is_no_second_look_at_a_version(adopted: Any) -> None:
    end = datetime(2026, 3, 23, tzinfo=UTC)  # the week it shipped in, and two after
    first = assessed(adopted.change(exposure_ends_at=end), end)
    kept = ReleaseLooks.of_dict(first.looks.as_dict())

    later = assessed(adopted.change(exposure_ends_at=END), END, looks=lambda: kept)

    then, now, anew = (one.report.document for one in (first, later, assessed(adopted, END)))
    assert then["estimates"][0]["status"] == "estimated"
    assert now["estimates"] == then["estimates"]
    assert now["designs"] == then["designs"] != anew["designs"]
    caveats = {one["code"]: one["text"] for one in now["caveats"]}
    assert "when exposure ends" in caveats["plan_changed"]


def test_too_few_units_that_took_it_are_not_estimable(adopted: Any) -> None:
    adopted.run("delete from fct_exposures where hash(unit_id) % 3 > 0")

    document = judged(adopted)

    assert document["verdict"]["decision"] == "not_estimable"
    assert "too few units" in document["verdict"]["reason"]
    assert "at least 200 of each are needed" in document["verdict"]["reason"]


def test_who_was_not_active_in_the_week_is_compared_with_nobody(adopted: Any) -> None:
    before = judged(adopted)["designs"][0]["facts"]["trials"][0]
    adopted.run(
        "delete from fct_events where occurred_at >= timestamp '2026-03-02'"
        " and unit_id not in (select unit_id from fct_exposures)"
    )

    after = judged(adopted)["designs"][0]["facts"]["trials"][0]

    assert after["n_took"] == before["n_took"]
    assert after["n_others"] == after["n_later"] < before["n_others"]


def test_units_that_are_new_or_bots_take_no_part(adopted: Any) -> None:
    before = judged(adopted)["designs"][0]["facts"]["trials"][0]
    adopted.run("update dim_units set is_bot = true where unit_id < 'p0300'")
    adopted.run("update dim_units set first_seen_at = '2026-02-01' where unit_id > 'p2700'")

    after = judged(adopted)["designs"][0]["facts"]["trials"][0]

    assert after["n_took"] + after["n_others"] < 0.85 * (before["n_took"] + before["n_others"])


def test_trends_of_those_who_took_it_that_differed_before_are_not_estimable(adopted: Any) -> None:
    adopted.run(
        "insert into fct_events select 9000000 + event_id, event_name, unit_id, occurred_at"
        " from fct_events where unit_id in"
        " (select unit_id from fct_exposures where exposed_at < timestamp '2026-03-09')"
        " and hash(event_id) % 200 < (epoch(occurred_at) - epoch(timestamp '2025-12-01')) / 86400"
    )

    document = judged(adopted)

    assert document["verdict"]["decision"] == "not_estimable"
    assert "the trends differed before the change already" in document["verdict"]["reason"]


def test_a_version_without_a_declared_end_is_not_judged(adopted: Any) -> None:
    verdict = judged(adopted.change(exposure_ends_at=None))["verdict"]

    assert verdict["decision"] == "not_estimable"
    assert "horizon: {exposure_ends_at" in verdict["reason"]


def test_an_end_before_the_weeks_after_is_told(adopted: Any) -> None:
    adopted.change(exposure_ends_at=datetime(2026, 3, 20, tzinfo=UTC))

    document = judged(adopted)

    assert "exposure ended too early: 3 whole weeks" in document["verdict"]["reason"]


def test_the_marts_are_as_they_were_after_a_version_was_judged(adopted: Any) -> None:
    tables = "select table_name from duckdb_tables() union all select view_name from duckdb_views()"
    before = set(adopted.engine.rows(tables))

    judged(adopted)

    assert set(adopted.engine.rows(tables)) == before
