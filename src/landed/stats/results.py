"""What an estimator gives back: an estimate with its interval, or the reason there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotEstimable:
    """There is no estimate, and why. A value, not an error: it belongs in the report.

    Args:
        reason: One sentence without a full stop, with the numbers that decided it.
        resolves_with_more_units: Whether waiting can cure it (too few units or events so far);
            False where the measurement itself has to change.
    """

    reason: str
    resolves_with_more_units: bool = False


@dataclass(frozen=True, slots=True)
class RelativeEffect:
    """The effect as a share of the control's mean (0.1 = 10 % more), with its interval.

    Args:
        relative_effect: (treatment - control) / |control|. Share.
        ci_lower: Lower end of the interval. Share.
        ci_upper: Upper end. Share.
    """

    relative_effect: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Treatment minus control, with the interval and test that belong together.

    The interval excludes 0 exactly where `p_value` < 1 - `confidence_level`.

    Args:
        method: Name of the function that made it.
        n_control: Units that entered in control. Count.
        n_treatment: Units that entered in treatment. Count.
        mean_control: Mean (or ratio) of control. The metric's unit of measure.
        mean_treatment: Mean (or ratio) of treatment. The metric's unit.
        absolute_effect: Treatment minus control. The metric's unit.
        standard_error: Estimated standard deviation of `absolute_effect`. The metric's unit.
        ci_lower: Lower end of the interval of `absolute_effect`. The metric's unit.
        ci_upper: Upper end. The metric's unit.
        p_value: Two-sided, against no difference. 0 to 1.
        bound: Critical value of the interval, in standard errors.
        degrees_of_freedom: Of the t distribution used; None where it is the normal.
        confidence_level: Share, e.g. 0.95.
        relative: The effect as a share of the control's mean, or why there is none.
        variances_of_mean: Squared standard errors of control's and treatment's mean, as the
            effect compares them. (2,).
        adjusted_means: The two means after adjustment by covariates, whose difference the effect
            is; None where it is that of `mean_control` and `mean_treatment`. (2,).
    """

    method: str
    n_control: int
    n_treatment: int
    mean_control: float
    mean_treatment: float
    absolute_effect: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    p_value: float
    bound: float
    degrees_of_freedom: float | None
    confidence_level: float
    relative: RelativeEffect | NotEstimable
    variances_of_mean: tuple[float, float]
    adjusted_means: tuple[float, float] | None = None
