"""A release that groups got at declared times, from marts to report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landed.catalog import RoleOfMetric
from landed.catalog.release_designs import Cohorts
from landed.impact.calendar import release_calendar
from landed.report import render_html, render_markdown, render_text
from landed.report.assess import Assessment

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)  # 30 plans, weeks of events from 18 weeks before
STARTS = {
    **{f"p{i:02d}": MONDAY for i in range(8)},
    **{f"p{i:02d}": MONDAY + timedelta(days=23) for i in range(8, 16)},  # in the midst of a week
}
#: About 40 to 70 events a plan and week; the plans of a cohort send half as many again.
EVENTS = """
create or replace table dim_units as
select format('u{:02d}', i) as unit_id, format('p{:02d}', i) as plan,
    timestamp '2025-01-01' as first_seen_at, false as is_bot
from range(30) as units(i);
delete from fct_events;
insert into fct_events
with cells as (
    select i, day::timestamp as day,
        6 + i % 4 + hash(i * 1000 + epoch(day)::bigint // 86400) % 3 as base,
        coalesce(day >= start, false) as has_it
    from range(30) as units(i)
    cross join range(timestamp '2025-09-01', timestamp '2026-03-18', interval 1 day) as days(day)
    left join starts using (i)
)
select row_number() over () as event_id, 'view' as event_name, format('u{:02d}', i) as unit_id,
    day + to_minutes(nth::integer) as occurred_at
from cells, range(30) as events(nth)
where nth < base * if(has_it, 1.5, 1);
"""


@pytest.fixture
def staged(world: Any) -> Any:
    rows = ", ".join(f"({int(p[1:])}, timestamp '{at:%Y-%m-%d}')" for p, at in STARTS.items())
    world.run(f"create table starts as select * from (values {rows}) as t(i, start)")
    world.run(EVENTS)
    world.run("delete from fct_exposures")
    return world.change(
        kind="staged",
        cohorts=Cohorts("unit__plan", STARTS),
        shipped_at=MONDAY,
        exposure=None,
        control=None,
        treatments=("released",),
        allocation=(),
        must_emit=("view",),
        exposure_ends_at=datetime(2026, 3, 16, tzinfo=UTC),
        roles=(RoleOfMetric("event_count", "success", 0.05, relative=True),),
    )


def assess(world: Any, data_through: datetime) -> Assessment:
    return world.assess(release_calendar(world.release, world.catalog, data_through))


def test_cohorts_are_compared_with_groups_that_had_not_got_it(staged: Any) -> None:
    found = assess(staged, datetime(2026, 3, 17, tzinfo=UTC))

    document = found.report.document
    assert [check.check_id for check in found.decision.failed] == []
    assert document["verdict"]["decision"] == "worked"
    (estimate,), (design,) = document["estimates"], document["designs"]
    assert estimate["method"] == "difference_in_differences"
    assert estimate["relative_ci_lower"] < 0.5 < estimate["relative_ci_upper"]
    assert estimate["relative_ci_upper"] - estimate["relative_ci_lower"] < 0.1
    assert document["exposure"]["counts"] == {}
    assert design["facts"]["n_groups"] == 30
    cohorts = {cell["cohort"] for cell in design["facts"]["cells"]}
    assert cohorts == {"2026-01-05", "2026-02-02"}  # the second from its first whole week on
    said = " ".join(c["text"] for c in document["caveats"] if c["code"] == "assumption")
    assert "Parallel trends" in said
    assert "the smallest difference these weeks would have shown" in said
    for page in (render_html(document), render_markdown(document)):
        assert "effects by cohort and week" in page
    assert "Assumed: " in render_text(document)


def test_one_group_is_held_against_its_synthetic_control(staged: Any) -> None:
    cohorts = Cohorts("unit__plan", {"p03": MONDAY})
    staged.run("delete from fct_events where unit_id < 'u16' and unit_id <> 'u03'")
    staged.run(
        "insert into dim_units select 'v' || unit_id, 'v' || plan, first_seen_at, is_bot"
        " from dim_units where unit_id >= 'u16'"
    )
    staged.run(
        "insert into fct_events select 1000000 + event_id, event_name, 'v' || unit_id,"
        " occurred_at + to_minutes(1) from fct_events where unit_id >= 'u16'"
        " and hash(event_id) % 9 > 0"
    )
    staged.change(cohorts=cohorts)

    found = assess(staged, datetime(2026, 3, 17, tzinfo=UTC))

    document = found.report.document
    assert document["verdict"]["decision"] == "worked"
    (design,) = document["designs"]
    assert design["method"] == "synthetic_control"
    assert design["facts"]["region"] == "p03"
    assert len(design["facts"]["placebo_ratios"]) == 28
    assert document["estimates"][0]["p_value"] == pytest.approx(1 / 29)
    for page in (render_html(document), render_markdown(document)):
        assert "the synthetic control" in page
    assert "WORKED" in render_text(document)


def test_nothing_of_the_groups_is_shown_before_the_declared_end(staged: Any) -> None:
    found = assess(staged, datetime(2026, 3, 15, tzinfo=UTC))

    document = found.report.document
    assert document["verdict"]["decision"] == "inconclusive"
    assert "1 day ahead" in document["verdict"]["reason"]
    assert document["estimates"][0]["absolute_effect"] is None
    assert "designs" not in document


def test_too_few_groups_are_not_estimable(staged: Any) -> None:
    staged.run("delete from fct_events where unit_id >= 'u19'")

    found = assess(staged, datetime(2026, 3, 17, tzinfo=UTC))

    assert found.report.decision == "not_estimable"
    assert "too few clusters" in found.report.document["verdict"]["reason"]


def test_a_promised_event_that_nobody_sends_blocks(staged: Any) -> None:
    staged.change(must_emit=("view", "never_sent"))

    found = assess(staged, datetime(2026, 3, 17, tzinfo=UTC))

    assert found.report.is_blocked
    assert [check.check_id for check in found.decision.failed] == ["must_emit"]


def test_trends_that_differ_before_the_change_are_not_estimable(staged: Any) -> None:
    staged.run(
        "insert into fct_events select 2000000 + event_id, event_name, unit_id, occurred_at"
        " from fct_events where unit_id < 'u16'"
        " and hash(event_id) % 200 < (epoch(occurred_at) - epoch(timestamp '2025-09-01')) / 86400"
    )

    found = assess(staged, datetime(2026, 3, 17, tzinfo=UTC))

    assert found.report.decision == "not_estimable"
    assert "the trends differed before" in found.report.document["verdict"]["reason"]
