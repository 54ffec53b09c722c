from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landed.catalog import AllocationStage
from landed.impact import summarise_exposure
from landed.warehouse import Engine

Make = Callable[..., Any]

SHIPPED = datetime(2026, 11, 3, tzinfo=UTC)
CUTOFF = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine.open(None) as opened:
        opened.execute(
            """
            create table fct_exposures (
                release varchar, unit_id varchar, variant varchar, is_crossover boolean,
                is_bot boolean, exposed_at timestamp
            )
            """
        )
        yield opened


def expose(engine: Engine, variant: str, count: int, at: datetime = SHIPPED, **flags: Any) -> None:
    engine.execute(
        """
        insert into fct_exposures
        select ?, ? || range, ?, ?, ?, ? from range(?)
        """,
        [
            flags.get("release", "onboarding-checklist"),
            f"{variant}-",
            variant,
            flags.get("is_crossover", False),
            flags.get("is_bot", False),
            at.replace(tzinfo=None),
            count,
        ],
    )


def stages(*planned: tuple[int, float]) -> Iterable[AllocationStage]:
    return tuple(
        AllocationStage(SHIPPED + day * DAY, {"control": share, "checklist": 1 - share})
        for day, share in planned
    )


def test_counts_leave_out_bots_and_crossovers_and_count_them(engine: Engine, release: Make) -> None:
    expose(engine, "control", 1586)
    expose(engine, "checklist", 1645)
    expose(engine, "control", 3, is_crossover=True)
    expose(engine, "checklist", 2, is_bot=True)
    expose(engine, "checklist", 1, is_bot=True, is_crossover=True)

    found = summarise_exposure(engine, release(), CUTOFF)

    assert found.counts == {"control": 1586, "checklist": 1645}
    assert found.excluded_units == {"crossover": 3, "bot": 3}
    assert found.allocation == {"control": 0.5, "checklist": 0.5}
    assert found.sample_ratio_p_value == pytest.approx(0.299, abs=5e-4)
    assert list(found.as_dict()) == [
        "unit", "counts", "allocation", "sample_ratio_p_value", "excluded_units",
    ]  # fmt: skip


def test_other_releases_other_variants_and_what_follows_the_cutoff_do_not_count(
    engine: Engine, release: Make
) -> None:
    expose(engine, "control", 10)
    expose(engine, "checklist", 10, at=CUTOFF)
    expose(engine, "checklist", 9, at=CUTOFF - timedelta(microseconds=1))
    expose(engine, "banner", 5)
    expose(engine, "control", 7, release="another")

    found = summarise_exposure(engine, release(), CUTOFF)

    assert found.counts == {"control": 10, "checklist": 9}


def test_nobody_exposed_has_counts_of_zero_and_no_p_value(engine: Engine, release: Make) -> None:
    found = summarise_exposure(engine, release(), CUTOFF)

    assert found.counts == {"control": 0, "checklist": 0}
    assert found.sample_ratio_p_value is None


def test_a_ramp_is_judged_stage_by_stage(engine: Engine, release: Make) -> None:
    expose(engine, "control", 9000)
    expose(engine, "checklist", 1000)
    expose(engine, "control", 5000, at=SHIPPED + 2 * DAY)
    expose(engine, "checklist", 5000, at=SHIPPED + 2 * DAY)
    ramp = release(allocation=stages((0, 0.9), (2, 0.5)))

    found = summarise_exposure(engine, ramp, CUTOFF)

    assert found.counts == {"control": 14_000, "checklist": 6_000}
    assert found.sample_ratio_p_value == pytest.approx(1.0)
    assert found.allocation == pytest.approx({"control": 0.7, "checklist": 0.3})


def test_a_ramp_off_its_plan_in_one_stage_is_seen(engine: Engine, release: Make) -> None:
    expose(engine, "control", 9000)
    expose(engine, "checklist", 1000)
    expose(engine, "control", 5000, at=SHIPPED + 2 * DAY)
    expose(engine, "checklist", 4500, at=SHIPPED + 2 * DAY)
    ramp = release(allocation=stages((0, 0.9), (2, 0.5)))

    found = summarise_exposure(engine, ramp, CUTOFF)

    assert found.sample_ratio_p_value is not None
    assert found.sample_ratio_p_value < 1e-5


def test_a_stage_that_has_not_begun_by_the_cutoff_does_not_count(
    engine: Engine, release: Make
) -> None:
    expose(engine, "control", 90)
    expose(engine, "checklist", 10)
    ramp = release(allocation=stages((0, 0.9), (30, 0.5)))

    found = summarise_exposure(engine, ramp, CUTOFF)

    assert found.sample_ratio_p_value == pytest.approx(1.0)
    assert found.counts == {"control": 90, "checklist": 10}


def test_units_before_the_first_stage_belong_to_it(engine: Engine, release: Make) -> None:
    expose(engine, "control", 50)
    expose(engine, "checklist", 50, at=SHIPPED + 2 * DAY)

    found = summarise_exposure(engine, release(allocation=stages((1, 0.5))), CUTOFF)

    assert found.counts == {"control": 50, "checklist": 50}


def test_units_in_a_variant_that_was_given_none_cannot_be_chance(
    engine: Engine, release: Make
) -> None:
    expose(engine, "control", 50)
    expose(engine, "checklist", 1)

    found = summarise_exposure(engine, release(allocation=stages((0, 1.0))), CUTOFF)

    assert found.sample_ratio_p_value == 0.0


def test_a_stage_of_one_variant_has_nothing_to_compare(engine: Engine, release: Make) -> None:
    expose(engine, "control", 50)

    found = summarise_exposure(engine, release(allocation=stages((0, 1.0))), CUTOFF)

    assert found.sample_ratio_p_value is None


def test_a_rollout_to_everybody_has_no_allocation(engine: Engine, release: Make) -> None:
    expose(engine, "released", 50)
    shipped = release(kind="everyone", control=None, treatments=("released",), allocation=())

    found = summarise_exposure(engine, shipped, CUTOFF)

    assert found.counts == {"released": 50}
    assert found.allocation is None
    assert found.sample_ratio_p_value is None
