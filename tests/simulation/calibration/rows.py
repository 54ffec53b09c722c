"""One line of a calibration table."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What a simulation found in one cell, beside what was promised.

    Args:
        claim: What is counted.
        cell: The process and the design it was counted in.
        draws: Releases drawn. Count.
        found: Share of the draws; of a bias: in standard errors.
        lower: Least that was promised; None where nothing was.
        upper: Most that was promised.
        is_losing: Whether the cell is shown because the method does badly in it.
        error: Monte Carlo standard error of `found`; None: that of a share of the draws.
    """

    claim: str
    cell: str
    draws: int
    found: float
    lower: float | None = None
    upper: float | None = None
    is_losing: bool = False
    error: float | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the promise holds on these draws; True where nothing was promised."""
        return (self.lower is None or self.found >= self.lower) and (
            self.upper is None or self.found <= self.upper
        )

    @property
    def is_near(self) -> bool:
        """Whether it holds within three Monte Carlo standard errors of its nearer end."""
        return all(
            end is None or sign * (self.found - end) >= -3 * self._error(end)
            for end, sign in ((self.lower, 1), (self.upper, -1))
        )

    def _error(self, end: float) -> float:
        return math.sqrt(end * (1 - end) / self.draws) if self.error is None else self.error
