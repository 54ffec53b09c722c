"""A version is described: those who took it beside those who did not, before and after."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from landed.catalog import RoleOfMetric
from landed.impact.adopters import describe_adopters
from landed.impact.calendar import Calendar
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
