"""The data reach as far as the release needs, or as far as they can by now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ...errors import PlanError, WarehouseError
from ...warehouse import without_zone
from ..facts import Check, Fact, NotApplicable, Parameters, Subject

# A source is whole until `complete_through`, where it declares that. Of any other the day of its
# latest event may still grow: it is whole until that day begins, though it reaches further.
_SOURCES = """
with

latest as (

    select
        source,
        max(occurred_at) as latest_at

    from lake.events

    group by source

)

select
    latest.source,
    greatest(latest.latest_at, coalesce(sources.complete_through, latest.latest_at)) as reaches_to,
    greatest(
        date_trunc('day', latest.latest_at),
        coalesce(sources.complete_through, date_trunc('day', latest.latest_at))
    ) as whole_until

from latest

left join lake.sources as sources
    on latest.source = sources.source

order by latest.source
"""

# The latest event by the same hour of the week, in each of the weeks before.
_BY_THEN = """
select
    weeks.back,
    max(hours.last_at) as latest_at

from main.int_event_hours as hours

inner join range(1, $weeks::bigint + 1) as weeks(back)
    on hours.last_at <= $required_at - to_days(7 * weeks.back::integer)

where
    hours.source = $source
    and hours.event_on >= cast($required_at as date) - 7 * ($weeks::integer + 1)

group by weeks.back
"""
_WEEKS = 4
#: A source that was silent for less by then, in the weeks before, does not rest.
_LEAST_REST = timedelta(hours=12)
#: How much earlier than in other weeks a rest may begin.
_EARLIER = timedelta(hours=6)


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if subject.as_of is None:
        raise PlanError("freshness is judged without an instant", expected="as_of")
    sources: list[tuple[str, datetime, datetime]] = [
        (source, reaches_to, whole_until)
        for source, reaches_to, whole_until in subject.engine.rows(_SOURCES)
    ]
    if not sources:
        raise WarehouseError("there is no event at all", fix="ingest the project's sources.")
    as_of, due = without_zone(subject.as_of), subject.dates.decides_at
    ages = {source: _age(parameters.of(source)) for source, _, _ in sources}
    needs_whole_days = due is not None and as_of >= due + max(ages.values())
    required = {
        source: due
        if due is not None and needs_whole_days
        else min(as_of - ages[source], due or as_of)
        for source in ages
    }
    reached = {
        source: whole_until if needs_whole_days else reaches_to
        for source, reaches_to, whole_until in sources
    }
    rests = {
        source: _rest(subject, source, required[source])
        for source, reaches_to in reached.items()
        if reaches_to < required[source] and not needs_whole_days
    }
    required |= {source: required[source] - rest for source, rest in rests.items()}
    last = min(reached, key=lambda source: (reached[source] - required[source], source))
    behind = max(0.0, (required[last] - reached[last]) / timedelta(hours=1))
    expected = (
        f"every source whole until the verdict is due, {_text(required[last])}"
        if needs_whole_days
        else f"every source at most {ages[last] / timedelta(hours=1):g} hours old"
    )
    state = "whole until" if needs_whole_days else "reaches to"
    observed = f"source `{last}` {state} {_text(reached[last])}"
    if behind:
        observed += f", {behind:,.1f} hours short of {_text(required[last])}"
    elif rests.get(last):
        observed += " and rests since, as in other weeks"
    return Fact(
        {"uncovered_hours": behind},
        observed,
        expected,
        details={
            "required": {source: _text(instant) for source, instant in required.items()},
            "reached": {source: _text(instant) for source, instant in reached.items()},
        },
    )


def _rest(subject: Subject, source: str, required_at: datetime) -> timedelta:
    """How long a source is silent by that hour of the week, as people are who do not work then.

    As long as in two of the four weeks before: one may have been a holiday.
    """
    bound = {"source": source, "required_at": required_at, "weeks": _WEEKS}
    silences: list[timedelta] = sorted(
        required_at - timedelta(weeks=back) - latest_at
        for back, latest_at in subject.engine.rows(_BY_THEN, bound)
    )
    if len(silences) < _WEEKS or silences[-2] < _LEAST_REST:
        return timedelta(0)
    return silences[-2] + _EARLIER


def _age(parameters: Mapping[str, float]) -> timedelta:
    return timedelta(hours=parameters["max_age_hours"])


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="minutes") + "Z"


CHECK = Check("data", ("uncovered_hours",), _find)
