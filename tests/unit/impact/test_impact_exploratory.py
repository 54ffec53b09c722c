"""What stands beside a verdict, from rows in the marts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from landed.catalog import Catalog, RoleOfMetric
from landed.impact import begin_or_continue, explore
from landed.impact.looks import TakenLook
from landed.warehouse import Engine

Make = Callable[..., Any]
CUTOFF = datetime(2026, 11, 20, tzinfo=UTC)
ROLE = RoleOfMetric("erring_user_share", "success")


@pytest.fixture
def engine() -> Iterator[Engine]:
    """800 units in two releases at once, crossed; 30 % err, with both treatments 60 %."""
    with Engine.open(None) as opened:
        opened.execute(
            """
            create table fct_exposures as
            select
                release,
                'u' || n as unit_id,
                case
                    when release = 'onboarding-checklist'
                        then if(n % 2 = 1, 'checklist', 'control')
                    else if(n // 2 % 2 = 1, 'it''s new', 'old')
                end as variant,
                timestamp '2026-11-03 12:00:00' as exposed_at,
                n < 20 and release = 'onboarding-checklist' as is_crossover,
                false as is_bot,
                1 as exposure_count,
                date '2026-11-03' as exposed_on
            from (select unnest(['onboarding-checklist', 'other']) as release), range(800) as t (n);

            create table fct_events as
            select
                'e' || n as event_id,
                if(n // 4 % 10 < if(n % 4 = 3, 6, 3), 'error', 'opened') as event_name,
                'u' || n as unit_id, 'u' || n as user_id,
                null::varchar as anonymous_id, 's' || n as session_id, '1.0' as app_version,
                'web' as platform, 'DE' as country, '{}' as properties, 'app' as source,
                timestamp '2026-11-04 09:00:00' as occurred_at,
                timestamp '2026-11-04 09:00:01' as received_at,
                date '2026-11-04' as event_on
            from range(800) as t (n);
            """
        )
        yield opened


@pytest.fixture
def both(core: Catalog, release: Make) -> tuple[Any, Catalog]:
    named = release(ROLE)
    other = release(ROLE, release="other", control="old", treatments=("it's new",))
    return named, replace(core, releases={"onboarding-checklist": named, "other": other})


def test_an_overlapping_release_is_named_and_the_interaction_tested(
    engine: Engine, both: tuple[Any, Catalog]
) -> None:
    named, catalog = both

    (found,) = explore(engine, catalog, named, None, cutoff_at=CUTOFF, is_final=True).overlaps

    assert (found.release, found.n_both) == ("other", 780)
    assert (found.treatment, found.other_treatment) == ("checklist", "it's new")
    assert found.difference == pytest.approx(0.3, abs=0.02)  # 20 crossovers are left out
    assert found.p_value is not None
    assert found.p_value < 0.001


def test_a_release_to_everyone_can_only_be_named(engine: Engine, both: tuple[Any, Catalog]) -> None:
    named, catalog = both
    everyone = replace(catalog.releases["other"], kind="everyone", control=None)
    known = replace(catalog, releases={**catalog.releases, "other": everyone})

    (found,) = explore(engine, known, named, None, cutoff_at=CUTOFF, is_final=True).overlaps

    assert (found.n_both, found.metric, found.difference) == (780, None, None)
    assert found.reason is not None


def test_units_that_crossed_over_count_with_their_first_variant(
    engine: Engine, both: tuple[Any, Catalog]
) -> None:
    named, catalog = both

    (found,) = explore(
        engine, catalog, named, None, cutoff_at=CUTOFF, is_final=True
    ).first_assignments

    assert found.n_crossover == 20
    # of 400 an arm: 30 % of control, 30 % and 60 % of the halves of the treatment
    assert found.absolute_effect == pytest.approx(0.15)


def test_a_trend_needs_looks_that_added_units(
    engine: Engine, both: tuple[Any, Catalog], row: Make
) -> None:
    named, catalog = both
    looks = begin_or_continue(named, catalog, None)
    taken = tuple(
        TakenLook(n, CUTOFF, n / 4, 100.0 * n, 100, 100, 4.5 - n / 2, n**-0.5, {}, (), "d" * 64)
        for n in (1, 2, 3, 4)
    )

    few = explore(engine, catalog, named, looks, cutoff_at=CUTOFF, is_final=True).trends
    seen = replace(looks, taken={("erring_user_share", "checklist"): taken})
    (line,) = explore(engine, catalog, named, seen, cutoff_at=CUTOFF, is_final=True).trends

    assert [one.reason for one in few] == ["0 looks added units, a trend needs 4"]
    assert line.slope == pytest.approx(-4.0)


def test_nothing_is_explored_without_assignment_at_random(
    engine: Engine, both: tuple[Any, Catalog]
) -> None:
    named, catalog = both
    alone = replace(named, kind="everyone", control=None)

    assert explore(engine, catalog, alone, None, cutoff_at=CUTOFF, is_final=True).as_dict() == {
        "trends": [],
        "overlaps": [],
        "first_assignments": [],
    }
