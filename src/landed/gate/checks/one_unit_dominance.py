"""No single unit makes a large part of the events that the release's numbers use."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, share
from ..passes.profiles import period

_UNITS = """
with

units as (

    select
        unit_id,
        sum(event_count) as event_count

    from main.agg_unit_days

    where event_on >= $since and event_on < $until

    group by unit_id

)

select
    count(*) as units,
    coalesce(sum(event_count), 0)::bigint as events,
    coalesce(max(event_count), 0)::bigint as most

from units

where unit_id not in (select dim_units.unit_id from main.dim_units where dim_units.is_bot)
"""


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    span = period(subject)
    found = subject.engine.one(_UNITS, {"since": span.judged_from, "until": span.judged_until})
    units, events, most = found if found else (0, 0, 0)
    if units < parameters["min_units"]:
        return NotApplicable(
            f"fewer than {count(int(parameters['min_units']), 'unit')} had an event:"
            " each is a large part of them"
        )
    return Fact(
        {"largest_unit_share": most / events},
        f"the busiest of {count(units, 'unit')} sent {most:,} of {events:,} events"
        f" ({share(most / events)})",
        "at most {limit} of the events from one unit that is not taken for a bot",
        limit_as="share",
        details={"units": units, "events": events, "most": most},
    )


CHECK = Check("data", ("largest_unit_share",), _find)
