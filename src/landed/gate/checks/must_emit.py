"""The events the release promised are seen in every variant that has to send them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ...catalog.versions import version_key
from ...stats import absence_p_value
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, listed
from ..passes.event_counts import event_counts

#: Units by variant that sent each promised event, and units that had a version that sends it.
_UNITS = """
with

promised as (

    select unnest($events) as event_name

),

exposed as (

    select unit_id, variant

    from main.fct_exposures

    where release = $release and not is_bot

)

select
    events.event_name,
    exposed.variant,
    count(distinct events.unit_id) as units

from main.fct_events as events

inner join promised
    on events.event_name = promised.event_name

inner join exposed
    on events.unit_id = exposed.unit_id

where
    events.occurred_at >= $shipped_at
    and events.occurred_at < $cutoff_at
    {version}

group by all
"""

_ON_VERSION = """
select
    exposures.variant,
    count(distinct events.unit_id) as units

from main.fct_events as events

inner join main.fct_exposures as exposures
    on events.unit_id = exposures.unit_id

where
    exposures.release = $release
    and not exposures.is_bot
    and events.occurred_at >= $shipped_at
    and events.occurred_at < $cutoff_at
    and list_contains($versions, events.app_version)

group by all
"""

#: Of cohorts no unit is exposed on its own: whoever sends the event counts.
_OF_ANYBODY = """
select
    event_name,
    $variant as variant,
    count(distinct unit_id) as units

from main.fct_events as events

where
    list_contains($events, event_name)
    and occurred_at >= $shipped_at
    and occurred_at < $cutoff_at
    {version}

group by all
"""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Units of one variant that sent a promised event, of those that could. Counts."""

    event: str
    variant: str
    units: int
    of: int


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    release = subject.release
    if not release.must_emit:
        return NotApplicable("the release promises no event (`must_emit`)")
    seen = [
        one
        for since in dict.fromkeys(
            release.emit_rule(name).since_version for name in release.must_emit
        )
        for one in _seen(subject, since)
    ]
    missing = [one for one in seen if not one.units and _is_missing(one, seen, subject, parameters)]
    unsure = [one for one in seen if not one.units and one not in missing]
    observed = f"{listed(release.must_emit)} seen in every variant that has to send it"
    if missing or unsure:
        parts = [f"never seen: {listed([_named(one, subject) for one in missing])}"] * bool(missing)
        if unsure:
            few = ", ".join(f"`{_named(one, subject)}` ({one.of:,} units)" for one in unsure)
            parts.append(f"not seen yet, of too few units to tell: {few}")
        observed = "; ".join(parts)
    return Fact(
        {"unseen_events": len(missing), "events_not_seen_yet": len(unsure)},
        observed,
        f"{listed(release.must_emit)} from exposed units of {listed(release.treatments)}",
        details={
            "units": {f"{one.event} in {one.variant}": one.units for one in seen if one.units},
            "of": {f"{one.event} in {one.variant}": one.of for one in seen},
        },
    )


def _seen(subject: Subject, since: str | None) -> list[_Seen]:
    """Events promised from one version on, in each variant that has to send them."""
    release, dates = subject.release, subject.dates
    events = [name for name in release.must_emit if release.emit_rule(name).since_version == since]
    versions = _versions(subject, since)
    condition = "" if versions is None else "and list_contains($versions, events.app_version)"
    bound: dict[str, Any] = {"shipped_at": dates.shipped_at, "cutoff_at": dates.cutoff_at}
    if versions is not None:
        bound["versions"] = versions
    exposed = subject.units_by_variant
    if release.cohorts is not None:
        more = {"events": events, "variant": release.treatments[0]}
        rows = subject.engine.rows(_OF_ANYBODY.format(version=condition), {**bound, **more})
    else:
        more = {"events": events, "release": release.release}
        rows = subject.engine.rows(_UNITS.format(version=condition), {**bound, **more})
        if versions is not None:
            of_version = subject.engine.rows(_ON_VERSION, {**bound, "release": release.release})
            exposed = dict.fromkeys(exposed, 0) | dict(of_version)
    units = {(event, variant): count for event, variant, count in rows}
    return [
        _Seen(event, name, units.get((event, name), 0), exposed.get(name, 0))
        for event in events
        for name in release.variants
        if name in release.treatments or release.emit_rule(event).in_control
    ]


def _versions(subject: Subject, since: str | None) -> list[str] | None:
    """Versions seen from one on; None where any will do."""
    first = version_key(since)
    if first is None:
        return None
    known = subject.once(event_counts).versions
    return sorted(name for name in known if (key := version_key(name)) and key >= first)


def _is_missing(one: _Seen, seen: list[_Seen], subject: Subject, parameters: Parameters) -> bool:
    """Whether an event that a variant did not send is missing rather than still to come."""
    dates = subject.dates
    is_over = dates.exposure_ends_at is not None and dates.exposure_ends_at <= dates.cutoff_at
    others = [other for other in seen if other.event == one.event and other is not one]
    senders = sum(other.units for other in others)
    if senders and one.of:
        p_value = absence_p_value(senders, sum(max(o.of, o.units) for o in others), one.of)
        return p_value < parameters["alpha"]
    if subject.release.cohorts is not None:
        return dates.cutoff_at - dates.shipped_at >= timedelta(days=parameters["min_days"])
    return is_over or one.of >= parameters["min_units"]


def _named(one: _Seen, subject: Subject) -> str:
    since = subject.release.emit_rule(one.event).since_version
    return f"{one.event} in {one.variant}" + (f" since {since}" if since else "")


CHECK = Check("data", ("unseen_events", "events_not_seen_yet"), _find)
