"""Units, and where they were assigned clusters, that met more than one variant."""

from __future__ import annotations

from collections.abc import Sequence

from ..facts import Check, ExposedCell, Fact, NotApplicable, Parameters, Subject, share


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    if len(subject.release.variants) < 2:
        return NotApplicable("the release has one variant")
    crossed, total, rate = _crossed(subject.exposed)
    observed = f"{crossed:,} of {total:,} exposed units met more than one variant ({share(rate)})"
    details = {"crossovers": crossed, "exposed": total}
    what = "exposed units"
    if subject.release.cluster is not None:
        crossed, total, of_clusters = _crossed(subject.assigned)
        observed += f", {crossed:,} of {total:,} clusters hold units of more ({share(of_clusters)})"
        details |= {"crossover_clusters": crossed, "exposed_clusters": total}
        rate, what = max(rate, of_clusters), "exposed units, and of clusters,"
    return Fact(
        {"crossover_share": rate},
        observed,
        f"less than {{limit}} of {what} in more than one variant",
        limit_as="share",
        details=details,
    )


def _crossed(cells: Sequence[ExposedCell]) -> tuple[int, int, float]:
    """How many crossed over, of how many, and their share."""
    crossed = sum(cell.crossovers for cell in cells)
    total = crossed + sum(cell.units for cell in cells)
    return crossed, total, crossed / total if total else 0.0


CHECK = Check("data", ("crossover_share",), _find)
