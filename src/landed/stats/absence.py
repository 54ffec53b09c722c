"""How surprising it is to see nothing: an event absent in one arm, or for days on end."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import EstimationError


def absence_p_value(senders_elsewhere: int, n_elsewhere: int, n_here: int) -> float:
    """Chance that none of the units that sent an event falls into one arm.

    Args:
        senders_elsewhere: Units of the other arms that sent it. Count, 0 to n_elsewhere.
        n_elsewhere: Units of the other arms. Count.
        n_here: Units of the arm that sent nothing. Count.

    Returns:
        One-sided, given how many units sent it at all. 0 to 1.

    Raises:
        EstimationError: A count is outside its range.

    Assumes:
        Units send the event as often in each arm, and independently.

    Source:
        Fisher (1935), The logic of inductive inference, JRSS 98: the hypergeometric chance of the
        most extreme table.

    Examples:
        >>> round(absence_p_value(20, 1000, 1000) * 1e6, 2)
        0.87
    """
    if not 0 <= senders_elsewhere <= n_elsewhere or n_here < 0:
        raise EstimationError(
            f"{senders_elsewhere} of {n_elsewhere} units sent it, none of {n_here}",
            expected="0 to n senders",
        )
    log_p = _log_choose(n_elsewhere, senders_elsewhere)
    log_p -= _log_choose(n_elsewhere + n_here, senders_elsewhere)
    return min(math.exp(log_p), 1.0)


def silence_p_value(
    expected: Sequence[float], counts: Sequence[float], expected_before: Sequence[float]
) -> float:
    """Chance of days without a single event, by what the days before showed.

    Args:
        expected: Events expected on each silent day. Count, >= 0; (k,).
        counts: Events seen on each day before. Count; (n,).
        expected_before: Events expected on those days. Count; (n,).

    Returns:
        Probability of zero on every silent day. 0 to 1.

    Assumes:
        Days are independent negative binomials about what is expected; their common spread is
        that of the days before, taken high: by moments, two standard errors (about sqrt(2/n) of
        it) up, and 2/n more, for n days cannot show that they do not spread at all.

    Source:
        Lawless (1987), Negative binomial and mixed Poisson regression, Canadian Journal of
        Statistics 15: P(0) = (1 + a m)^(-1/a), a by moments.

    Examples:
        >>> round(silence_p_value([3.0], [3, 3, 3], [3, 3, 3]), 4)
        0.1925
    """
    squares = sum(mean**2 for mean in expected_before)
    excess = sum(
        (count - mean) ** 2 - mean for count, mean in zip(counts, expected_before, strict=True)
    )
    n = len(counts)
    if not n:
        return 1.0
    found = max(excess / squares, 0.0) if squares > 0 else 0.0
    spread = found * (1 + 2 * math.sqrt(2 / n)) + 2 / n
    return math.exp(-sum(math.log1p(spread * mean) for mean in expected) / spread)


def part_silence_p_value(
    expected: float, counts: Sequence[float], expected_before: Sequence[float], fitted: int = 1
) -> float:
    """Chance of no event in a part of the traffic, by what whole days of all of it showed.

    Args:
        expected: Events expected of the part. Count, >= 0.
        counts: Events seen on each day before, in all traffic. Count; (n,).
        expected_before: Events expected on those days. Count; (n,).
        fitted: Numbers that what was expected on those days was fitted with. Count, >= 1.

    Returns:
        Probability of none. 0 to 1; 1 where the days are too few to tell.

    Assumes:
        Events come in bouts: a part of the traffic has a part of the bouts, not of each of them.
        Their size is at most the dispersion of the days, variance over mean, which bouts of k
        events make k or more; it is taken two standard errors (about sqrt(2/n) of it) high.

    Source:
        Wedderburn (1974), Quasi-likelihood functions, Biometrika 61: dispersion by Pearson's
        statistic. Of a compound Poisson count with mean m and bouts of mean size k, P(0) =
        exp(-m/k).

    Examples:
        >>> round(part_silence_p_value(3.0, [8, 12, 10] * 9, [10] * 27), 4)
        0.1452
        >>> round(part_silence_p_value(3.0, [0, 0, 30] * 9, [10] * 27), 4)
        0.9113
    """
    known = [(count, mean) for count, mean in zip(counts, expected_before, strict=True) if mean > 0]
    degrees = len(known) - fitted
    if degrees < 1:
        return 1.0
    dispersion = sum((count - mean) ** 2 / mean for count, mean in known) / degrees
    bout = max(dispersion, 1.0) * (1 + 2 * math.sqrt(2 / degrees))
    return math.exp(-expected / bout)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
