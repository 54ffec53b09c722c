"""Sums of products of several values of the same units: variances, covariances, third moments."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import EstimationError


@dataclass(frozen=True, slots=True)
class JointSums:
    """Sums over units of products of deviations, by the letters of the values. Additive by `+`.

    `sums["xy"]` is the sum of (x - shifts["x"]) times (y - shifts["y"]). A product is there only
    with all products of fewer of its letters.

    Args:
        n: Units. Count, >= 0.
        shifts: What was taken from each value, by its letter.
        sums: Sum of each product, by its letters in the order of the alphabet.

    Raises:
        EstimationError: A number is not finite, or a product lacks one of fewer letters.

    Examples:
        >>> found = JointSums(3, {"x": 2.0}, {"x": 0.0, "xx": 2.0})
        >>> found.centred("xx") / (found.n - 1)
        1.0
    """

    n: int
    shifts: Mapping[str, float]
    sums: Mapping[str, float]

    def __post_init__(self) -> None:
        if self.n < 0:
            raise EstimationError(f"n is {self.n}", expected="a count of at least 0")
        for name, value in (*self.shifts.items(), *self.sums.items()):
            if not math.isfinite(value):
                raise EstimationError(f"the sum of {name} is {value}", expected="a finite number")
        for letters in self.sums:
            for fewer in _subsets(letters):
                if fewer not in self.sums:
                    raise EstimationError(
                        f"the sum of {letters} is there without that of {fewer}",
                        expected="all products of fewer letters",
                    )

    @classmethod
    def of(cls, values: Mapping[str, Sequence[float] | npt.NDArray[Any]]) -> JointSums:
        """Sum up values and their products of two, for callers that hold them in memory.

        Args:
            values: Values of the same units, by letter. Each (n,), n >= 1.

        Raises:
            EstimationError: A value is not finite, or the lengths differ.

        Examples:
            >>> JointSums.of({"x": [1.0, 2.0, 3.0], "y": [2.0, 2.0, 5.0]}).centred("xy")
            3.0
        """
        arrays = {letter: np.asarray(one, dtype=np.float64) for letter, one in values.items()}
        if len({array.shape for array in arrays.values()}) > 1:
            lengths = ", ".join(f"{letter} {array.size}" for letter, array in arrays.items())
            raise EstimationError(f"values by letter: {lengths}", expected="as many of each")
        for letter, array in arrays.items():
            if not np.isfinite(array).all():
                raise EstimationError(f"a value of {letter} is not finite", expected="numbers")
        count = next(iter(arrays.values())).size
        shifts = {letter: float(array.mean()) for letter, array in arrays.items()}
        near = {letter: array - shifts[letter] for letter, array in arrays.items()}
        sums = {letter: math.fsum(array) for letter, array in near.items()}
        for pair in itertools.combinations_with_replacement(sorted(near), 2):
            sums["".join(pair)] = math.fsum(near[pair[0]] * near[pair[1]])
        return cls(count, shifts, sums)

    def about(self, shifts: Mapping[str, float]) -> JointSums:
        """The same units with other shifts, by the letters of this one's."""
        by = {letter: self.shifts[letter] - shift for letter, shift in shifts.items()}
        moved = {letters: self._moved(letters, by) for letters in self.sums}
        return JointSums(self.n, dict(shifts), moved)

    def __add__(self, other: JointSums) -> JointSums:
        if self.sums.keys() != other.sums.keys():
            raise EstimationError(
                "sums of different products are added", expected="sums of the same metric"
            )
        near = other if other.shifts == self.shifts else other.about(self.shifts)
        sums = {letters: value + near.sums[letters] for letters, value in self.sums.items()}
        return JointSums(self.n + other.n, self.shifts, sums)

    def mean(self, letter: str) -> float:
        """Mean of a value. n >= 1 is the caller's to ensure."""
        return self.shifts[letter] + self.sums[letter] / self.n

    def centred(self, letters: str) -> float:
        """Sum of products about the means. n >= 1 is the caller's to ensure."""
        if len(letters) == 2:  # most there are, and much quicker than all terms
            a, b = sorted(letters)
            return self.sums[a + b] - self.sums[a] / self.n * self.sums[b]
        if len(letters) == 3:
            a, b, c = sorted(letters)
            sums, n = self.sums, self.n
            of_a, of_b, of_c = sums[a] / n, sums[b] / n, sums[c] / n
            return math.fsum(
                (
                    sums[a + b + c],
                    -of_a * sums[b + c],
                    -of_b * sums[a + c],
                    -of_c * sums[a + b],
                    2 * of_a * of_b * sums[c],
                )
            )
        name = "".join(sorted(letters))
        return self._moved(name, {one: -self.sums[one] / self.n for one in set(name)})

    def _moved(self, letters: str, by: Mapping[str, float]) -> float:
        # the product of (deviation + by) multiplied out: each letter gives one or the other
        terms = []
        for kept in itertools.product((True, False), repeat=len(letters)):
            left = "".join(one for one, is_kept in zip(letters, kept, strict=True) if is_kept)
            moved = [by[one] for one, is_kept in zip(letters, kept, strict=True) if not is_kept]
            terms.append((self.sums[left] if left else self.n) * math.prod(moved))
        return math.fsum(terms)


@functools.cache
def _subsets(letters: str) -> frozenset[str]:
    """Letters with one or more of them left out, and at least one kept."""
    return frozenset(
        "".join(kept)
        for size in range(1, len(letters))
        for kept in itertools.combinations(letters, size)
    )
