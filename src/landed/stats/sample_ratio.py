"""Whether the exposed counts fit the planned allocation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import special

from ..errors import PlanError


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Observed against planned counts.

    Args:
        p_value: Chance of counts at least this far from the plan. 0 to 1.
        statistic: Pearson's chi-squared, >= 0.
        degrees_of_freedom: Count, >= 1.
        observed: Exposed units by variant. Count.
        expected: Units by variant that the plan implies for the same total. Count.
    """

    p_value: float
    statistic: float
    degrees_of_freedom: int
    observed: Mapping[str, int]
    expected: Mapping[str, float]


def sample_ratio(observed: Mapping[str, int], planned_shares: Mapping[str, float]) -> SampleRatio:
    """Test exposed counts against the planned allocation with Pearson's chi-squared.

    Args:
        observed: Distinct exposed units by variant. Count; V >= 2 entries.
        planned_shares: Planned allocation by variant. Share, > 0; same V keys, sums to 1.

    Returns:
        The p-value (0 to 1) with the observed and expected counts behind it.

    Raises:
        PlanError: The variants differ, a share is not above 0, the shares do not sum to 1, or no
            unit was exposed.

    Assumes:
        Each unit is counted once and assigned independently of the others.

    Source:
        Fabijan et al. (2019), Diagnosing Sample Ratio Mismatch in Online
        Controlled Experiments, KDD '19. doi:10.1145/3292500.3330722

    Examples:
        >>> even = {"control": 0.5, "treatment": 0.5}
        >>> round(sample_ratio({"control": 500, "treatment": 580}, even).p_value, 4)
        0.0149
    """
    return staged_sample_ratio([(observed, planned_shares)])


def staged_sample_ratio(
    stages: Sequence[tuple[Mapping[str, int], Mapping[str, float]]],
) -> SampleRatio:
    """Test the counts of a ramp, each stage against its own planned allocation.

    Pooling a ramp's counts over stages and testing them against one allocation would refuse every
    ramp; the stages' chi-squareds add up instead. Stages without a unit are left out.

    Args:
        stages: (observed counts, planned shares) of each stage, as in `sample_ratio`.

    Returns:
        The p-value over all stages, with observed and expected counts summed over them.

    Raises:
        PlanError: As in `sample_ratio`, of any stage; or no stage has a unit.

    Assumes:
        A unit is counted in the stage of its first exposure only.

    Source:
        As `sample_ratio`; independent chi-squareds add with their degrees of freedom.

    Examples:
        >>> ramp = [
        ...     ({"control": 90, "treatment": 10}, {"control": 0.9, "treatment": 0.1}),
        ...     ({"control": 50, "treatment": 50}, {"control": 0.5, "treatment": 0.5}),
        ... ]
        >>> staged_sample_ratio(ramp).p_value
        1.0
    """
    statistic, degrees_of_freedom = 0.0, 0
    observed_total: dict[str, int] = {}
    expected_total: dict[str, float] = {}
    for observed, planned_shares in stages:
        _refuse_bad_plan(observed, planned_shares)
        total = sum(observed.values())
        for variant, share in planned_shares.items():
            expected = total * share
            observed_total[variant] = observed_total.get(variant, 0) + observed[variant]
            expected_total[variant] = expected_total.get(variant, 0.0) + expected
            if total:
                statistic += (observed[variant] - expected) ** 2 / expected
        degrees_of_freedom += len(planned_shares) - 1 if total else 0
    if not degrees_of_freedom:
        raise PlanError(
            "no unit was exposed",
            expected="at least 1 exposed unit",
            fix="check that the exposure event fires and names its variant.",
        )
    return SampleRatio(
        p_value=float(special.chdtrc(degrees_of_freedom, statistic)),
        statistic=statistic,
        degrees_of_freedom=degrees_of_freedom,
        observed=observed_total,
        expected=expected_total,
    )


def _refuse_bad_plan(observed: Mapping[str, int], planned_shares: Mapping[str, float]) -> None:
    if set(observed) != set(planned_shares) or len(planned_shares) < 2:
        raise PlanError(
            f"variants differ: observed {', '.join(sorted(observed)) or 'none'}, "
            f"planned {', '.join(sorted(planned_shares)) or 'none'}",
            expected="the same two or more variants",
            fix="name every variant in the release's allocation, and no other.",
        )
    for variant, share in planned_shares.items():
        if not 0 < share < 1:
            raise PlanError(
                f"the planned share of `{variant}` is {share}",
                expected="a share between 0 and 1",
                fix="leave a variant without traffic out of the stage.",
            )
    if not math.isclose(sum(planned_shares.values()), 1.0, abs_tol=1e-6):
        raise PlanError(
            f"planned shares sum to {sum(planned_shares.values()):g}", expected="a sum of 1"
        )
    for variant, count in observed.items():
        if count < 0:
            raise PlanError(f"`{variant}` has {count} units", expected="a count of at least 0")
