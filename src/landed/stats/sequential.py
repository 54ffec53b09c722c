"""Bounds for a test that is looked at several times: alpha is spent over the looks, not at each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from ..errors import EstimationError

Spending = Literal["obrien_fleming", "pocock"]
#: No bound is higher: beyond it a double's tail is too thin to integrate, and nobody would wait.
LARGEST_BOUND = 8.0
#: Nodes of the grid a standard deviation, and how far it reaches. Bounds are right to 1e-5.
_NODES_EACH = 24
_REACH = 8.5
#: Beyond it a look brings less than a hundred-thousandth of what was known: bounds coarsen then.
_MOST_NODES = 40_000
#: What looks at LARGEST_BOUND may spend beyond their share, all together.
_ROUNDING = 1e-12

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Look:
    """A look that was taken: what it knew, and the bound it was held against.

    Args:
        information: 1 / standard error squared, or the units that entered. > 0, rising.
        bound: The z that had to be passed. > 0.
        spent: Alpha spent up to and with this look. Probability.
    """

    information: float
    bound: float
    spent: float


def spend(spending: Spending, alpha: float, fraction: float) -> float:
    """Alpha that may be spent up to a share of the planned time.

    Args:
        spending: obrien_fleming keeps nearly all for the end, pocock spends evenly.
        alpha: Of all looks together, one-sided. Probability, 0 to 0.5 (exclusive).
        fraction: Share of the planned time that has passed; from 1 on all is spent. >= 0.

    Returns:
        Cumulative probability of a false crossing, 0 to alpha.

    Raises:
        EstimationError: Alpha or the fraction is outside its range.

    Assumes:
        The share of time was not chosen by what was seen.

    Source:
        Lan and DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika 70,
        p. 660: alpha 1 (O'Brien-Fleming-like) and alpha 2 (Pocock-like).

    Examples:
        >>> spend("obrien_fleming", 0.025, 1.0), round(spend("pocock", 0.025, 0.5), 5)
        (0.025, 0.0155)
    """
    if not 0 < alpha < 0.5:
        raise EstimationError(f"alpha is {alpha}", expected="a probability above 0, below 0.5")
    if not fraction >= 0:
        raise EstimationError(f"the fraction is {fraction}", expected="a share of at least 0")
    if fraction >= 1:
        return alpha
    if fraction == 0:
        return 0.0
    if spending == "pocock":
        return alpha * math.log1p((math.e - 1) * fraction)
    return float(2 * special.ndtr(special.ndtri(alpha / 2) / math.sqrt(fraction)))


def next_bound(
    earlier: Sequence[Look], information: float, spent: float, *, two_sided: bool = False
) -> Look:
    """The bound of one more look, so that no more than `spent` is spent with it.

    Earlier looks stay as they were taken: their bounds are not worked out again.

    Args:
        earlier: Looks taken so far, in order.
        information: Of this look; greater than that of the last one.
        spent: Alpha that may be spent up to and with this look (see `spend`). Probability. For
            `two_sided` of both sides together.
        two_sided: Whether crossing below -bound counts as well.

    Returns:
        The look. Its bound is at most LARGEST_BOUND, whose tail (6e-16) may be more than was left.

    Raises:
        EstimationError: Information does not rise, or alpha is taken back.

    Assumes:
        The score has independent normal increments, variance the information's: so for estimates
        that are efficient, of units that enter once (Scharfstein, Tsiatis and Robins 1997).

    Source:
        Armitage, McPherson and Rowe (1969), JRSS A 132, p. 235; numerical integration as in
        Jennison and Turnbull (2000), Group Sequential Methods, section 19.2.

    Examples:
        >>> first = next_bound((), 0.5, spend("obrien_fleming", 0.025, 0.5))
        >>> second = next_bound([first], 1.0, 0.025)
        >>> round(first.bound, 3), round(second.bound, 3)
        (2.963, 1.969)
    """
    last = earlier[-1] if earlier else None
    _refuse_no_rise(last, information)
    _refuse_taking_back(last, spent)
    state = _continuing(earlier, two_sided, information)
    return _bounded(state, last, information, spent, two_sided)


def planned_looks(
    spending: Spending,
    alpha: float,
    information: Sequence[float],
    *,
    fractions: Sequence[float] | None = None,
    two_sided: bool = False,
) -> tuple[Look, ...]:
    """Bounds of a whole plan, for planning and power.

    Args:
        spending: How alpha is spread.
        alpha: Of all looks, one-sided; of both sides together for `two_sided`. Probability.
        information: Of every look, rising.
        fractions: Share of time at every look; None takes the share of the last information.
        two_sided: Whether both sides count.

    Returns:
        One look a time of the plan.

    Raises:
        EstimationError: Information does not rise, or alpha or a share is outside its range.

    Assumes:
        As `next_bound`.

    Source:
        Lan and DeMets (1983), Biometrika 70.

    Examples:
        >>> [round(look.bound, 3) for look in planned_looks("pocock", 0.025, [1, 2, 3, 4, 5])]
        [2.438, 2.427, 2.41, 2.397, 2.386]
    """
    shares = fractions or [one / information[-1] for one in information]
    per_side = alpha / 2 if two_sided else alpha
    taken: list[Look] = []
    state = (np.zeros(1), np.ones(1))
    following = (*information[1:], math.inf)
    for known, share, after in zip(information, shares, following, strict=True):
        last = taken[-1] if taken else None
        _refuse_no_rise(last, known)
        allowed = spend(spending, per_side, share) * (2 if two_sided else 1)
        _refuse_taking_back(last, allowed)
        taken.append(_bounded(state, last, known, allowed, two_sided))
        if after > known and math.isfinite(after):
            before = last.information if last else 0.0
            state = _carried(*state, before, taken[-1], after, two_sided, 0.0)
    return tuple(taken)


def crossing_probabilities(
    looks: Sequence[Look], drift: float = 0.0, *, two_sided: bool = False
) -> tuple[float, ...]:
    """Probability that the bound is first crossed at each look.

    Args:
        looks: Bounds and information, rising.
        drift: Mean of z at the last look; 0 where there is no effect.
        two_sided: Whether crossing below counts as well.

    Returns:
        One probability a look; their sum is the power (or the alpha spent, without drift).

    Assumes:
        As `next_bound`; the effect is the same at every look.

    Source:
        Jennison and Turnbull (2000), Group Sequential Methods, section 19.2.

    Examples:
        >>> plan = planned_looks("obrien_fleming", 0.025, [1, 2, 3, 4, 5])
        >>> round(sum(crossing_probabilities(plan, drift=3.2415)), 2)
        0.89
    """
    found: list[float] = []
    effect = drift / math.sqrt(looks[-1].information) if looks else 0.0
    score, weight = np.zeros(1), np.ones(1)
    before = 0.0
    following = [look.information for look in looks[1:]] + [math.inf]
    for look, after in zip(looks, following, strict=True):
        step = math.sqrt(look.information - before)
        edge = look.bound * math.sqrt(look.information)
        mean = score + effect * (look.information - before)
        above = float(special.ndtr((mean - edge) / step) @ weight)
        below = float(special.ndtr((-edge - mean) / step) @ weight) if two_sided else 0.0
        found.append(above + below)
        score, weight = _carried(score, weight, before, look, after, two_sided, effect)
        before = look.information
    return tuple(found)


def _refuse_no_rise(last: Look | None, information: float) -> None:
    known = last.information if last else 0.0
    if not information > known or math.isinf(information):
        raise EstimationError(
            f"the information is {information}", expected=f"more than {known}, the last look's"
        )


def _refuse_taking_back(last: Look | None, spent: float) -> None:
    already = last.spent if last else 0.0
    if not already - _ROUNDING <= spent < 1:
        raise EstimationError(f"spent is {spent}", expected=f"{already} to 1")


def _bounded(
    state: tuple[_Array, _Array],
    last: Look | None,
    information: float,
    spent: float,
    two_sided: bool,
) -> Look:
    """A look's bound, by the weighted grid of the scores of paths that go on to it."""
    score, weight = state
    already = last.spent if last else 0.0
    step = math.sqrt(information - (last.information if last else 0.0))
    sides = 2.0 if two_sided else 1.0

    def crossing(bound: float) -> float:
        edge = bound * math.sqrt(information)
        above = special.ndtr((score - edge) / step) @ weight
        return float(sides * above)

    allowed = max(spent - already, 0.0)
    if crossing(LARGEST_BOUND) >= allowed:
        bound = LARGEST_BOUND
    else:
        bound = float(
            optimize.brentq(
                lambda z: crossing(z) - allowed,
                0.0 if crossing(0.0) > allowed else -LARGEST_BOUND,
                LARGEST_BOUND,
                xtol=1e-10,
            )
        )
    return Look(information, bound, already + crossing(bound))


def _continuing(
    looks: Sequence[Look], two_sided: bool, information: float
) -> tuple[_Array, _Array]:
    """Scores at the last look of paths that crossed no bound, on a grid, with their weights.

    The grid is fine enough for a look at `information` that comes next.
    """
    score, weight = np.zeros(1), np.ones(1)
    before = 0.0
    following = [look.information for look in looks[1:]] + [information]
    for look, after in zip(looks, following, strict=False):
        score, weight = _carried(score, weight, before, look, after, two_sided, 0.0)
        before = look.information
    return score, weight


def _carried(  # noqa: PLR0917 - the state of one recursion
    score: _Array,
    weight: _Array,
    before: float,
    look: Look,
    after: float,
    two_sided: bool,
    effect: float,
) -> tuple[_Array, _Array]:
    """The weighted grid one look later, cut off at the look's bound.

    Args:
        before: Information of the look before.
        after: Information of the look that follows.
    """
    spread = math.sqrt(look.information)
    step = math.sqrt(look.information - before)
    upper = look.bound * spread
    middle = effect * look.information
    lower = -upper if two_sided else min(middle, 0.0) - _REACH * spread
    highest = min(upper, max(middle, 0.0) + _REACH * spread)
    # a short step makes a sharp density, and a short one after it a sharp kernel: the grid must be
    # finer than either is wide
    width = min(step, spread / 2, math.sqrt(after - look.information))
    wanted = min((highest - lower) / width * _NODES_EACH / 4, _MOST_NODES)
    grid, simpson = _simpson(lower, highest, int(max(wanted, 120)) // 2 * 2)
    mean = score + effect * (look.information - before)
    density = _blurred(grid, mean, weight, step)
    return grid, density * simpson / (step * math.sqrt(2 * math.pi))


def _blurred(grid: _Array, mean: _Array, weight: _Array, step: float) -> _Array:
    """Sum over `mean` of weight times the normal kernel, without what is too far to count."""
    first = np.searchsorted(mean, grid - _REACH * step)
    last = np.searchsorted(mean, grid + _REACH * step)
    band = int((last - first).max())
    if 2 * band >= mean.size:
        whole: _Array = np.exp(-0.5 * ((grid[:, None] - mean[None, :]) / step) ** 2) @ weight
        return whole
    place = first[:, None] + np.arange(band)
    is_near = place < last[:, None]
    place = np.minimum(place, mean.size - 1)
    kernel = np.exp(-0.5 * ((grid[:, None] - mean[place]) / step) ** 2)
    found: _Array = (kernel * weight[place] * is_near).sum(axis=1)
    return found


def _simpson(lower: float, upper: float, count: int) -> tuple[_Array, _Array]:
    """Nodes and weights of Simpson's rule with `count` (even) intervals."""
    grid = np.linspace(lower, upper, count + 1)
    weights = np.ones(count + 1)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    return grid, weights * (upper - lower) / (3 * count)
