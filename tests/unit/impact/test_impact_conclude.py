from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landed.catalog import RoleOfMetric
from landed.impact import Verdict, conclude
from landed.impact.conclude import Action, Decision

Make = Callable[..., Any]

ROLES = (
    RoleOfMetric("speed", "success"),
    RoleOfMetric("depth", "success"),
    RoleOfMetric("refunds", "guardrail"),
    RoleOfMetric("errors", "survival"),
)
CUTOFF = datetime(2026, 11, 13, tzinfo=UTC)


def decide(release: Make, *estimates: Any, **changes: Any) -> Verdict:
    roles = tuple(RoleOfMetric(one.metric, one.role) for one in estimates)
    return conclude(release(*roles), estimates, **changes)


def test_better_with_every_guardrail_within_its_margin_worked(
    release: Make, estimate: Make
) -> None:
    found = decide(
        release,
        estimate("speed", "success", 10.9413, 20.9276),
        estimate("refunds", "guardrail", -0.4, 0.3, limit=0.5),
        estimate("errors", "survival", 0.1, 0.3, limit=0.5),
    )

    assert (found.decision, found.next_action) == ("worked", "expand")
    assert found.by_metric == {
        "speed": "better",
        "refunds": "non_inferior",
        "errors": "non_inferior",
    }
    assert found.reason == (
        "`speed` rose by 15.9 seconds (95 % interval +10.9 to +20.9 seconds). "
        "`refunds`, `errors` stayed within their margins."
    )


def test_a_guardrail_worse_within_its_margin_is_named_in_worked(
    release: Make, estimate: Make
) -> None:
    found = decide(
        release,
        estimate("speed", "success", 1.0, 2.0),
        estimate("refunds", "guardrail", -0.4, -0.1, limit=0.5),
    )

    assert found.decision == "worked"
    assert "worse than control, within the margin you accepted" in found.reason


def test_a_success_metric_that_got_worse_harmed_whatever_else(
    release: Make, estimate: Make
) -> None:
    found = decide(
        release,
        estimate("speed", "success", 1.0, 2.0),
        estimate("depth", "success", -2.0, -1.0),
        estimate("refunds", "guardrail", None, None),
    )

    assert (found.decision, found.next_action) == ("harmed", "roll_back")
    assert "`depth` fell by 1.50 seconds (95 % interval -2.00 to -1.00 seconds)" in found.reason


@pytest.mark.parametrize("role", ["guardrail", "survival"])
def test_a_guardrail_beyond_its_margin_harmed(release: Make, estimate: Make, role: str) -> None:
    found = decide(
        release,
        estimate("speed", "success", 1.0, 2.0),
        estimate("errors", role, 1.1, 3.0, limit=1.0, direction="decrease_is_good"),
    )

    assert (found.decision, found.next_action) == ("harmed", "roll_back")
    assert "the wrong way, and not shown to be within its margin" in found.reason


def test_a_diagnostic_that_got_worse_decides_nothing(release: Make, estimate: Make) -> None:
    found = decide(
        release,
        estimate("speed", "success", 1.0, 2.0),
        estimate("clicks", "diagnostic", -2.0, -1.0),
    )

    assert found.decision == "worked"
    assert found.by_metric["clicks"] == "worse"


def test_all_success_metrics_not_estimable_is_not_estimable(release: Make, estimate: Make) -> None:
    found = decide(release, estimate("speed", "success", None, None))

    assert (found.decision, found.next_action) == ("not_estimable", "repair_measurement")
    assert "`speed` is not estimable (control has 1 unit" in found.reason


def test_one_of_two_success_metrics_is_enough(release: Make, estimate: Make) -> None:
    found = decide(
        release,
        estimate("speed", "success", 1.0, 2.0),
        estimate("depth", "success", None, None),
    )

    assert found.decision == "worked"
    assert "`depth` did not show an effect that matters" in found.reason


def test_a_guardrail_not_estimable_is_not_estimable(release: Make, estimate: Make) -> None:
    found = decide(
        release,
        estimate("speed", "success", 1.0, 2.0),
        estimate("refunds", "guardrail", None, None),
    )

    assert found.decision == "not_estimable"
    assert "`refunds`" in found.reason


