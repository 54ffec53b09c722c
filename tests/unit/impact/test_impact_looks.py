from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landed.catalog import RoleOfMetric
from landed.errors import ContractError, EstimationError
from landed.impact import (
    ReleaseLooks,
    as_planned,
    begin_or_continue,
    conclude,
    estimate_release,
    plan_changes,
    plan_looks,
)
from landed.impact.alpha import share_alpha
from landed.impact.looks import adjusts
from landed.stats import planned_looks

Make = Callable[..., Any]
SHIPPED = datetime(2026, 11, 3, tzinfo=UTC)
ROLES = (
    RoleOfMetric("activation_rate", "success", minimum_effect_of_interest=0.02),
    RoleOfMetric("error_rate", "guardrail", non_inferiority_margin=0.05),
)


def day(number: int) -> datetime:
    return SHIPPED + timedelta(days=number)


def rows_of(row: Make, metric: str, n: int, control: float, treatment: float) -> list[Any]:
    """Proportions of n units an arm."""
    return [
        row(metric, variant, n=n, sum_y=round(n * share), sum_yy=round(n * share))
        for variant, share in (("control", control), ("checklist", treatment))
    ]


class Life:
    """A release whose looks are taken one after the other, as the pipeline does it."""

    def __init__(self, release: Any, catalog: Any) -> None:
        self.release, self.catalog = release, catalog
        self.looks: ReleaseLooks | None = None
        self.estimates: tuple[Any, ...] = ()

    def at(self, cutoff_at: datetime, rows: list[Any]) -> Any:
        looks = begin_or_continue(self.release, self.catalog, self.looks)
        planned = as_planned(self.release, looks.plan)
        self.estimates = estimate_release(
            planned, self.catalog, rows, looks=looks, cutoff_at=cutoff_at
        )
        looks = looks.with_looks((e.metric, e.treatment, e.look) for e in self.estimates)
        verdict = conclude(planned, self.estimates, cutoff_at=cutoff_at, looks=looks)
        self.looks = looks.with_decisions(verdict.by_treatment, cutoff_at)
        return verdict


@pytest.fixture
def life(release: Make, catalog: Make, metric: Make) -> Life:
    known = catalog(
        metric(window_days=0.5),
        metric("error_rate", window_days=0.5, direction="decrease_is_good"),
    )
    return Life(release(*ROLES, exposure_ends_at=day(28)), known)


def test_alpha_is_divided_by_success_metrics_harms_and_treatments(
    release: Make, catalog: Make, metric: Make
) -> None:
    two = release(
        RoleOfMetric("a", "success"),
        RoleOfMetric("b", "success"),
        RoleOfMetric("c", "guardrail"),
        RoleOfMetric("d", "survival"),
        RoleOfMetric("e", "diagnostic"),
        treatments=("x", "y"),
    )
    known = catalog(
        metric("a"), metric("b"), metric("c"), metric("d", direction="neutral"), metric("e")
    )

    shares = share_alpha(two, known)

    assert shares["success"].planned == pytest.approx(0.024 / 4)
    assert shares["success"].reserved == pytest.approx(0.001 / 4)
    assert shares["harm"].planned == pytest.approx(0.045 / (3 * 2))
    assert shares["non_inferiority"].planned == pytest.approx(0.045 / 2)
    assert share_alpha(replace(two, looks="once"), known)["success"].planned == pytest.approx(
        0.025 / 4
    )


def test_daily_looks_take_the_bounds_of_the_published_plan(life: Life, row: Make) -> None:
    bounds = []
    for number in range(1, 29):
        rows = rows_of(row, "activation_rate", 200 * number, 0.10, 0.10)
        rows += rows_of(row, "error_rate", 200 * number, 0.10, 0.10)
        life.at(day(number) + timedelta(hours=12), rows)
        bounds.append(life.estimates[0].intervals["success"]["bound"])

    planned = planned_looks("obrien_fleming", 0.024, list(range(1, 29)))
    assert bounds == pytest.approx([look.bound for look in planned], abs=1e-6)
    assert bounds[-1] == pytest.approx(2.155, abs=2e-3)
    assert life.estimates[0].looks == {"number": 28, "fraction": 1.0, "z": 0.0}
    assert life.estimates[0].p_value is None


