"""No hour exposed a crowd of units that were there for that hour only, all of one shape."""

from __future__ import annotations

from datetime import timedelta

from ..bursts import bursts
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, share
from ..passes.fleeting import exposed_hours, shapes

_COLUMNS = ("machine_share", "burst_share")
#: Hours of a planned release that its chance is spread over.
_HOURS = 28 * 24


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if subject.release.exposure is None:
        return NotApplicable("no event exposes its units")
    dates = subject.dates
    hours = exposed_hours(subject)
    units = sum(one.units for one in hours)
    if units < parameters["min_units"]:
        return NotApplicable(f"fewer than {count(int(parameters['min_units']), 'unit')} exposed")
    closed_at = dates.cutoff_at - timedelta(hours=parameters["closed_hours"])
    spanned = (dates.exposure_until - dates.shipped_at) / timedelta(hours=1)
    found = list(
        bursts(
            {one.hour_at: one.fleeting for one in hours},
            dates.shipped_at,
            dates.exposure_until,
            min(closed_at, dates.exposure_until),
            ratio=parameters["ratio"],
            alpha=parameters["budget"] / max(_HOURS, spanned),
        )
    )
    excess = sum(one.observed - one.expected for one in found)
    if not found:
        return Fact(
            dict.fromkeys(_COLUMNS, 0.0),
            "no hour with a crowd of units that came for that hour only",
            "as many units that come for an hour only as in the hours around",
            details={"hours": len(hours), "fleeting": sum(one.fleeting for one in hours)},
        )
    crowd, others = shapes(subject, [one.hour_at for one in found])
    alike = min(crowd.commonest / excess, 1.0)
    usually = others.commonest / others.units if others.units else 0.0
    is_machine = (
        alike >= parameters["alike_share"] and alike - usually >= parameters["alike_difference"]
    )
    worst = max(found, key=lambda one: one.observed)
    return Fact(
        {"machine_share": excess / units if is_machine else 0.0, "burst_share": excess / units},
        f"{worst.observed:,} units that came for an hour only were exposed in the hour"
        f" {worst.hour_at:%Y-%m-%d %H:%M}Z, {worst.expected:,.0f} usual"
        + (f" ({count(len(found), 'hour')} like it)" if len(found) > 1 else "")
        + f": {share(excess / units)} of all exposed; {share(alike)} of them sent as many events as"
        f" each other, {share(usually)} of such units at other hours",
        "at most {limit} of the exposed units from such hours",
        limit_as="share",
        details={"alike_share": alike, "usual_alike_share": usually, "excess": excess},
        sample=[
            {
                "hour": f"{one.hour_at.isoformat(timespec='minutes')}Z",
                "units": one.observed,
                "usual": round(one.expected, 1),
            }
            for one in found
        ],
    )


CHECK = Check("data", _COLUMNS, _find)