def test_too_few_units_before_the_horizon_means_continue(release: Make, estimate: Make) -> None:
    early = estimate("speed", "success", None, None, resolves_with_more_units=True)

    before = decide(release, early, cutoff_at=CUTOFF)
    after = decide(release, early, cutoff_at=datetime(2026, 12, 1, tzinfo=UTC))

    assert (before.decision, before.next_action) == ("not_estimable", "continue")
    assert (after.decision, after.next_action) == ("not_estimable", "repair_measurement")


def test_a_guardrail_the_release_names_without_estimate_is_not_estimable(
    release: Make, estimate: Make
) -> None:
    named = release(RoleOfMetric("speed", "success"), RoleOfMetric("refunds", "guardrail"))

    found = conclude(named, [estimate("speed", "success", 1.0, 2.0)])

    assert found.decision == "not_estimable"
    assert "`refunds` has no estimate" in found.reason


def test_no_estimate_at_all_is_not_estimable(release: Make) -> None:
    found = conclude(release(), [])

    assert found.decision == "not_estimable"
    assert found.reason == "`activation_rate` has no estimate."


def test_every_success_metric_inside_its_minimum_effect_is_no_effect(
    release: Make, estimate: Make
) -> None:
    found = decide(
        release,
        estimate("speed", "success", -0.9, 0.8, limit=1.0),
        estimate("depth", "success", 0.1, 0.8, limit=1.0),
        estimate("refunds", "guardrail", -2.0, 0.3, limit=0.5),
    )

    assert (found.decision, found.next_action) == ("no_effect", "iterate")
    assert "wholly inside its minimum effect of 1 seconds" in found.reason
    assert "guardrail unresolved: `refunds`" in found.reason


def test_one_success_metric_without_estimate_is_not_no_effect(
    release: Make, estimate: Make
) -> None:
    named = release(RoleOfMetric("speed", "success"), RoleOfMetric("depth", "success"))

    found = conclude(named, [estimate("speed", "success", -0.9, 0.8, limit=1.0)])

    assert found.decision == "inconclusive"
    assert "`depth` has no estimate" in found.reason


def test_an_open_success_metric_says_units_and_days_still_needed(
    release: Make, estimate: Make
) -> None:
    # se = 1; units for 80 % power at 1: 2.8016^2 = 7.85 times the 1,000 there are; 100 a day
    found = decide(release, estimate("speed", "success", -1.46, 2.46, limit=1.0), cutoff_at=CUTOFF)

    assert (found.decision, found.next_action) == ("inconclusive", "continue")
    assert found.reason == (
        "success unresolved: `speed` rose by 0.5 seconds (95 % interval -1.5 to +2.5 seconds), "
        "against its minimum effect of 1 seconds; still needed: about 6,849 more users, 69 more "
        "days at the pace so far (80 % power for its minimum effect)."
    )


def test_without_a_cutoff_only_units_are_told(release: Make, estimate: Make) -> None:
    found = decide(release, estimate("speed", "success", -1.46, 2.46, limit=1.0))

    assert "6,849 more users (80 % power" in found.reason


def test_an_open_metric_without_minimum_effect_says_what_these_units_could_show(
    release: Make, estimate: Make
) -> None:
    found = decide(release, estimate("speed", "success", -1.46, 2.46))

    assert "with no minimum effect declared" in found.reason
    assert "these units would show an effect of 2.802 seconds with 80 % power" in found.reason


def test_an_unresolved_guardrail_is_named(release: Make, estimate: Make) -> None:
    found = decide(
        release,
        estimate("speed", "success", 1.0, 2.0),
        estimate("refunds", "guardrail", -1.0, 0.4, limit=0.5),
    )

    assert found.decision == "inconclusive"
    assert "`speed` rose by" in found.reason
    assert "guardrail unresolved: `refunds` fell by" in found.reason
    assert "80 % power to clear its margin if nothing changed" in found.reason


def test_a_metric_near_its_limit_needs_what_leaves_the_limit(release: Make, estimate: Make) -> None:
    # se = 0.1, margin 1: planned units are there; the estimate stands 0.1 from the margin
    found = decide(
        release,
        estimate("speed", "success", 1.0, 2.0),
        estimate("refunds", "guardrail", -1.096, -0.704, limit=1.0, direction="neutral"),
    )

    assert "about 2,842 more users (if its effect stays as it is)" in found.reason


