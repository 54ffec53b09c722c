"""A change that everybody got at once, against the same comparison on days without a change."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import EstimationError
from .distributions import check_confidence_level, t_bound, t_p_value
from .results import NotEstimable

#: Fewer placebo windows keep the error rate, and find next to nothing.
LEAST_WINDOWS = 8


@dataclass(frozen=True, slots=True)
class PlaceboDifference:
    """How much a daily series moved at a day, beyond how much it moves anyway.

    Args:
        log_effect: Move of the mean log after the day, less the mean of the placebo moves.
        standard_error: Of `log_effect`, from the spread of the placebo moves.
        ci_lower: Lower end of its interval.
        ci_upper: Upper end.
        p_value: Two-sided, against no effect. 0 to 1.
        bound: Critical value of the interval, in standard errors.
        degrees_of_freedom: Placebo windows less one.
        confidence_level: Share.
        move: Of the change itself, before the mean of the placebo moves is taken off.
        placebos: (first day of the window after, its move) of each placebo, latest first.
        left_out: First days of the placebo windows that hold a day without a value, or an
            excluded one.
    """

    log_effect: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    p_value: float
    bound: float
    degrees_of_freedom: int
    confidence_level: float
    move: float
    placebos: tuple[tuple[int, float], ...]
    left_out: tuple[int, ...] = ()

    @property
    def relative_effect(self) -> float:
        """As a share of what the series would have been: 0.1 is 10 % more."""
        return math.expm1(self.log_effect)


def placebo_difference(
    logs: Sequence[float | None],
    changed_at: int,
    *,
    days_after: int = 14,
    days_before: int = 28,
    days_between: int = 0,
    excluded: Collection[int] = (),
    confidence_level: float = 0.90,
) -> PlaceboDifference | NotEstimable:
    """Compare the days after a change with those before it, and with earlier such comparisons.

    The move of a day s is mean log of [s, s + days_after) less mean log of the `days_before` days
    that end `days_between` days before s. Placebo days lie `days_after` apart before the change,
    so their windows after do not overlap and end before it; the move of the change is held against
    the mean and spread of theirs.

    Args:
        logs: Log (of a share: logit; of a ratio: log of the ratio) of the metric on each whole
            day, in order; None where the day has none.
        changed_at: Position of the first whole day with the change.
        days_after: Days of the window after. A multiple of 7, so that weekdays cancel.
        days_before: Days of the window before. A multiple of 7.
        days_between: Days between the two windows that belong to neither: 1 where the change came
            in the midst of a day. Count.
        excluded: Days that were touched by something else (another release, an incident); a
            placebo window with one of them is left out.
        confidence_level: Of the two-sided interval. Share; 0.90 is 5 % a side.

    Returns:
        The difference; NotEstimable where the windows are not over or hold a day without a value,
        where fewer than LEAST_WINDOWS placebo windows are left, or where none of them differ.

    Raises:
        EstimationError: A window is no multiple of 7, or the change lies outside the series.

    Assumes:
        Moves of the series without the change are exchangeable: a trend and weekdays cancel, a
        yearly wave does not. One look, at the end of the window after.

    Source:
        Placebo tests in time, as in Abadie, Diamond and Hainmueller (2015), Comparative politics
        and the synthetic control method, AJPS 59, p. 504; the t of a new value against m others
        has variance factor 1 + 1/m, as a prediction interval has (Geisser 1993, section 2.1).

    Examples:
        >>> days = [0.01 * ((7 * day * day) % 11) for day in range(196)]
        >>> found = placebo_difference([*days[:182], *(v + 0.2 for v in days[182:])], 182)
        >>> round(found.log_effect, 2), len(found.placebos), found.p_value < 0.001
        (0.2, 11, True)
    """
    check_confidence_level(confidence_level)
    for name, days in (("days_after", days_after), ("days_before", days_before)):
        if days < 7 or days % 7:
            raise EstimationError(f"{name} is {days}", expected="a multiple of 7, so whole weeks")
    if days_between < 0:
        raise EstimationError(f"days_between is {days_between}", expected="0 or more")
    if not 0 <= changed_at <= len(logs):
        raise EstimationError(
            f"changed_at is {changed_at}", expected=f"a day of the series, 0 to {len(logs)}"
        )
    values = np.array([math.nan if value is None else value for value in logs], dtype=np.float64)
    if np.isinf(values).any():
        raise EstimationError("a log is infinite", expected="None where a day has no value")
    values[list(excluded)] = math.nan

    def move(start: int) -> float:
        after = values[start : start + days_after].mean()
        end = start - days_between
        return float(after - values[end - days_before : end].mean())

    first = days_before + days_between
    starts = range(changed_at - days_between - days_after, first - 1, -days_after)
    found = [(start, move(start)) for start in starts]
    placebos = tuple(one for one in found if math.isfinite(one[1]))
    left_out = tuple(start for start, of in found if not math.isfinite(of))
    if len(placebos) < LEAST_WINDOWS:
        reason = (
            f"too little history: {len(placebos)} placebo windows of {days_after} days,"
            f" at least {LEAST_WINDOWS} are needed"
        )
        if left_out:
            reason += f"; {len(left_out)} more hold a day that does not count"
        return NotEstimable(reason)
    left = days_after - (len(values) - changed_at)
    if left > 0:
        unit = "day" if left == 1 else "days"
        return NotEstimable(f"the window after the change has {left} {unit} left", True)
    observed = move(changed_at)
    if not math.isfinite(observed):
        return NotEstimable("a day around the change has no value, or another change")
    moves = np.array([of for _, of in placebos])
    spread = float(moves.std(ddof=1))
    if not spread > 0:
        return NotEstimable("the placebo windows do not differ")
    standard_error = spread * math.sqrt(1 + 1 / len(moves))
    effect = observed - float(moves.mean())
    degrees = len(moves) - 1
    bound = t_bound(confidence_level, degrees)
    return PlaceboDifference(
        log_effect=effect,
        standard_error=standard_error,
        ci_lower=effect - bound * standard_error,
        ci_upper=effect + bound * standard_error,
        p_value=t_p_value(effect / standard_error, degrees),
        bound=bound,
        degrees_of_freedom=degrees,
        confidence_level=confidence_level,
        move=observed,
        placebos=placebos,
        left_out=left_out,
    )
