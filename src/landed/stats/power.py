"""How large an effect some units can show, and how many units an effect needs."""

from __future__ import annotations

import math

from scipy import special

from ..errors import EstimationError
from .distributions import check_confidence_level

DEFAULT_POWER = 0.8


def minimum_detectable_effect(
    standard_error: float, confidence_level: float = 0.95, power: float = DEFAULT_POWER
) -> float:
    """Say which effect a comparison with this standard error finds with the given power.

    Args:
        standard_error: Of the difference. The metric's unit, > 0.
        confidence_level: Of the two-sided interval that must exclude 0. Share, 0.5 to 1.
        power: Chance of finding the effect. Share, 0.5 to 1 (exclusive).

    Returns:
        The absolute effect in the metric's unit.

    Raises:
        EstimationError: An argument is outside its range.

    Assumes:
        The difference is near normal; the chance of a finding on the wrong side is left out.

    Source:
        Chow, Shao, Wang and Lokhnygina (2017), Sample Size Calculations in Clinical Research,
        3rd edition, section 3.2.1.

    Examples:
        >>> round(minimum_detectable_effect(1.0), 4)
        2.8016
    """
    if not (standard_error > 0 and math.isfinite(standard_error)):
        raise EstimationError(f"standard_error is {standard_error}", expected="a number above 0")
    return _critical_sum(confidence_level, power) * standard_error


def size_factor(
    standard_error: float,
    effect: float,
    confidence_level: float = 0.95,
    power: float = DEFAULT_POWER,
) -> float:
    """Say by what factor the units must grow, at the same split, to find an effect.

    Args:
        standard_error: Of the difference with the units there are. The metric's unit, > 0.
        effect: The effect to find. The metric's unit, not 0.
        confidence_level: As in `minimum_detectable_effect`.
        power: As in `minimum_detectable_effect`.

    Returns:
        Units needed divided by units there are, > 0; 1 or less where they suffice.

    Raises:
        EstimationError: An argument is outside its range.

    Assumes:
        More units look like those there are: the standard error falls with their square root.

    Source:
        As `minimum_detectable_effect`.

    Examples:
        >>> round(size_factor(1.0, 1.4008), 2)
        4.0
    """
    if effect == 0 or not math.isfinite(effect):
        raise EstimationError(f"effect is {effect}", expected="a finite number other than 0")
    root = minimum_detectable_effect(standard_error, confidence_level, power) / abs(effect)
    factor = root * root
    if not math.isfinite(factor):
        raise EstimationError(f"effect {effect} is too small", expected="an effect worth finding")
    return factor


def units_needed(
    effect: float,
    standard_deviation: float,
    treatment_share: float = 0.5,
    confidence_level: float = 0.95,
    power: float = DEFAULT_POWER,
) -> int:
    """Count the units of both arms together that a two-sample comparison needs.

    Args:
        effect: The effect to find. The metric's unit, not 0.
        standard_deviation: Of one unit's outcome. The metric's unit, > 0.
        treatment_share: Units in treatment. Share, 0 to 1 (both exclusive).
        confidence_level: As in `minimum_detectable_effect`.
        power: As in `minimum_detectable_effect`.

    Returns:
        Units of control and treatment together. Count, >= 4.

    Raises:
        EstimationError: An argument is outside its range.

    Assumes:
        Both arms have the same standard deviation; the normal stands for Student's t, which asks
        for about two units more.

    Source:
        As `minimum_detectable_effect`.

    Examples:
        >>> units_needed(0.5, 1.0)
        126
    """
    if not 0 < treatment_share < 1:
        raise EstimationError(
            f"treatment_share is {treatment_share}", expected="a share between 0 and 1"
        )
    one_unit = standard_deviation * math.sqrt(1 / treatment_share + 1 / (1 - treatment_share))
    return max(4, math.ceil(size_factor(one_unit, effect, confidence_level, power)))


def _critical_sum(confidence_level: float, power: float) -> float:
    check_confidence_level(confidence_level)
    if not 0.5 <= power < 1:
        raise EstimationError(f"power is {power}", expected="a share from 0.5 to below 1")
    return float(special.ndtri((1 + confidence_level) / 2) + special.ndtri(power))
