"""Units that met more than one variant."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    if len(subject.release.variants) < 2:
        return NotApplicable("the release has one variant")
    crossed = sum(cell.crossovers for cell in subject.exposed)
    total = crossed + sum(cell.units for cell in subject.exposed)
    rate = crossed / total if total else 0.0
    return Fact(
        {"crossover_share": rate},
        f"{crossed:,} of {total:,} exposed units met more than one variant ({share(rate)})",
        "less than {limit} of exposed units in more than one variant",
        limit_as="share",
        details={"crossovers": crossed, "exposed": total},
    )


CHECK = Check("data", ("crossover_share",), _find)
