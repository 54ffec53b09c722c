"""Moments: the only thing statistics ever see of a metric and a variant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import EstimationError

# Centred sums come from raw ones by subtraction, so digits cancel. Below this share of the raw
# sum nothing trustworthy is left: adding a million doubles rounds at about 1e-13 of the sum, so
# at 1e-10 a variance is still right to about 0.1 %; at 1e-12 it would be right to 10 % only.
LOST_DIGITS_SHARE = 1e-10
# Equal values that were added up in another order differ by their last digits: deviations from a
# shift that are smaller than this share of it are no spread.
LAST_DIGIT_SHARE = 1e-15


@dataclass(frozen=True, slots=True)
class Moments:
    """Counts and sums of one metric in one variant, one addend a unit. Additive by `+`.

    Products are of deviations from a constant, the shift: near the values it keeps the digits of
    the variance that raw squares lose. Any constant gives the same estimates.

    Args:
        n: Units that entered. Count, >= 0.
        sum_y: Sum of the units' values (of the numerators, for a ratio). The metric's unit.
        sum_yy: Sum of the squares of y - shift_y.
        sum_d: Sum of the units' denominators; None where the metric is no ratio.
        sum_dd: Sum of the squares of d - shift_d; None likewise.
        sum_yd: Sum of (y - shift_y) times (d - shift_d); None likewise.
        shift_y: What was taken from each y. The metric's unit.
        shift_d: What was taken from each d.

    Raises:
        EstimationError: A number is negative where it cannot be, not finite, or the squares
            are smaller than their sums allow; or only some of the three d sums are there.
    """

    n: int
    sum_y: float
    sum_yy: float
    sum_d: float | None = None
    sum_dd: float | None = None
    sum_yd: float | None = None
    shift_y: float = 0.0
    shift_d: float = 0.0

    def __post_init__(self) -> None:
        d_sums = (self.sum_d, self.sum_dd, self.sum_yd)
        if self.n < 0:
            raise EstimationError(f"n is {self.n}", expected="a count of at least 0")
        for name, value in zip(
            ("sum_y", "sum_yy", "sum_d", "sum_dd", "sum_yd", "shift_y", "shift_d"),
            (self.sum_y, self.sum_yy, *d_sums, self.shift_y, self.shift_d),
            strict=True,
        ):
            if value is not None and not math.isfinite(value):
                raise EstimationError(f"{name} is {value}", expected="a finite number")
        if len({value is None for value in d_sums}) > 1:
            raise EstimationError(
                f"sum_d, sum_dd, sum_yd are {d_sums}", expected="all three, or none of them"
            )
        _refuse_impossible(self.n, self.deviation("y"), self.sum_yy, "y")
        if self.sum_dd is not None:
            _refuse_impossible(self.n, self.deviation("d"), self.sum_dd, "d")

    @classmethod
    def of(
        cls,
        y: Sequence[float] | npt.NDArray[Any],
        d: Sequence[float] | npt.NDArray[Any] | None = None,
    ) -> Moments:
        """Sum up values, for callers that hold them in memory.

        Args:
            y: Values (or numerators) of the units. The metric's unit; (n,).
            d: Denominators. (n,); None where the metric is no ratio.

        Raises:
            EstimationError: A value is not finite, or the lengths differ.

        Examples:
            >>> found = Moments.of([1.0, 2.0, 3.0])
            >>> found.n, found.sum_y, found.sum_yy
            (3, 6.0, 14.0)
        """
        values = _finite(y, "y")
        if d is None:
            return cls(len(values), _sum(values), _sum(values, values))
        denominators = _finite(d, "d")
        if values.shape != denominators.shape:
            raise EstimationError(
                f"y has {values.size} values and d has {denominators.size}",
                expected="one denominator a numerator",
            )
        return cls(
            len(values),
            _sum(values),
            _sum(values, values),
            _sum(denominators),
            _sum(denominators, denominators),
            _sum(values, denominators),
        )

    @property
    def is_ratio(self) -> bool:
        """Whether the units carry a denominator."""
        return self.sum_d is not None

    def __add__(self, other: Moments) -> Moments:
        if self.is_ratio != other.is_ratio:
            raise EstimationError(
                "moments with and without denominators are added",
                expected="moments of the same metric",
            )
        near = other.about(self.shift_y, self.shift_d)
        return Moments(
            self.n + near.n,
            self.sum_y + near.sum_y,
            self.sum_yy + near.sum_yy,
            _add(self.sum_d, near.sum_d),
            _add(self.sum_dd, near.sum_dd),
            _add(self.sum_yd, near.sum_yd),
            self.shift_y,
            self.shift_d,
        )

    def about(self, shift_y: float, shift_d: float = 0.0) -> Moments:
        """The same units with other shifts. The metric's unit."""
        by_y, by_d = self.shift_y - shift_y, self.shift_d - shift_d
        y, d = self.deviation("y"), self.deviation("d")
        dd, yd = self.sum_dd, self.sum_yd
        return Moments(
            self.n,
            self.sum_y,
            _moved(self.n, y, y, self.sum_yy, by_a=by_y, by_b=by_y),
            self.sum_d,
            None if dd is None else _moved(self.n, d, d, dd, by_a=by_d, by_b=by_d),
            None if yd is None else _moved(self.n, y, d, yd, by_a=by_y, by_b=by_d),
            shift_y,
            shift_d,
        )

    def deviation(self, letter: str) -> float:
        """Sum of y - shift_y, or of d - shift_d."""
        if letter == "y":
            return self.sum_y - self.n * self.shift_y
        if self.sum_d is None:
            return 0.0
        return self.sum_d - self.n * self.shift_d

    def centred_sums(self) -> tuple[float, float, float]:
        """Sums of squares of y and of d and of their products, about the means; 0.0 without d.

        n >= 1 is the caller's to ensure.
        """
        y, d = self.deviation("y"), self.deviation("d")
        return (
            self.sum_yy - y / self.n * y,
            (self.sum_dd or 0.0) - d / self.n * d,
            (self.sum_yd or 0.0) - y / self.n * d,
        )

    def spread(self, letter: str) -> float:
        """Sum of squares of y or d about its mean; 0.0 where no digits of it are left."""
        of_y, of_d, _ = self.centred_sums()
        if letter == "y":
            value, scale, shift = of_y, self.sum_yy, self.shift_y
        else:
            value, scale, shift = of_d, self.sum_dd or 0.0, self.shift_d
        rounding = self.n * (LAST_DIGIT_SHARE * shift) ** 2
        return value if abs(value) > max(LOST_DIGITS_SHARE * scale, rounding) else 0.0

    def mean(self) -> float:
        """Mean of y over units. The metric's unit. n >= 1 is the caller's to ensure."""
        return self.sum_y / self.n

    def variance(self) -> float:
        """Sample variance of y (divisor n - 1); 0.0 where the sums cannot show any.

        n >= 2 is the caller's to ensure.
        """
        return self.spread("y") / (self.n - 1)


def _finite(values: Sequence[float] | npt.NDArray[Any], name: str) -> npt.NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise EstimationError(f"a value of {name} is not finite", expected="finite numbers")
    return array


def _sum(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64] | None = None) -> float:
    with np.errstate(over="ignore"):
        products = a if b is None else a * b
    try:
        return math.fsum(products)
    except (OverflowError, ValueError):  # beyond doubles, or infinity less infinity
        return math.inf  # refused with its name by the constructor


def _add(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right


def _moved(n: int, a: float, b: float, product: float, *, by_a: float, by_b: float) -> float:
    """A sum of products of deviations after shifts moved: (a + by_a)(b + by_b) over n units."""
    return product + by_b * a + by_a * b + n * by_a * by_b


def _refuse_impossible(n: int, total: float, squares: float, name: str) -> None:
    # Cauchy-Schwarz, with room for the rounding of sums: (sum y)^2 <= n * sum y^2
    if squares < 0 or total / max(n, 1) * total > squares * (1 + 1e-9):
        raise EstimationError(
            f"sum_{name} is {total} and sum_{name}{name} is {squares} over {n} units",
            expected="squares at least as large as their sums imply",
        )
