"""The events the release promised are seen in every treatment."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, listed

_SEEN = """
select
    events.event_name,
    exposures.variant,
    count(distinct events.unit_id) as units

from main.fct_events as events

inner join main.fct_exposures as exposures
    on events.unit_id = exposures.unit_id

where
    exposures.release = $release
    and not exposures.is_bot
    and list_contains($events, events.event_name)
    and events.occurred_at >= $shipped_at
    and events.occurred_at < $cutoff_at

group by all
"""


#: Of cohorts no unit is exposed on its own: whoever sends the event counts.
_SEEN_OF_ANYBODY = """
select
    event_name,
    $variant as variant,
    count(distinct unit_id) as units

from main.fct_events

where
    list_contains($events, event_name)
    and occurred_at >= $shipped_at
    and occurred_at < $cutoff_at

group by all
"""


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    promised, release = subject.release.must_emit, subject.release
    if not promised:
        return NotApplicable("the release promises no event (`must_emit`)")
    bound = {
        "events": list(promised),
        "shipped_at": subject.dates.shipped_at,
        "cutoff_at": subject.dates.cutoff_at,
    }
    rows = (
        subject.engine.rows(_SEEN, {**bound, "release": release.release})
        if release.cohorts is None
        else subject.engine.rows(_SEEN_OF_ANYBODY, {**bound, "variant": release.treatments[0]})
    )
    seen: dict[tuple[str, str], int] = {(event, variant): units for event, variant, units in rows}
    unseen = [
        f"{event} in {variant}"
        for event in promised
        for variant in release.treatments
        if not seen.get((event, variant))
    ]
    return Fact(
        {"unseen_events": len(unseen)},
        f"never seen: {listed(unseen)}"
        if unseen
        else f"{listed(promised)} seen in every treatment",
        f"{listed(promised)} from exposed units of {listed(release.treatments)}",
        details={
            "units": {f"{event} in {variant}": n for (event, variant), n in sorted(seen.items())}
        },
    )


CHECK = Check("data", ("unseen_events",), _find)
