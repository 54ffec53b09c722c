"""A bound that holds at every moment at once: for looks past the planned horizon."""

from __future__ import annotations

import math

from ..errors import EstimationError


def sequence_bound(alpha: float, information: float, tuned_at: float) -> float:
    """The z that an estimate must pass, however often and for however long one looks.

    Args:
        alpha: One-sided, of all looks there will ever be. Probability, 0 to 0.5 (exclusive).
        information: Units that entered, or 1 / standard error squared. > 0.
        tuned_at: Information at which the bound is lowest, in the same unit, chosen before the
            first look. > 0.

    Returns:
        A critical value for estimate / standard error, > 0; least near `tuned_at`.

    Raises:
        EstimationError: A number is outside its range.

    Assumes:
        The estimate is asymptotically a mean of independent addends; the guarantee is asymptotic
        in the first look's size.

    Source:
        Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Time-uniform central limit theory
        and asymptotic confidence sequences, Annals of Statistics 52; arXiv:2103.06476v7, the
        one-sided form in appendix B (eq. 134) and its tuning at 2 alpha (eq. 161).

    Examples:
        >>> round(sequence_bound(0.001, 11_200, 11_200), 2)
        4.03
    """
    if not 0 < alpha < 0.5:
        raise EstimationError(f"alpha is {alpha}", expected="a probability above 0, below 0.5")
    for name, value in (("information", information), ("tuned_at", tuned_at)):
        if not value > 0 or math.isinf(value):
            raise EstimationError(f"{name} is {value}", expected="a finite number above 0")
    level = -2 * math.log(2 * alpha)
    scaled = (level + math.log1p(level)) / tuned_at * information
    # log1p: for a large alpha the term is small, and its digits would be lost
    reach = math.log1p(math.sqrt(scaled + 1) / (2 * alpha))
    return math.sqrt(2 * (scaled + 1) / scaled * reach)
