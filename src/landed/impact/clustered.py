"""Two rows of moments compared by cluster: what was assigned as a whole counts once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..stats import (
    Difference,
    Moments,
    NotEstimable,
    design_effect,
    difference_of_clusters,
    intracluster_correlation,
)
from ..stats.proportions import LEAST_EVENTS

Row = Mapping[str, Any]

#: Why a method that knows units only gives no interval.
BY_UNIT_ONLY = "is not estimated where clusters were assigned: its interval would count units"


@dataclass(frozen=True, slots=True)
class Clustered:
    """The clusters behind a comparison.

    Args:
        n_control: Clusters of control with a unit that entered. Count.
        n_treatment: The same of treatment.
        design_effect: Variance by cluster as a multiple of that of independent units; None where
            it cannot be told.
        intracluster_correlation: Of two units of one cluster. -1 to 1; None likewise.
    """

    n_control: int
    n_treatment: int
    design_effect: float | None
    intracluster_correlation: float | None


def compare_clusters(
    form: str, control: Row, treatment: Row, confidence_level: float
) -> Difference | NotEstimable:
    """Compare two variants by the sums of their clusters.

    Args:
        form: mean, unit_mean, proportion or ratio.
        control: Control's row, with `CLUSTER_COLUMNS`.
        treatment: Treatment's row.
        confidence_level: Of the two-sided interval. Share.

    Returns:
        As `difference_of_clusters`. A proportion needs 5 events and non-events an arm here too.
    """
    if form == "proportion":
        for name, row in (("control", control), ("treatment", treatment)):
            events = float(row["nonzero"])
            for kind, count in (("events", events), ("non-events", int(row["n"]) - events)):
                if count < LEAST_EVENTS:
                    why = f"{name} has {count:.0f} {kind}, at least {LEAST_EVENTS} are needed"
                    return NotEstimable(why, True)
    centre = 0.0 if form == "ratio" else float(control["shift_y"] or 0.0)
    found = difference_of_clusters(
        _moments(form, control), _moments(form, treatment), confidence_level, centre=centre
    )
    if isinstance(found, NotEstimable) and found.reason.endswith("are needed"):
        return NotEstimable(
            f"{found.reason}: assign more clusters, or assign each unit on its own",
            found.resolves_with_more_units,
        )
    return found


def clusters_behind(
    control: Row | None,
    treatment: Row | None,
    found: Difference | NotEstimable,
    of_units: Difference | NotEstimable | None,
) -> Clustered | None:
    """Count the clusters, and say what counting units instead would have missed.

    Args:
        control: Control's row.
        treatment: Treatment's row.
        found: The comparison by cluster.
        of_units: The same with units taken as independent.

    Returns:
        None where no clusters were assigned.
    """
    if control is None or treatment is None or control.get("clusters") is None:
        return None
    effect = correlation = None
    if isinstance(found, Difference) and isinstance(of_units, Difference):
        effect = design_effect(found, of_units)
        units = int(control["n"]) + int(treatment["n"])
        squares = float(control["cluster_nn"]) + float(treatment["cluster_nn"])
        correlation = intracluster_correlation(effect, squares / units)
    return Clustered(int(control["clusters"]), int(treatment["clusters"]), effect, correlation)


def _moments(form: str, row: Row) -> Moments:
    """Moments over clusters: y and d are a cluster's sums."""
    n = int(row["n"])
    if form == "ratio":
        y, d = float(row["sum_y"]), float(row["sum_d"])
    else:
        y, d = float(row["sum_y"]) - n * float(row["shift_y"] or 0.0), float(n)
    return Moments(
        int(row["clusters"]),
        y,
        float(row["cluster_yy"]),
        d,
        float(row["cluster_dd"]),
        float(row["cluster_yd"]),
    )
