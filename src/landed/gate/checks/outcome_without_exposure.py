"""Units with an arm's label and an outcome that were never exposed: their outcomes are lost."""

from __future__ import annotations

from typing import Any

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..outcomes import OutcomeRows, outcome_rows

_UNITS = """
with

outcomes as (

    {rows}

),

units_with_an_outcome as (

    select unit_id

    from outcomes

    where
        is_outcome
        and happened_at >= {start}
        and happened_at < $cutoff_at

    group by unit_id

),

assigned as (

    select unit_id

    from main.int_assigned_units

    where release = $release

    group by unit_id

),

exposed as (

    select unit_id

    from main.fct_exposures

    where release = $release

)

select
    count(*) as assigned_units,
    count(*) filter (where exposed.unit_id is null) as never_exposed

from units_with_an_outcome

inner join assigned
    on units_with_an_outcome.unit_id = assigned.unit_id

left join exposed
    on assigned.unit_id = exposed.unit_id
"""


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if not subject.release.has_concurrent_control:
        return NotApplicable("no event of the release carries an arm's label")
    worst: dict[str, Any] | None = None
    by_metric = {}
    for role in subject.release.with_role("success"):
        metric = subject.catalog.metric(role.metric)
        units, never = _count(subject, outcome_rows(subject.catalog, metric)[0])
        rate = never / units if units and never >= parameters["min_units"] else 0.0
        found = {"metric": role.metric, "units": units, "never_exposed": never, "share": rate}
        by_metric[role.metric] = found
        if worst is None or (rate, never) > (worst["share"], worst["never_exposed"]):
            worst = found
    if worst is None:
        return NotApplicable("the release names no success metric")
    return Fact(
        {"never_exposed_share": worst["share"]},
        f"{worst['metric']}: {worst['never_exposed']:,} of {worst['units']:,} units "
        "with an outcome were never exposed",
        "at most {limit} of the units with an outcome and an arm's label never exposed"
        f" (fewer than {parameters['min_units']:g} units do not count)",
        limit_as="share",
        details={"by_metric": by_metric, "share_text": share(worst["share"])},
    )


def _count(subject: Subject, rows: OutcomeRows) -> tuple[int, int]:
    start = "date_trunc('day', $shipped_at)" if rows.by_day else "$shipped_at"
    found = subject.engine.one(
        _UNITS.format(rows=rows.select(), start=start),
        {
            "release": subject.release.release,
            "shipped_at": subject.dates.shipped_at,
            "cutoff_at": subject.dates.cutoff_at,
        },
    )
    return (int(found[0]), int(found[1])) if found else (0, 0)


CHECK = Check("data", ("never_exposed_share",), _find)
