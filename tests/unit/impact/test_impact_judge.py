from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landed.errors import EstimationError
from landed.impact import alpha, conclude_metric, crossed_at, statistic_for
from landed.stats import ratio_of_sums, two_proportions, welch


def judge_interval(
    role: Any,
    direction: Any,
    interval: tuple[float, float],
    limit: float | None,
    limit_interval: tuple[float, float] | None = None,
) -> str:
    """The conclusion of one look whose tests all have the same bound."""
    tests = alpha.tests_of(role, direction)
    held = None if limit_interval is None else dict.fromkeys(tests, limit_interval)
    crossed = crossed_at(role, direction, dict.fromkeys(tests, interval), limit, held)
    return conclude_metric(role, [crossed])


numbers = st.floats(-10, 10, allow_nan=False)
intervals = st.tuples(numbers, numbers).map(lambda ends: (min(ends), max(ends)))


@pytest.mark.parametrize(
    ("interval", "limit", "conclusion"),
    [
        ((0.1, 3.0), 2.0, "better"),
        ((0.1, 1.9), 2.0, "equivalent"),
        ((0.1, 3.0), None, "better"),
        ((-1.9, 1.9), 2.0, "equivalent"),
        ((-1.9, 1.9), None, "inconclusive"),
        ((-2.0, 1.9), 2.0, "inconclusive"),
        ((-1.9, -0.1), 2.0, "worse"),
        ((-9.0, -3.0), 2.0, "worse"),
        ((0.0, 3.0), 2.0, "inconclusive"),
        ((-3.0, 0.0), 2.0, "inconclusive"),
    ],
)
def test_a_success_metric_is_held_against_zero_and_its_minimum_effect(
    interval: tuple[float, float], limit: float | None, conclusion: str
) -> None:
    assert judge_interval("success", "increase_is_good", interval, limit) == conclusion
    mirrored = (-interval[1], -interval[0])
    assert judge_interval("success", "decrease_is_good", mirrored, limit) == conclusion


@pytest.mark.parametrize("role", ["guardrail", "survival"])
@pytest.mark.parametrize(
    ("interval", "limit", "conclusion"),
    [
        ((-0.9, 5.0), 1.0, "non_inferior"),
        ((-0.9, -0.1), 1.0, "non_inferior"),
        ((2.0, 5.0), 1.0, "non_inferior"),
        ((-1.0, 5.0), 1.0, "inconclusive"),
        ((-1.5, -0.5), 1.0, "worse"),
        ((-1.5, 0.0), 1.0, "inconclusive"),
        ((-3.0, -1.1), 1.0, "worse"),
        ((-3.0, -1.1), None, "worse"),
        ((1.0, 3.0), None, "inconclusive"),
    ],
)
def test_a_guardrail_is_held_against_its_margin_and_against_harm(
    role: Any, interval: tuple[float, float], limit: float | None, conclusion: str
) -> None:
    assert judge_interval(role, "increase_is_good", interval, limit) == conclusion
    mirrored = (-interval[1], -interval[0])
    assert judge_interval(role, "decrease_is_good", mirrored, limit) == conclusion


@pytest.mark.parametrize(
    ("role", "interval", "conclusion"),
    [
        ("success", (0.1, 5.0), "inconclusive"),
        ("success", (-0.5, 0.5), "equivalent"),
        ("guardrail", (-0.5, 0.5), "non_inferior"),
        ("guardrail", (2.0, 5.0), "worse"),
        ("guardrail", (-5.0, -2.0), "worse"),
        ("guardrail", (0.5, 5.0), "inconclusive"),
    ],
)
def test_a_neutral_metric_has_no_good_side(
    role: Any, interval: tuple[float, float], conclusion: str
) -> None:
    assert judge_interval(role, "neutral", interval, 1.0) == conclusion


def test_a_relative_limit_is_held_against_the_relative_interval() -> None:
    absolute, relative = (-5.0, 1.0), (-0.05, 0.01)

    assert judge_interval("guardrail", "increase_is_good", absolute, 0.1, relative) == (
        "non_inferior"
    )
    assert judge_interval("guardrail", "increase_is_good", absolute, 0.04, relative) == (
        "inconclusive"
    )


@given(intervals, st.floats(0.01, 5), st.floats(0.01, 5))
def test_a_wider_margin_never_turns_non_inferior_into_something_else(
    interval: tuple[float, float], margin: float, more: float
) -> None:
    narrow = judge_interval("guardrail", "increase_is_good", interval, margin)
    wide = judge_interval("guardrail", "increase_is_good", interval, margin + more)

    assert narrow != "non_inferior" or wide == "non_inferior"
    assert wide != "worse" or narrow == "worse"


@pytest.mark.parametrize(
    ("role", "looks", "conclusion"),
    [
        ("success", [("better",), ("equivalent",)], "better"),
        ("success", [("better",), ("worse",)], "worse"),
        ("success", [("equivalent",), ()], "inconclusive"),
        ("success", [], "inconclusive"),
        ("guardrail", [("non_inferior",), ("worse",)], "non_inferior"),
        ("guardrail", [("worse",), ("non_inferior",)], "worse"),
        ("guardrail", [("worse", "non_inferior")], "non_inferior"),
        ("survival", [(), ()], "inconclusive"),
    ],
)
def test_what_a_look_crossed_stays_crossed(
    role: Any, looks: list[tuple[str, ...]], conclusion: str
) -> None:
    assert conclude_metric(role, looks) == conclusion


def test_each_form_has_its_statistic() -> None:
    assert statistic_for("mean") == ("welch", welch)
    assert statistic_for("unit_mean") == ("welch", welch)
    assert statistic_for("proportion") == ("two_proportions", two_proportions)
    assert statistic_for("ratio") == ("ratio_of_sums", ratio_of_sums)


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(EstimationError, match="`median`"):
        statistic_for("median")
