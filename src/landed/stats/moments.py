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


@dataclass(frozen=True, slots=True)
class Moments:
    """Counts and raw sums of one metric in one variant, one addend a unit. Additive by `+`.

    Args:
        n: Units that entered. Count, >= 0.
        sum_y: Sum of the units' values (of the numerators, for a ratio). The metric's unit.
        sum_yy: Sum of their squares.
        sum_d: Sum of the units' denominators; None where the metric is no ratio.
        sum_dd: Sum of their squares; None likewise.
        sum_yd: Sum of numerator times denominator; None likewise.

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

    def __post_init__(self) -> None:
        d_sums = (self.sum_d, self.sum_dd, self.sum_yd)
        if self.n < 0:
            raise EstimationError(f"n is {self.n}", expected="a count of at least 0")
        for name, value in zip(
            ("sum_y", "sum_yy", "sum_d", "sum_dd", "sum_yd"),
            (self.sum_y, self.sum_yy, *d_sums),
            strict=True,
        ):
            if value is not None and not math.isfinite(value):
                raise EstimationError(f"{name} is {value}", expected="a finite number")
        if len({value is None for value in d_sums}) > 1:
            raise EstimationError(
                f"sum_d, sum_dd, sum_yd are {d_sums}", expected="all three, or none of them"
            )
        _refuse_impossible(self.n, self.sum_y, self.sum_yy, "y")
        if self.sum_d is not None and self.sum_dd is not None:
            _refuse_impossible(self.n, self.sum_d, self.sum_dd, "d")

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
            >>> Moments.of([1.0, 2.0, 3.0])
            Moments(n=3, sum_y=6.0, sum_yy=14.0, sum_d=None, sum_dd=None, sum_yd=None)
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
        return Moments(
            self.n + other.n,
            self.sum_y + other.sum_y,
            self.sum_yy + other.sum_yy,
            _add(self.sum_d, other.sum_d),
            _add(self.sum_dd, other.sum_dd),
            _add(self.sum_yd, other.sum_yd),
        )

    def mean(self) -> float:
        """Mean of y over units. The metric's unit. n >= 1 is the caller's to ensure."""
        return self.sum_y / self.n

    def variance(self) -> float:
        """Sample variance of y (divisor n - 1); 0.0 where the sums cannot show any.

        n >= 2 is the caller's to ensure.
        """
        return centred(self.n, self.sum_y, self.sum_y, self.sum_yy, self.sum_yy) / (self.n - 1)


def centred(n: int, sum_a: float, sum_b: float, sum_ab: float, scale: float) -> float:
    """Centred sum of products, sum (a - mean a)(b - mean b); 0.0 below the digits that are left.

    Args:
        n: Units. Count, >= 1.
        sum_a: Sum of a.
        sum_b: Sum of b.
        sum_ab: Sum of a times b.
        scale: Size of the raw sums that cancel; decides what is rounding.
    """
    value = sum_ab - sum_a / n * sum_b
    return value if abs(value) > LOST_DIGITS_SHARE * scale else 0.0


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


def _refuse_impossible(n: int, total: float, squares: float, name: str) -> None:
    # Cauchy-Schwarz, with room for the rounding of sums: (sum y)^2 <= n * sum y^2
    if squares < 0 or total / max(n, 1) * total > squares * (1 + 1e-9):
        raise EstimationError(
            f"sum_{name} is {total} and sum_{name}{name} is {squares} over {n} units",
            expected="squares at least as large as their sums imply",
        )