def test_a_skipped_look_spends_nothing(life: Life, row: Make) -> None:
    def rows(n: int) -> list[Any]:
        return rows_of(row, "activation_rate", n, 0.1, 0.1) + rows_of(
            row, "error_rate", n, 0.1, 0.1
        )

    life.at(day(14) + timedelta(hours=12), rows(2800))
    life.at(day(28) + timedelta(hours=12), rows(5600))

    half, whole = planned_looks("obrien_fleming", 0.024, [1, 2])
    looks = life.looks.of("activation_rate", "checklist")  # type: ignore[union-attr]
    assert [look.tests["success"].bound for look in looks] == pytest.approx(
        [half.bound, whole.bound], abs=1e-9
    )
    assert looks[-1].tests["success"].spent == pytest.approx(0.024)


def test_a_look_is_never_taken_again_from_later_data(life: Life, row: Make) -> None:
    def rows(n: int, treated: float) -> list[Any]:
        return rows_of(row, "activation_rate", n, 0.1, treated) + rows_of(
            row, "error_rate", n, 0.1, 0.1
        )

    life.at(day(5), rows(900, 0.11))
    kept = life.looks
    life.at(day(5), rows(950, 0.25))  # late rows of days that were looked at

    assert life.looks == kept
    assert life.estimates[0].conclusion == "inconclusive"


def test_too_few_units_wait_and_show_no_effect(life: Life, row: Make) -> None:
    rows = rows_of(row, "activation_rate", 99, 0.2, 0.4) + rows_of(row, "error_rate", 99, 0.2, 0.2)

    verdict = life.at(day(2), rows)

    found = life.estimates[0]
    assert (found.status, found.conclusion) == ("waiting", "inconclusive")
    assert found.reason == "99 mature units in an arm, the first look needs 100"
    assert found.absolute_effect is found.ci_lower is found.mean_control is None
    assert (verdict.decision, verdict.next_action) == ("inconclusive", "continue")
    assert life.looks is not None
    assert life.looks.number == 0


def test_a_release_that_worked_stays_so_and_says_what_got_worse(life: Life, row: Make) -> None:
    good = rows_of(row, "activation_rate", 4000, 0.1, 0.2) + rows_of(
        row, "error_rate", 4000, 0.1, 0.1
    )
    bad = rows_of(row, "activation_rate", 6000, 0.2, 0.1) + rows_of(
        row, "error_rate", 6000, 0.1, 0.1
    )

    first = life.at(day(20), good)
    then = life.at(day(25), bad)

    assert first.decision == "worked"
    assert (then.decision, then.next_action) == ("worked", "expand")
    assert then.reason.startswith("It worked at the look of 2026-11-23, and that stays. Alert")


def test_a_harmed_release_stays_harmed(life: Life, row: Make) -> None:
    bad = rows_of(row, "activation_rate", 4000, 0.2, 0.1) + rows_of(
        row, "error_rate", 4000, 0.1, 0.1
    )
    good = rows_of(row, "activation_rate", 6000, 0.1, 0.2) + rows_of(
        row, "error_rate", 6000, 0.1, 0.1
    )

    assert life.at(day(20), bad).decision == "harmed"
    assert life.at(day(25), good).decision == "harmed"


def test_past_the_plan_only_the_reserve_is_left(life: Life, row: Make) -> None:
    def rows(n: int) -> list[Any]:
        return rows_of(row, "activation_rate", n, 0.1, 0.1) + rows_of(
            row, "error_rate", n, 0.1, 0.1
        )

    life.at(day(28) + timedelta(hours=12), rows(5600))
    life.release = replace(life.release, exposure_ends_at=day(40))
    life.at(day(35), rows(7000))

    look = life.looks.of("activation_rate", "checklist")[-1]  # type: ignore[union-attr]
    assert look.tests["success"].bound == pytest.approx(4.03, abs=0.02)
    assert look.tests["success"].spent == pytest.approx(0.025)
    assert plan_changes(life.looks.plan, life.release, life.catalog) == ["when exposure ends"]  # type: ignore[arg-type]