def test_a_metric_on_its_limit_says_that_waiting_will_not_help(
    release: Make, estimate: Make
) -> None:
    found = decide(
        release,
        estimate("speed", "success", 1.0, 2.0),
        estimate("refunds", "guardrail", -1.196, -0.804, limit=1.0, direction="neutral"),
    )

    assert "its effect stands on the limit itself" in found.reason


def test_past_the_horizon_an_open_verdict_says_iterate(release: Make, estimate: Make) -> None:
    open_one = estimate("speed", "success", -1.46, 2.46, limit=1.0, window_days=7.0)

    waiting = decide(release, open_one, cutoff_at=datetime(2026, 12, 7, tzinfo=UTC))
    over = decide(release, open_one, cutoff_at=datetime(2026, 12, 8, tzinfo=UTC))

    assert waiting.next_action == "continue"
    assert over.next_action == "iterate"
    assert "cannot be resolved at this size" in over.reason


def test_a_share_is_told_in_percentage_points(release: Make, estimate: Make) -> None:
    found = decide(
        release, estimate("activation", "success", 0.004, 0.022, limit=0.02, value="share")
    )

    assert found.reason == (
        "`activation` rose by 1.30 percentage points (95 % interval +0.40 to +2.20 percentage "
        "points), against its minimum effect of 2 percentage points."
    )


def test_a_relative_margin_is_told_as_it_was_declared(release: Make, estimate: Make) -> None:
    found = decide(
        release,
        estimate("speed", "success", 1.0, 2.0),
        estimate("p95", "survival", -3.0, 1.1, limit=1.0, limit_is_relative=True),
    )

    assert "against its margin of 10 % of control (1 seconds)" in found.reason


def test_a_version_is_not_estimable(release: Make, estimate: Make) -> None:
    shipped = release(kind="version", control=None, treatments=("released",), allocation=())

    found = conclude(
        shipped,
        [estimate("speed", "success", None, None, treatment="released", method=None)],
    )

    assert found.decision == "not_estimable"
    assert found.reason.startswith("no concurrent control")
    assert found.by_metric == {"speed": "not_estimable"}


def test_a_release_without_treatments_is_not_estimable(release: Make) -> None:
    found = conclude(release(kind="everyone", control=None, treatments=()), [])

    assert found.decision == "not_estimable"


def test_the_best_treatment_speaks_and_harmed_ones_are_named(release: Make, estimate: Make) -> None:
    three = release(RoleOfMetric("speed", "success"), treatments=("a", "b", "c"))

    found = conclude(
        three,
        [
            estimate("speed", "success", -2.0, -1.0, treatment="a"),
            estimate("speed", "success", 1.0, 2.0, treatment="b"),
            estimate("speed", "success", -1.0, 1.0, treatment="c"),
        ],
    )

    assert (found.decision, found.next_action) == ("worked", "expand")
    assert found.by_metric == {"speed": "better"}
    assert found.by_treatment == {"a": "harmed", "b": "worked", "c": "inconclusive"}
    assert found.reason.startswith("Treatment `b`: `speed` rose")
    assert "Roll back treatment `a`, it harmed: `speed` fell" in found.reason
    assert "Treatment `c` is inconclusive." in found.reason


def test_two_treatments_that_worked_are_not_ranked(release: Make, estimate: Make) -> None:
    two = release(RoleOfMetric("speed", "success"), treatments=("a", "b"))

    found = conclude(
        two,
        [
            estimate("speed", "success", 1.0, 2.0, treatment="a"),
            estimate("speed", "success", 3.0, 4.0, treatment="b"),
        ],
    )

    assert found.decision == "worked"
    assert "`b` worked too; the treatments were not tested against each other" in found.reason


@pytest.mark.parametrize(
    ("left", "right", "decision"),
    [
        ((-1.0, 1.0), (-0.4, 0.4), "inconclusive"),
        ((-0.4, 0.4), (None, None), "no_effect"),
        ((None, None), (-2.0, -1.0), "not_estimable"),
        ((-2.0, -1.0), (-3.0, -2.0), "harmed"),
    ],
)
def test_treatments_rank_inconclusive_no_effect_not_estimable_harmed(
    release: Make, estimate: Make, left: Any, right: Any, decision: str
) -> None:
    two = release(RoleOfMetric("speed", "success"), treatments=("a", "b"))
    estimates = [
        estimate("speed", "success", *left, limit=0.5, treatment="a"),
        estimate("speed", "success", *right, limit=0.5, treatment="b"),
    ]

    assert conclude(two, estimates).decision == decision
    assert conclude(two, estimates[::-1]).decision == decision


