from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from landed.catalog import RoleOfMetric
from landed.errors import ContractError, EstimationError
from landed.impact import estimate_release

Make = Callable[..., Any]

DOCUMENTED = [
    "metric", "label", "value", "direction", "role", "treatment", "status", "reason",
    "window_days", "margin", "mean_control", "mean_treatment", "n_control", "n_treatment",
    "n_missing_control", "n_missing_treatment", "absolute_effect", "ci_lower", "ci_upper",
    "relative_effect", "relative_ci_lower", "relative_ci_upper", "p_value", "bound",
    "confidence_level", "method", "variance_reduction_share", "conclusion", "definition",
    "standard_error", "looks", "intervals",
]  # fmt: skip


def test_an_estimate_has_exactly_the_documented_keys(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    rows = [
        row("activation_rate", "control"),
        row("activation_rate", "checklist", sum_y=260, sum_yy=260, n_missing=3),
    ]

    (found,) = estimate_release(release(), catalog(metric(window_days=7.0)), rows)

    document = found.as_dict()
    assert list(document) == DOCUMENTED
    assert document["definition"] == {"revision": "2026-11-01", "digest": "d" * 64}
    assert document["method"] == "two_proportions"
    assert document["absolute_effect"] == pytest.approx(0.06)
    assert document["relative_effect"] == pytest.approx(0.3)
    assert document["bound"] == pytest.approx(1.96, abs=1e-4)
    assert document["conclusion"] == "better"
    assert document["window_days"] == 7.0
    assert (document["n_missing_control"], document["n_missing_treatment"]) == (0, 3)
    assert document["reason"] is None
    assert found.standard_error == pytest.approx(0.0187, abs=2e-4)


def test_a_mean_takes_welch_and_a_ratio_the_delta_method(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    roles = (RoleOfMetric("view_seconds", "success"), RoleOfMetric("error_rate", "diagnostic"))
    rows = [
        row("view_seconds", variant, "unit_mean", sum_y=total, sum_yy=20_000)
        for variant, total in (("control", 4_000), ("checklist", 4_200))
    ] + [
        row(
            "error_rate",
            variant,
            "ratio",
            sum_y=500,
            sum_yy=700,
            sum_d=5_000,
            sum_dd=27_000,
            sum_yd=2_600,
        )
        for variant in ("control", "checklist")
    ]

    found = estimate_release(
        release(*roles), catalog(metric("view_seconds"), metric("error_rate")), rows
    )

    assert [one.method for one in found] == ["welch", "ratio_of_sums"]
    assert found[1].mean_control == pytest.approx(0.1)
    assert found[1].absolute_effect == 0.0


def test_the_release_s_margin_goes_before_the_metric_s(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    rows = [row("refund_rate", "control"), row("refund_rate", "checklist")]
    known = catalog(metric("refund_rate", non_inferiority_margin=0.005))
    own = release(RoleOfMetric("refund_rate", "guardrail"))
    overridden = release(RoleOfMetric("refund_rate", "guardrail", non_inferiority_margin=0.1))

    (by_metric,) = estimate_release(own, known, rows)
    (by_release,) = estimate_release(overridden, known, rows)

    assert (by_metric.margin, by_metric.conclusion) == (0.005, "inconclusive")
    assert (by_release.margin, by_release.conclusion) == (0.1, "non_inferior")


def test_a_relative_margin_is_shown_in_the_metric_s_unit_and_judged_as_a_share(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    rows = [
        row("latency", variant, "mean", sum_y=total, sum_yy=101_000_000)
        for variant, total in (("control", 300_000), ("checklist", 303_000))
    ]
    known = catalog(metric("latency", value="ms", direction="decrease_is_good"))
    role = RoleOfMetric("latency", "survival", non_inferiority_margin=0.1, relative=True)

    (found,) = estimate_release(release(role), known, rows)

    assert found.margin == pytest.approx(30.0)
    assert found.limit_is_relative
    assert found.relative_ci_upper is not None
    assert found.relative_ci_upper < 0.1
    assert found.conclusion == "non_inferior"


def test_a_relative_margin_on_a_control_near_zero_decides_nothing(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    rows = [
        row("profit", variant, "mean", sum_y=1.0, sum_yy=1_000.0)
        for variant in ("control", "checklist")
    ]
    role = RoleOfMetric("profit", "guardrail", non_inferiority_margin=0.5, relative=True)

    (found,) = estimate_release(release(role), catalog(metric("profit", value="usd")), rows)

    assert found.status == "estimated"
    assert found.relative_effect is None
    assert found.reason == "no relative effect: the control mean cannot be told from zero"
    assert found.conclusion == "inconclusive"


def test_a_minimum_effect_is_no_margin(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    rows = [row("activation_rate", "control"), row("activation_rate", "checklist")]
    role = RoleOfMetric("activation_rate", "success", minimum_effect_of_interest=0.2)

    (found,) = estimate_release(release(role), catalog(metric()), rows)

    assert found.margin is None
    assert found.minimum_effect == 0.2
    assert found.conclusion == "equivalent"


def test_too_few_events_are_not_estimable_and_may_resolve(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    rows = [
        row("activation_rate", "control"),
        row("activation_rate", "checklist", sum_y=4, sum_yy=4),
    ]

    (found,) = estimate_release(release(), catalog(metric()), rows)

    assert found.status == found.conclusion == "not_estimable"
    assert found.reason == "treatment has 4 events, at least 5 are needed"
    assert found.resolves_with_more_units
    assert found.mean_treatment == 0.004
    assert found.absolute_effect is found.ci_lower is found.p_value is found.bound is None


def test_an_arm_whose_units_all_wait_says_so(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    rows = [
        row("activation_rate", "control"),
        row("activation_rate", "checklist", n=0, sum_y=None, sum_yy=None, n_immature=120),
    ]

    (found,) = estimate_release(release(), catalog(metric()), rows)

    assert found.reason == (
        "no unit of treatment entered; 120 still wait for the end of their outcome window"
    )
    assert found.mean_treatment is None


def test_an_arm_without_a_row_is_not_estimable(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    (found,) = estimate_release(release(), catalog(metric()), [row("activation_rate", "checklist")])

    assert found.reason == "no unit of control entered"
    assert found.n_control is None


def test_a_metric_without_a_value_for_one_unit_says_why(release: Make, core: Any) -> None:
    (found,) = estimate_release(release(RoleOfMetric("exposed_units", "diagnostic")), core, [])

    assert found.reason == ("it has no value for a single unit: it counts the population itself")
    assert found.method is None
    assert not found.resolves_with_more_units


def test_a_metric_that_was_not_measured_says_so(release: Make, core: Any) -> None:
    (found,) = estimate_release(release(RoleOfMetric("erring_user_share", "guardrail")), core, [])

    assert found.reason == "no unit was measured"
    assert found.margin == 0.005


def test_a_form_without_statistic_is_not_estimable(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    rows = [row("activation_rate", name, "median") for name in ("control", "checklist")]

    (found,) = estimate_release(release(), catalog(metric()), rows)

    assert found.reason == "the form of unit outcome is `median`"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"sum_y": 300, "sum_yy": 900}, "its sums are wrong: treatment has sum 300"),
        ({"sum_y": float("nan")}, "the sums of treatment are wrong: sum_y is nan"),
    ],
)
def test_impossible_sums_are_not_estimable(  # noqa: PLR0917 - fixtures
    release: Make, catalog: Make, metric: Make, row: Make, wrong: dict[str, Any], reason: str
) -> None:
    rows = [row("activation_rate", "control"), row("activation_rate", "checklist", **wrong)]

    (found,) = estimate_release(release(), catalog(metric()), rows)

    assert found.reason is not None
    assert found.reason.startswith(reason)


@pytest.mark.parametrize("kind", ["everyone", "version"])
def test_a_rollout_to_everybody_has_no_concurrent_control(
    release: Make, catalog: Make, metric: Make, row: Make, kind: str
) -> None:
    shipped = release(kind=kind, control=None, treatments=("released",), allocation=())

    (found,) = estimate_release(shipped, catalog(metric()), [row("activation_rate", "released")])

    assert found.status == "not_estimable"
    assert found.reason is not None
    assert found.reason.startswith("no concurrent control")
    assert found.mean_treatment == 0.2
    assert (found.n_control, found.n_treatment) == (None, 1000)


def test_every_treatment_and_metric_has_an_estimate(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    roles = (RoleOfMetric("activation_rate", "success"), RoleOfMetric("refund_rate", "guardrail"))
    two = release(*roles, treatments=("short", "long"))
    rows = [row("activation_rate", name) for name in ("control", "short", "long")] + [
        row("refund_rate", name, n=0, sum_y=0, sum_yy=0) for name in ("control", "short", "long")
    ]

    found = estimate_release(two, catalog(metric(), metric("refund_rate")), rows)

    assert [(one.treatment, one.metric, one.status) for one in found] == [
        ("short", "activation_rate", "estimated"),
        ("short", "refund_rate", "not_estimable"),
        ("long", "activation_rate", "estimated"),
        ("long", "refund_rate", "not_estimable"),
    ]


def test_two_rows_of_one_variant_are_refused(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    rows = [row("activation_rate", "control"), row("activation_rate", "control")]

    with pytest.raises(EstimationError, match="two rows of moments for variant `control`"):
        estimate_release(release(), catalog(metric()), rows)


def test_a_metric_the_catalog_does_not_have_is_refused(release: Make, catalog: Make) -> None:
    with pytest.raises(ContractError, match="activation_rate"):
        estimate_release(release(), catalog(), [])