def test_what_was_planned_holds_whatever_the_file_says_later(life: Life, row: Make) -> None:
    def rows(n: int) -> list[Any]:
        return (
            rows_of(row, "activation_rate", n, 0.10, 0.10)
            + rows_of(row, "error_rate", n, 0.10, 0.16)
            + rows_of(row, "clicks", n, 0.10, 0.20)
        )

    life.at(day(10), rows(2000))
    life.release = replace(
        life.release,
        roles=(
            replace(ROLES[0], minimum_effect_of_interest=0.5),
            RoleOfMetric("clicks", "success"),
            replace(ROLES[1], non_inferiority_margin=0.5),
        ),
        treatments=("checklist", "another"),
        adjustment="none",
    )
    life.catalog = replace(
        life.catalog,
        metrics={
            **life.catalog.metrics,
            "clicks": replace(life.catalog.metrics["activation_rate"], name="clicks"),
        },
    )

    life.at(day(20), rows(4000))

    found = {one.metric: one for one in life.estimates}
    assert found["clicks"].role == "diagnostic"
    assert found["error_rate"].margin == 0.05
    assert found["error_rate"].conclusion == "worse"
    assert found["activation_rate"].minimum_effect == 0.02
    assert {one.treatment for one in life.estimates} == {"checklist"}
    assert life.looks is not None
    assert plan_changes(life.looks.plan, life.release, life.catalog) == [
        "which treatments there are",
        "whether effects are adjusted",
        "metrics, their roles, margins or minimum effects",
        "which way is good for a metric",
        "outcome windows",
    ]


def test_a_metric_that_is_defined_otherwise_now_cannot_be_concluded(life: Life, row: Make) -> None:
    rows = rows_of(row, "activation_rate", 4000, 0.1, 0.12) + rows_of(
        row, "error_rate", 4000, 0.1, 0.1
    )
    life.at(day(10), rows)
    changed = replace(life.catalog.metrics["activation_rate"], digest="e" * 64)
    life.catalog = replace(
        life.catalog, metrics={**life.catalog.metrics, "activation_rate": changed}
    )

    life.at(day(20), rows)

    found = life.estimates[0]
    assert found.status == "not_estimable"
    assert found.reason is not None
    assert found.reason.startswith("its definition changed after look 1")


def test_the_last_look_spends_the_rest_though_no_unit_entered(life: Life, row: Make) -> None:
    rows = rows_of(row, "activation_rate", 2800, 0.1, 0.122) + rows_of(
        row, "error_rate", 2800, 0.1, 0.1
    )

    life.at(day(14) + timedelta(hours=12), rows)
    between = life.at(day(20), rows)
    last = life.at(day(28) + timedelta(hours=12), rows)

    looks = life.looks.of("activation_rate", "checklist")  # type: ignore[union-attr]
    assert len(looks) == 2
    assert looks[1].tests["success"].spent == pytest.approx(0.024, abs=1e-6)
    assert looks[1].tests["success"].bound == pytest.approx(1.98, abs=0.02)
    assert between.decision == "inconclusive"
    assert last.decision == "worked"


def test_a_method_is_kept_once_a_quarter_of_the_time_has_passed(life: Life, row: Make) -> None:
    def rows(n: int) -> list[Any]:
        return rows_of(row, "activation_rate", n, 0.1, 0.1) + rows_of(
            row, "error_rate", n, 0.1, 0.1
        )

    life.at(day(5), rows(400))
    early = life.looks.of("activation_rate", "checklist")  # type: ignore[union-attr]
    life.at(day(10), rows(900))
    late = life.looks.of("activation_rate", "checklist")  # type: ignore[union-attr]

    assert adjusts(early, declared=True)
    assert not adjusts(late, declared=True)
    assert adjusts((replace(late[-1], method="adjusted_difference"),), declared=True)


