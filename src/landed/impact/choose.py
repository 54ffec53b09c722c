"""Which statistic a metric's form takes. A new statistic is one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import EstimationError
from ..stats import (
    Difference,
    Moments,
    NotEstimable,
    ratio_of_sums,
    two_proportions,
    welch,
)

Statistic = Callable[[Moments, Moments, float], Difference | NotEstimable]

STATISTICS: Mapping[str, Statistic] = {
    "mean": welch,
    "unit_mean": welch,
    "proportion": two_proportions,
    "ratio": ratio_of_sums,
}


def statistic_for(form: str) -> tuple[str, Statistic]:
    """Name and function of the statistic for a form of unit outcome.

    Args:
        form: mean, unit_mean, proportion or ratio.

    Raises:
        EstimationError: No statistic is known for the form.
    """
    found = STATISTICS.get(form)
    if found is None:
        raise EstimationError(
            f"the form of unit outcome is `{form}`", expected=f"one of {', '.join(STATISTICS)}"
        )
    return getattr(found, "__name__", form), found
