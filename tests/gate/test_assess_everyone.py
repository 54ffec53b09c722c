"""A release to everyone, from marts to report: its days are compared, its placebo days shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from landed.catalog import RoleOfMetric
from landed.impact import ReleaseLooks
from landed.impact.calendar import release_calendar
from landed.impact.daily_series import read_daily_series
from landed.report import render_html, render_markdown, render_text
from landed.report.assess import Assessment

SHIPPED_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
#: Events of a day: about 190, and 40 more from the day after the release on.
EVENTS = """
delete from fct_events;
insert into fct_events
select row_number() over () as event_id, 'view' as event_name,
    format('u{:02d}', nth::integer % 40) as unit_id,
    day + to_minutes(nth::integer) as occurred_at
from (select day::timestamp as day, hash(day::timestamp) % 21 as extra
    from range(timestamp '2025-09-01', timestamp '2026-03-20', interval 1 day) as days(day)),
    range(if(day > timestamp '2026-03-02', 240, 200)) as events(nth)
where nth < if(day > timestamp '2026-03-02', 240, 200) - extra;
insert into fct_events
select 100000 + row_number() over (), name, unit_id, exposed_at
from fct_exposures, (values ('checklist_seen'), ('checklist_shown')) as names(name);
"""


@pytest.fixture
def everyone(world: Any) -> Any:
    world.run(EVENTS)
    for table in ("fct_exposures", "int_assigned_units", "int_exposure_events"):
        world.run(f"update {table} set variant = 'released'")
    return world.change(
        kind="everyone",
        shipped_at=SHIPPED_AT,
        exposure=None,
        control=None,
        treatments=("released",),
        allocation=(),
        exposure_ends_at=None,
        roles=(RoleOfMetric("event_count", "success", 0.05, relative=True),),
    )


def assess(world: Any, data_through: datetime, looks: ReleaseLooks | None = None) -> Assessment:
    return world.assess(
        release_calendar(world.release, world.catalog, data_through), looks=lambda: looks
    )


def test_the_report_shows_the_move_of_its_days_and_what_it_assumes(everyone: Any) -> None:
    found = assess(everyone, datetime(2026, 3, 19, tzinfo=UTC))

    document = found.report.document
    (estimate,), (placebo,) = document["estimates"], document["placebo"]
    assert [check.check_id for check in found.decision.failed] == []
    assert found.report.decision == "worked"
    assert document["next"][0]["text"] == "Keep checklist: everybody has it."
    assert document["as_of"] == "2026-03-17T00:00:00Z"  # 14 whole days after, frozen
    assert estimate["method"] == "placebo"
    assert estimate["relative_ci_lower"] < 40 / 190 < estimate["relative_ci_upper"]
    assert placebo["changed_on"] == "2026-03-03"
    assert len(placebo["windows"]) == 10
    assert placebo["windows"][0]["from"] == "2026-02-16"
    assert [c["code"] for c in document["caveats"]].count("assumption") == 2
    for page in (render_html(document), render_markdown(document)):
        assert "the change and earlier windows" in page
        assert "2026-02-16" in page
    assert "Assumed: " in render_text(document)


def test_nothing_of_its_days_is_in_the_report_before_it_is_due(everyone: Any) -> None:
    found = assess(everyone, datetime(2026, 3, 16, tzinfo=UTC))

    document = found.report.document
    assert document["verdict"]["decision"] == "inconclusive"
    assert "1 day left" in document["verdict"]["reason"]
    assert "placebo" not in document
    numbers = ("absolute_effect", "mean_control", "mean_treatment", "ci_lower", "p_value")
    assert [document["estimates"][0][name] for name in numbers] == [None] * 5


def test_too_little_history_is_not_estimable(everyone: Any) -> None:
    everyone.run("delete from fct_events where occurred_at < timestamp '2025-12-01'")

    found = assess(everyone, datetime(2026, 3, 19, tzinfo=UTC))

    assert found.report.decision == "not_estimable"
    assert "too little history" in found.report.document["verdict"]["reason"]
    assert "to a random share" in found.report.document["next"][0]["text"]


def test_a_verdict_stays_when_late_data_say_otherwise(everyone: Any) -> None:
    then = assess(everyone, datetime(2026, 3, 17, tzinfo=UTC))
    everyone.run(
        "delete from fct_events where occurred_at > timestamp '2026-03-03 03:10'"
        " and occurred_at::time > time '03:00'"
    )

    now = assess(everyone, datetime(2026, 3, 19, tzinfo=UTC), then.looks)

    assert then.looks is not None
    assert then.looks.decided == {"released": ("worked", datetime(2026, 3, 17, tzinfo=UTC))}
    assert assess(everyone, datetime(2026, 3, 19, tzinfo=UTC)).report.decision != "worked"
    assert now.report.decision == "worked"
    assert now.report.document["look"] == {"number": 1, "planned": 1}


def test_it_is_looked_at_once_whatever_the_file_leaves_open(everyone: Any) -> None:
    found = assess(everyone, datetime(2026, 3, 16, tzinfo=UTC))

    assert found.report.document["look"] == {"number": 1, "planned": 1}
    assert found.looks is not None
    assert found.looks.decided == {}


def test_days_are_those_of_the_projects_time_zone(everyone: Any) -> None:
    everyone.run(
        "create or replace table fct_events as select i as event_id, 'view' as event_name,"
        " 'u01' as unit_id, timestamp '2026-03-01 04:59' + to_hours(8 * i) as occurred_at"
        " from range(12) as rows(i)"
    )
    release = replace(everyone.release, time_zone="America/New_York")  # five hours behind

    found = read_daily_series(
        everyone.engine,
        everyone.catalog,
        release,
        data_through=datetime(2026, 3, 5, 5, tzinfo=UTC),
    )["event_count"]

    # one event on the last day of February, which is left out as the first
    assert found.first_on == date(2026, 3, 1)
    assert found.values == (3, 3, 3, 2)
    assert found.is_total


def test_a_metric_that_has_no_form_by_day_says_so(everyone: Any) -> None:
    release = replace(everyone.release, roles=(RoleOfMetric("signup_rate", "success"),))

    found = read_daily_series(
        everyone.engine, everyone.catalog, release, data_through=datetime(2026, 3, 5, tzinfo=UTC)
    )["signup_rate"]

    assert found.refused == (
        "it is a share of exposed units, of which there are none before the change"
    )