def test_one_look_waits_for_the_end(release: Make, catalog: Make, metric: Make, row: Make) -> None:
    once = release(ROLES[0], exposure_ends_at=day(28), looks="once")
    life = Life(once, catalog(metric(window_days=7.0)))
    rows = rows_of(row, "activation_rate", 4000, 0.1, 0.2)

    early = life.at(day(30), rows)
    status = life.estimates[0].status
    late = life.at(day(35), rows)

    assert (early.decision, status) == ("inconclusive", "waiting")
    assert late.decision == "worked"
    assert life.estimates[0].confidence_level == pytest.approx(0.95)
    assert life.estimates[0].p_value is not None


def test_without_a_window_only_harm_is_looked_at_before_the_end(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    life = Life(release(ROLES[0], exposure_ends_at=day(28)), catalog(metric()))

    life.at(day(14), rows_of(row, "activation_rate", 4000, 0.1, 0.2))
    early = life.estimates[0]
    life.at(day(28), rows_of(row, "activation_rate", 8000, 0.1, 0.2))

    assert list(early.intervals) == ["harm"]
    assert early.conclusion == "inconclusive"
    assert set(life.estimates[0].intervals) == {"success", "harm", "equivalence"}
    assert life.estimates[0].conclusion == "better"


def test_an_extension_that_was_declared_before_is_part_of_the_plan(
    release: Make, catalog: Make, metric: Make
) -> None:
    plan = plan_looks(release(extends_to=day(42)), catalog(metric()))

    assert plan.planned == 42
    assert plan.fraction("activation_rate", day(21)) == pytest.approx(0.5)


def test_a_release_without_horizon_has_no_plan(release: Make, catalog: Make, metric: Make) -> None:
    with pytest.raises(ContractError, match="has no horizon"):
        plan_looks(release(exposure_ends_at=None), catalog(metric()))


def test_looks_without_a_cutoff_are_refused(life: Life) -> None:
    looks = begin_or_continue(life.release, life.catalog, None)

    with pytest.raises(EstimationError, match="without a cutoff"):
        estimate_release(life.release, life.catalog, [], looks=looks)


def test_what_is_kept_is_read_back_equal(life: Life, row: Make) -> None:
    rows = rows_of(row, "activation_rate", 4000, 0.1, 0.2)
    life.at(day(10), rows + rows_of(row, "error_rate", 4000, 0.1, 0.1))
    assert life.looks is not None

    assert ReleaseLooks.of_dict(life.looks.as_dict()) == life.looks
    with pytest.raises(ContractError, match="schema"):
        ReleaseLooks.of_dict({**life.looks.as_dict(), "schema": "landed.looks/9"})


@given(seed=st.integers(0, 2**32 - 1), gaps=st.lists(st.integers(1, 6), min_size=2, max_size=9))
@settings(max_examples=30, deadline=None)
def test_no_sequence_of_looks_spends_more_than_its_alpha(  # noqa: PLR0917 - fixtures
    release: Make, catalog: Make, metric: Make, row: Make, seed: int, gaps: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    life = Life(release(ROLES[0], exposure_ends_at=day(28)), catalog(metric(window_days=1.0)))
    n = 0
    for number in itertools.accumulate(gaps):
        n += int(rng.integers(50, 400))
        share = rng.uniform(0.1, 0.2)
        life.at(day(number + 1), rows_of(row, "activation_rate", n, share, share))

    assert life.looks is not None
    looks = life.looks.of("activation_rate", "checklist")
    for test, most in (("success", 0.025), ("harm", 0.05), ("equivalence", 0.05)):
        spent = [look.tests[test].spent for look in looks if test in look.tests]  # type: ignore[index]
        assert spent == sorted(spent)
        assert not spent or spent[-1] <= most + 1e-9
