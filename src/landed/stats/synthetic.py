"""One region with a change, against a weighted mean of regions without it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize

from ..errors import EstimationError
from .distributions import check_confidence_level
from .results import NotEstimable

#: The smallest p of one region among J others is 1 / (J + 1): 19 are needed for 0.05.
LEAST_DONORS = 19
#: With fewer, weights that fit by chance are found.
LEAST_PERIODS_BEFORE = 10
#: How much worse than the regions without the change it may be fitted before it.
MOST_MISFIT = 2.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SyntheticControl:
    """How far a region moved away from its synthetic control.

    Args:
        effect: Mean gap from the change on. The outcome's unit.
        p_value: Share of regions, itself among them, whose gap widened at least as much.
        changed_at: Position of the first period with the change.
        gaps: Outcome less synthetic control in each period.
        weights: Share of each donor in the synthetic control, largest first; zeros left out.
        error_before: Root mean squared gap before the change.
        ratio: Root mean squared gap after it, in `error_before`s.
        placebo_ratios: The same of each donor against the other donors, largest first.
        median_error_before: Median over donors of their own `error_before`.
    """

    effect: float
    p_value: float
    changed_at: int
    gaps: tuple[float, ...]
    weights: Mapping[str, float]
    error_before: float
    ratio: float
    placebo_ratios: Mapping[str, float]
    median_error_before: float

    def interval(self, confidence_level: float) -> tuple[float, float] | NotEstimable:
        """The constant effects that the placebos do not exclude.

        Args:
            confidence_level: At least this; 20 regions give 0.95, and no more. Share.

        Returns:
            Its ends; NotEstimable where so few regions have no interval at that level, or no
            constant effect is left.
        """
        check_confidence_level(confidence_level)
        regions = len(self.placebo_ratios) + 1
        # of so many regions, the region itself among them, as many may widen more
        allowed = math.floor((1 - confidence_level) * regions + 1e-9)
        if allowed < 1:
            needed = math.ceil(1 / (1 - confidence_level) - 1e-9) - 1
            return NotEstimable(
                f"too few regions without the change: {regions - 1}, and {needed} are needed for an"
                f" interval of {confidence_level * 100:.4g} %"
            )
        limit = list(self.placebo_ratios.values())[allowed - 1] * self.error_before
        after = np.array(self.gaps[self.changed_at :])
        room = limit * limit - float(after.var())
        if room < 0:
            return NotEstimable("its gap after the change varies too much to be one effect")
        return self.effect - math.sqrt(room), self.effect + math.sqrt(room)


def synthetic_control(
    outcome: Sequence[float] | Floats,
    donors: Mapping[str, Sequence[float]],
    changed_at: int,
    *,
    around_mean: bool = False,
) -> SyntheticControl | NotEstimable:
    """Hold a region's outcomes against the mean of others that moved as it did before a change.

    The weights are shares that fit the periods before the change best. The same is done with each
    donor in the region's place, which had no change: how often its gap widens as much is the
    p-value. `interval` gives the constant effects that this test does not exclude.

    Args:
        outcome: Of the region with the change, in each period; (t,).
        donors: The same of each region without it, by name.
        changed_at: Position of the first period with the change.
        around_mean: Whether each region is taken around its own mean before the change, so that
            regions of other sizes can stand in for it.

    Returns:
        The gap; NotEstimable with fewer than LEAST_DONORS donors or LEAST_PERIODS_BEFORE periods
        before the change, or where the region is fitted MOST_MISFIT times worse before it than
        the donors are in the median.

    Raises:
        EstimationError: Lengths differ, an outcome is not finite, or no period is left on a side.

    Assumes:
        Without the change the region would have kept to the same mean of the others, which the
        change does not reach. Regions are exchangeable: any could have got it.

    Source:
        Abadie, Diamond and Hainmueller (2010), Synthetic control methods for comparative case
        studies, JASA 105, sections 2 and 3.4; around the mean: Ferman and Pinto (2021),
        Quantitative Economics 12; the interval: Firpo and Possebom (2018), Journal of Causal
        Inference 6, section 4.

    Examples:
        >>> def region(i):
        ...     return [i + 0.1 * t + 0.05 * ((3 * i + 5 * t * t) % 7) for t in range(24)]
        >>> others = {f"r{i}": region(i) for i in range(20)}
        >>> moved = [y + (4.0 if t >= 20 else 0.0) for t, y in enumerate(region(8.5))]
        >>> found = synthetic_control(moved, others, 20)
        >>> round(found.effect, 1), round(found.p_value, 3)
        (4.0, 0.048)
    """
    y, others = _checked(outcome, donors, changed_at)
    if len(donors) < LEAST_DONORS:
        return NotEstimable(
            f"too few regions without the change: {len(donors)}, at least {LEAST_DONORS} are needed"
        )
    if changed_at < LEAST_PERIODS_BEFORE:
        return NotEstimable(
            f"too little history: {changed_at} periods before the change,"
            f" at least {LEAST_PERIODS_BEFORE} are needed"
        )
    if around_mean:
        y = y - y[:changed_at].mean()
        others = others - others[:, :changed_at].mean(axis=1, keepdims=True)
    weights = _fit(y[:changed_at], others[:, :changed_at])
    gaps = y - weights @ others
    before, after = _root_mean_square(gaps[:changed_at]), _root_mean_square(gaps[changed_at:])
    errors, ratios = _placebos(others, changed_at)
    median = float(np.median(errors))
    if not before > 0 or not (errors > 0).all():
        return NotEstimable("a region is fitted without any error before the change")
    if before > MOST_MISFIT * median:
        return NotEstimable(
            f"the fit before the change fails: its error is {before / median:.3g} times the median"
            f" of the regions without it, at most {MOST_MISFIT:g}"
        )
    ratio = after / before
    order = np.argsort(-weights, kind="stable")
    names = list(donors)
    by_ratio = np.argsort(-ratios, kind="stable")
    return SyntheticControl(
        effect=float(gaps[changed_at:].mean()),
        p_value=(1 + int((ratios >= ratio).sum())) / (len(donors) + 1),
        changed_at=changed_at,
        gaps=tuple(gaps.tolist()),
        weights={names[i]: float(weights[i]) for i in order if weights[i] > 1e-4},
        error_before=before,
        ratio=ratio,
        placebo_ratios={names[i]: float(ratios[i]) for i in by_ratio},
        median_error_before=median,
    )


def _checked(
    outcome: Sequence[float] | Floats, donors: Mapping[str, Sequence[float]], changed_at: int
) -> tuple[Floats, Floats]:
    y = np.asarray(outcome, dtype=np.float64)
    lengths = {len(one) for one in donors.values()} | {len(y)}
    if y.ndim != 1 or len(lengths) > 1:
        raise EstimationError(
            "the regions have different numbers of periods", expected=f"{len(y)} in each"
        )
    others = np.array([list(one) for one in donors.values()], dtype=np.float64)
    if not (np.isfinite(y).all() and np.isfinite(others).all()):
        raise EstimationError("an outcome is not finite", expected="a number in every period")
    if not 0 < changed_at < len(y):
        raise EstimationError(
            f"changed_at is {changed_at}",
            expected=f"a period with others before, 1 to {len(y) - 1}",
        )
    return y, others.reshape(len(donors), len(y))


def _fit(y: Floats, others: Floats) -> Floats:
    """Shares of the donors that fit best; of equals, the most even ones."""
    scale = max(float(np.abs(others).max()), float(np.abs(y).max()), 1e-300)
    n = len(others)
    # the sum of 1 as an equation that outweighs the others, and a ridge that breaks ties only
    rows = np.vstack([others.T / scale, np.full((1, n), 1e4), 1e-6 * np.eye(n)])
    target = np.concatenate([y / scale, [1e4], np.zeros(n)])
    weights, _ = optimize.nnls(rows, target, maxiter=30 * rows.shape[1])
    shares: Floats = weights / weights.sum()
    return shares


def _placebos(others: Floats, changed_at: int) -> tuple[Floats, Floats]:
    """Each donor's error before the change, and how much wider its gap is after it."""
    errors, ratios = np.empty(len(others)), np.empty(len(others))
    for index in range(len(others)):
        rest = np.delete(others, index, axis=0)
        gaps = others[index] - _fit(others[index, :changed_at], rest[:, :changed_at]) @ rest
        errors[index] = _root_mean_square(gaps[:changed_at])
        after = _root_mean_square(gaps[changed_at:])
        ratios[index] = after / errors[index] if errors[index] > 0 else math.inf
    return errors, ratios


def _root_mean_square(values: Floats) -> float:
    return math.sqrt(float(values @ values) / len(values))