def test_a_verdict_has_exactly_the_documented_keys(release: Make, estimate: Make) -> None:
    found = decide(release, estimate("speed", "success", 1.0, 2.0))

    assert list(found.as_dict()) == ["decision", "reason", "next_action", "by_metric"]


number = st.floats(-3, 3, allow_nan=False)
ends = st.one_of(
    st.just((None, None)), st.tuples(number, number).map(lambda e: (min(e), max(e) + 1e-3))
)
directions = st.sampled_from(["increase_is_good", "decrease_is_good", "neutral"])
limits = st.one_of(st.none(), st.floats(0.01, 2))


@given(
    drawn=st.lists(st.tuples(ends, directions, limits, st.booleans()), min_size=8, max_size=8),
    cutoff_at=st.one_of(st.none(), st.datetimes(timezones=st.just(UTC))),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_estimates_give_exactly_one_decision(
    release: Make, estimate: Make, drawn: list[Any], cutoff_at: datetime | None
) -> None:
    two = release(*ROLES, treatments=("a", "b"))
    estimates = [
        estimate(
            role.metric,
            role.role,
            *interval,
            direction=direction,
            limit=limit,
            treatment=treatment,
            resolves_with_more_units=resolves,
        )
        for (interval, direction, limit, resolves), (treatment, role) in zip(
            drawn, [(t, r) for t in ("a", "b") for r in ROLES], strict=True
        )
    ]

    found = conclude(two, estimates, cutoff_at=cutoff_at)

    assert found.decision in get_args(Decision)
    assert found.next_action in get_args(Action)
    assert found.reason.strip(". ")
    assert set(found.by_treatment) == {"a", "b"}
    for treatment, decision in found.by_treatment.items():
        own = {one.metric: one.conclusion for one in estimates if one.treatment == treatment}
        guards = {own["refunds"], own["errors"]}
        success = {own["speed"], own["depth"]}
        if decision == "worked":
            assert guards == {"non_inferior"}
            assert "better" in success
        if decision == "no_effect":
            assert success == {"equivalent"}
        assert (decision == "harmed") == ("worse" in success | guards)
        if "not_estimable" in guards:
            assert decision in ("harmed", "not_estimable")


@pytest.mark.parametrize(
    ("row", "speed", "depth", "refunds", "decision"),
    [
        (1, (-2.0, -1.0), (1.0, 2.0), (-0.4, 0.3), "harmed"),
        (1, (1.0, 2.0), (1.0, 2.0), (-1.0, -0.6), "harmed"),
        (2, (None, None), (None, None), (-0.4, 0.3), "not_estimable"),
        (2, (1.0, 2.0), (1.0, 2.0), (None, None), "not_estimable"),
        (3, (1.0, 2.0), (-0.4, 0.3), (-0.4, 0.3), "worked"),
        (3, (1.0, 2.0), (None, None), (-0.4, 0.3), "worked"),
        (4, (-0.4, 0.3), (0.1, 0.4), (-0.4, 0.3), "no_effect"),
        (4, (-0.4, 0.3), (0.1, 0.4), (-1.0, 0.3), "no_effect"),
        (5, (1.0, 2.0), (-0.4, 0.3), (-1.0, 0.3), "inconclusive"),
        (5, (-1.0, 2.0), (-0.4, 0.3), (-0.4, 0.3), "inconclusive"),
        (5, (-0.4, 0.3), (None, None), (-0.4, 0.3), "inconclusive"),
    ],
)
def test_every_row_of_the_table_is_reached(  # noqa: PLR0917 - the parts of a row
    release: Make, estimate: Make, row: int, speed: Any, depth: Any, refunds: Any, decision: str
) -> None:
    found = decide(
        release,
        estimate("speed", "success", *speed, limit=0.5),
        estimate("depth", "success", *depth, limit=0.5),
        estimate("refunds", "guardrail", *refunds, limit=0.5),
    )

    assert (row, found.decision) == (row, decision)
