"""The gate's second look: numbers that are possible, finite, and counted twice."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from landed.catalog.releases import Exemption, RoleOfMetric


def spoil(metric, **changes):
    def apply(estimates):
        return [replace(each, **changes) if each.metric == metric else each for each in estimates]

    return apply


def test_shares_in_range_refuses_a_share_above_one(world, result_of):
    decision = world.results(spoil_estimates=spoil("signup_rate", mean_treatment=1.0625))

    check = result_of(decision, "shares_in_range")
    assert check.blocks
    assert check.observed == "`signup_rate` is above 1 in checklist"


def test_shares_in_range_refuses_a_share_below_zero(world, result_of):
    decision = world.results(spoil_estimates=spoil("signup_rate", mean_control=-1e-9))

    assert result_of(decision, "shares_in_range").blocks


def test_shares_in_range_passes_the_ends_of_the_range(world, result_of):
    spoiled = spoil("signup_rate", mean_control=0.0, mean_treatment=1.0)

    assert result_of(world.results(spoil_estimates=spoiled), "shares_in_range").passed is True


def test_shares_in_range_does_not_judge_other_units_of_measure(world):
    world.change(roles=(RoleOfMetric("mean_view_seconds", "success"),))

    assert "shares_in_range" in world.results().skipped


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_finite_estimates_refuses_a_number_that_is_none(world, result_of, number):
    decision = world.results(spoil_estimates=spoil("mean_view_seconds", ci_upper=number))

    check = result_of(decision, "finite_estimates")
    assert decision.decision == "blocked"
    assert check.observed == "not finite: `mean_view_seconds.ci_upper in checklist`"


def test_finite_estimates_passes_a_metric_that_was_not_estimable(world, result_of):
    spoiled = spoil("mean_view_seconds", status="not_estimable", ci_upper=None)

    assert result_of(world.results(spoil_estimates=spoiled), "finite_estimates").passed is True


def test_a_release_without_any_estimate_is_blocked(world, result_of):
    decision = world.results(spoil_estimates=lambda estimates: [])

    assert "there is no estimate" in result_of(decision, "gate_error").observed


def test_independent_recount_refuses_a_mean_that_the_rows_do_not_give(world, result_of):
    def shift(moments):
        (row,) = [
            r for r in moments if (r["metric"], r["variant"]) == ("mean_view_seconds", "control")
        ]
        row["sum_y"] *= 1.0000001

    decision = world.results(spoil_moments=shift)

    check = result_of(decision, "independent_recount")
    assert [each.check_id for each in decision.failed] == ["independent_recount"]
    assert check.observed == "mean of mean_view_seconds in control differs by 1e-07 of its value"


def test_independent_recount_refuses_units_that_the_rows_do_not_give(world, result_of):
    decision = world.results(spoil_estimates=spoil("mean_view_seconds", n_treatment=21))

    check = result_of(decision, "independent_recount")
    assert check.blocks
    assert "reported units of mean_view_seconds in checklist" in check.observed


@pytest.mark.parametrize(
    "metric",
    [
        "signup_rate",  # a share of units, window of seven days
        "mean_view_seconds",  # a mean of unit means
        "event_count",  # a mean of counts
        "seconds_per_unit",  # a mean of sums
        "seconds_per_view",  # a ratio of sums
        "average_seconds",  # a ratio: sum over count of rows
        "events_per_unit",  # a ratio over exposed units
        "team_events",  # a mean of counts, filtered by an attribute of units
    ],
)
def test_independent_recount_agrees_with_the_compiler(world, result_of, metric):
    shared = Exemption(
        "crossover_share", "one on purpose", "growth", datetime.max.replace(tzinfo=UTC)
    )
    world.change(roles=(RoleOfMetric(metric, "success"),), exemptions=(shared,))
    world.run("update fct_exposures set is_bot = true where unit_id = 'u03'")
    world.run("update fct_exposures set is_crossover = true where unit_id = 'u04'")
    world.run("update fct_views set seconds = null where unit_id = 'u06'")
    world.run("update fct_exposures set exposed_at = '2026-03-09 12:00' where unit_id = 'u08'")
    world.run("delete from fct_events where unit_id = 'u10'")

    check = result_of(world.results(), "independent_recount")

    assert check.passed is True, check.observed
    assert set(check.details["recounted"]) == {metric}
    assert set(check.details["recounted"][metric]) == {"control", "checklist"}


def test_independent_recount_tells_the_forms_apart(world, result_of):
    means = {}
    for metric in ("mean_view_seconds", "seconds_per_unit", "seconds_per_view"):
        world.change(roles=(RoleOfMetric(metric, "success"),))
        world.run("delete from fct_views where view_id = 1")  # u00 has two views, others three
        found = result_of(world.results(), "independent_recount").details["recounted"]
        means[metric] = round(found[metric]["control"]["mean"], 6)

    assert len(set(means.values())) == 3


def test_the_last_word_holds_the_checks_of_both_steps(world):
    data, results = world.data(), world.results()

    assert (data.stage, results.stage) == ("data", "results")
    assert {check.check_id for check in data.checks} < {check.check_id for check in results.checks}
    assert results.decision == "pass"


def test_a_release_blocked_by_its_data_stays_blocked_as_it_was(world):
    world.run("update fct_exposures set is_crossover = true where unit_id < 'u04'")
    data = world.data()

    assert data.decision == "blocked"
    assert world.results().as_dict() == data.as_dict()


def test_segment_totals_refuses_levels_that_do_not_add_up(world, result_of):
    from landed.gate.checks import CHECKS
    from landed.gate.facts import Fact, Subject

    whole = {"metric": "m", "variant": "control", "segment": None, "n": 30, "n_missing": 1}
    whole |= {"n_immature": 0, "sum_y": 0.3, "sum_d": None}
    free = whole | {"segment": "plan", "level": "free", "n": 10, "n_missing": 0, "sum_y": 0.1}
    rest = whole | {"segment": "plan", "level": None, "n": 20, "n_missing": 1, "sum_y": 0.2}

    def found(*levels):
        subject = Subject(
            world.engine, world.catalog, world.release, moments=[whole], by_segment=levels
        )
        fact = CHECKS["segment_totals"].find(subject, {"tolerance": 1e-9})
        assert isinstance(fact, Fact)
        return fact

    assert found(free, rest).columns == {"segments_off": 0}  # 0.1 + 0.2 is not 0.3 to the last bit
    assert found(free).columns == {"segments_off": 3}
    assert "n of m in control by plan" in found(free, rest | {"n": 21}).observed


def test_segment_totals_refuses_a_segment_without_a_level(world, result_of):
    world.change(segments=("plan",))  # the moments handed in are of no segment

    decision = world.results()

    check = result_of(decision, "segment_totals")
    assert check.blocks
    assert "every level of signup_rate in control by plan" in check.observed


def test_independent_recount_counts_guardrails_too(world, result_of):
    world.change(
        roles=(
            RoleOfMetric("signup_rate", "success"),
            RoleOfMetric("mean_view_seconds", "guardrail", non_inferiority_margin=1.0),
        )
    )

    def spoil_moments(moments):
        for row in moments:
            if row["metric"] == "mean_view_seconds" and row["variant"] == "control":
                row["sum_y"] *= 1.001

    check = result_of(world.results(), "independent_recount")
    assert set(check.details["recounted"]) == {"signup_rate", "mean_view_seconds"}

    assert result_of(world.results(spoil_moments=spoil_moments), "independent_recount").blocks


def test_simpson_reversal_warns_of_an_effect_that_only_the_mixture_makes(world):
    from landed.gate.checks import CHECKS
    from landed.gate.facts import Fact, Subject

    def row(variant, level, n, total):
        return {"metric": "m", "variant": variant, "segment": "plan", "level": level, "n": n,
                "form": "mean", "sum_y": total, "sum_d": None}  # fmt: skip

    def found(*levels):
        whole = [
            row(name, None, sum(one["n"] for one in levels if one["variant"] == name),
                sum(one["sum_y"] for one in levels if one["variant"] == name))
            for name in ("control", "checklist")
        ]  # fmt: skip
        subject = Subject(
            world.engine, world.catalog, world.release, moments=whole, by_segment=levels
        )
        fact = CHECKS["simpson_reversal"].find(subject, {"least_share": 0.1})
        assert isinstance(fact, Fact)
        return fact

    turned = found(row("control", "free", 100, 10), row("checklist", "free", 20, 1),
                   row("control", "team", 20, 18), row("checklist", "team", 100, 85))  # fmt: skip
    same = found(row("control", "free", 100, 10), row("checklist", "free", 20, 3),
                 row("control", "team", 20, 18), row("checklist", "team", 100, 85))  # fmt: skip

    assert turned.columns == {"reversals": 1}  # 23 % against 72 %, and less within both plans
    assert "m of checklist by plan" in turned.observed
    assert same.columns == {"reversals": 0}
