"""Exact tests of small counts."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import special

from ..errors import EstimationError


@dataclass(frozen=True, slots=True)
class FisherExact:
    """Two counts out of two totals, and how surprising their difference is.

    Args:
        p_value: Two-sided, given all margins. 0 to 1.
        share_control: Events of control. Share.
        share_treatment: Events of treatment. Share.
    """

    p_value: float
    share_control: float
    share_treatment: float


def fisher_exact(
    events_control: int, n_control: int, events_treatment: int, n_treatment: int
) -> FisherExact:
    """Test whether two shares differ, however few events there are (missing outcomes by variant).

    Args:
        events_control: Units of control with the event. Count, 0 to n_control.
        n_control: Units of control. Count, >= 1.
        events_treatment: Units of treatment with the event. Count, 0 to n_treatment.
        n_treatment: Units of treatment. Count, >= 1.

    Returns:
        The two-sided p-value (0 to 1) and both shares.

    Raises:
        EstimationError: A count is outside its range.

    Assumes:
        Units are independent. With all margins fixed the test is conservative.

    Source:
        Fisher (1935), The logic of inductive inference, JRSS 98; two-sided by summing the tables
        no likelier than the observed one.

    Examples:
        >>> round(fisher_exact(7, 1586, 0, 1645).p_value, 4)
        0.0068
    """
    for name, events, n in (
        ("control", events_control, n_control),
        ("treatment", events_treatment, n_treatment),
    ):
        if n < 1 or not 0 <= events <= n:
            raise EstimationError(
                f"{name} has {events} events of {n} units", expected="0 to n events, n at least 1"
            )
    from scipy.stats import fisher_exact as exact  # half a second to import, needed here only

    table = [
        [events_control, n_control - events_control],
        [events_treatment, n_treatment - events_treatment],
    ]
    p_value = float(exact(table, alternative="two-sided").pvalue)
    # 1.0 + rounding can come out of the summation
    return FisherExact(
        min(p_value, 1.0), events_control / n_control, events_treatment / n_treatment
    )


def binomial_tail(events: int, n: int, share: float) -> float:
    """Chance of so many events or more (units in several variants), if each comes with a share.

    Args:
        events: Units with the event. Count, 0 to n.
        n: Units. Count, >= 1.
        share: Of units that have it by chance. 0 to 1.

    Returns:
        One-sided. 0 to 1.

    Raises:
        EstimationError: A count or the share is outside its range.

    Assumes:
        Units are independent.

    Source:
        Clopper and Pearson (1934), The use of confidence or fiducial limits, Biometrika 26.

    Examples:
        >>> round(binomial_tail(3, 20, 0.01), 6)
        0.001004
    """
    if n < 1 or not 0 <= events <= n or not 0 <= share <= 1:
        raise EstimationError(
            f"{events} events of {n} units at a share of {share}",
            expected="0 to n events, n at least 1, a share from 0 to 1",
        )
    return float(special.bdtrc(events - 1, n, share)) if events else 1.0
