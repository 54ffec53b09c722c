"""The events the release promised are seen in every variant that has to send them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ...catalog.versions import version_key
from ...stats import absence_p_value
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, listed, share
from ..passes.event_counts import event_counts
from ..passes.promised_by_version import SentOn
from ..passes.promised_events import read_promised
from ..stopped import successors


@dataclass(frozen=True, slots=True)
class _Seen:
    """Units of one variant that sent a promised event, of those that could; and what was assigned.

    Args:
        units: That sent it. Count.
        of: That could. Count.
        assigned: Clusters with such a unit where clusters were assigned, else the units. Count.
        assigned_of: Likewise of those that could. Count.
    """

    event: str
    variant: str
    units: int
    of: int
    assigned: int
    assigned_of: int


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    release = subject.release
    if not release.must_emit:
        return NotApplicable("the release promises no event (`must_emit`)")
    seen = _seen(subject)
    missing = [one for one in seen if not one.units and _is_missing(one, seen, subject, parameters)]
    unsure = [one for one in seen if not one.units and one not in missing]
    ended = list(_ended(subject, parameters))
    observed = f"{listed(release.must_emit)} seen in every variant that has to send it"
    if missing or unsure or ended:
        parts = [f"never seen: {listed([_named(one, subject) for one in missing])}"] * bool(missing)
        parts += ended
        if unsure:
            few = ", ".join(f"`{_named(one, subject)}` ({one.of:,} units)" for one in unsure)
            parts.append(f"not seen yet, of too few units to tell: {few}")
        observed = "; ".join(parts)
    return Fact(
        {"unseen_events": len(missing) + len(ended), "events_not_seen_yet": len(unsure)},
        observed,
        f"{listed(release.must_emit)} from exposed units of {listed(release.treatments)}",
        details={
            "units": {f"{one.event} in {one.variant}": one.units for one in seen if one.units},
            "of": {f"{one.event} in {one.variant}": one.of for one in seen},
        },
    )


def _seen(subject: Subject) -> list[_Seen]:
    """Each promised event in each variant that has to send it."""
    release, promised = subject.release, subject.once(read_promised)
    found = []
    for event in release.must_emit:
        rule = release.emit_rule(event)
        first = rule.since_version or ""
        could = promised.on_version.get(first, subject.units_by_variant)
        assigned_could = promised.assigned_on_version.get(first, subject.assigned_by_variant)
        found += [
            _Seen(
                event,
                name,
                promised.senders.get((event, name), 0),
                could.get(name, 0),
                promised.assigned_senders.get((event, name), 0),
                assigned_could.get(name, 0),
            )
            for name in release.variants
            if name in release.treatments or rule.in_control
        ]
    return found


def _ended(subject: Subject, parameters: Parameters) -> Iterator[str]:
    """Events that units on newer versions never send, though those on older ones do."""
    is_clustered = subject.release.cluster is not None
    units = "clusters with units" if is_clustered else "units"
    exposed = "clusters with exposed units" if is_clustered else "exposed units"
    promised, counts = subject.once(read_promised), subject.once(event_counts)
    traffic = counts.version_days
    told = set()
    for (event, variant), found in _by_arm(promised.exposed_on).items():
        older, newer = _parted(found, traffic, counts.until_on)
        if _absence(older, newer) < parameters["alpha"]:
            told.add((event, variant))
            yield (
                f"`{event}` in {variant} not seen {_since(found, newer)}: none of"
                f" {_units(newer):,} {units} exposed on it sent it, {share(_rate(older))} of those"
                " before did"
            )
    for (event, variant), found in _by_arm(promised.active_on).items():
        older, newer = _parted(found, traffic, counts.until_on)
        # of one day a unit counts once, and both were there as long after they met the change
        days = {
            day: (_on(day, older), _on(day, newer))
            for day in sorted({one.day for one in newer if one.day})
        }
        worst = min(days, key=lambda day: _absence(*days[day]), default=None)
        if worst is None or (event, variant) in told:
            continue
        then, now = days[worst]
        if len(days) * _absence(then, now) < parameters["alpha"]:
            yield (
                f"`{event}` in {variant} not seen {_since(found, newer)}: none of"
                f" {_units(now):,} {exposed} that were there with it on {worst} sent it,"
                f" {share(_rate(then))} of those with older versions did"
            )


def _by_arm(found: Sequence[SentOn]) -> dict[tuple[str, str], list[SentOn]]:
    """By event and arm, those of versions that can be told apart."""
    by_arm: dict[tuple[str, str], list[SentOn]] = {}
    for one in found:
        if version_key(one.version) is not None:
            by_arm.setdefault((one.event, one.variant), []).append(one)
    return by_arm


def _parted(
    found: Sequence[SentOn], traffic: Mapping[str, Mapping[date, int]], until_on: date
) -> tuple[list[SentOn], list[SentOn]]:
    """Versions before the first silent one, and the silent ones that took over from them."""
    sending = {one.version for one in found if one.sent}
    first = min((version_key(name) or () for name in sending), default=None)
    if first is None:
        return [], []
    silent = [
        one
        for one in found
        if one.version not in sending and (version_key(one.version) or ()) > first
    ]
    begins = min((version_key(one.version) or () for one in silent), default=None)
    if begins is None:
        return list(found), []
    older = [one for one in found if (version_key(one.version) or ()) < begins]
    names = [one.version for one in older], sorted({one.version for one in silent})
    after = successors(traffic, *names, until_on)
    return older, [one for one in silent if one.version in after]


def _since(found: Sequence[SentOn], silent: Sequence[SentOn]) -> str:
    """`since 2.3.0`, or in which versions, where it came back."""
    names = sorted({one.version for one in silent}, key=lambda name: version_key(name) or ())
    first = version_key(names[0]) or ()
    later = {one.version for one in found if (version_key(one.version) or ()) > first}
    return f"since {names[0]}" if later < set(names) else f"in {listed(names)}"


def _on(day: date, found: Sequence[SentOn]) -> list[SentOn]:
    return [one for one in found if one.day == day]


def _absence(older: Sequence[SentOn], newer: Sequence[SentOn]) -> float:
    return absence_p_value(sum(one.sent for one in older), _units(older), _units(newer))


def _units(found: Sequence[SentOn]) -> int:
    return sum(one.units for one in found)


def _rate(found: Sequence[SentOn]) -> float:
    return sum(one.sent for one in found) / _units(found)


def _is_missing(one: _Seen, seen: list[_Seen], subject: Subject, parameters: Parameters) -> bool:
    """Whether an event that a variant did not send is missing rather than still to come."""
    dates = subject.dates
    is_over = dates.exposure_ends_at is not None and dates.exposure_ends_at <= dates.cutoff_at
    others = [other for other in seen if other.event == one.event and other is not one]
    senders = sum(other.assigned for other in others)
    if senders and one.assigned_of:
        of = sum(max(other.assigned_of, other.assigned) for other in others)
        p_value = absence_p_value(senders, of, one.assigned_of)
        return p_value < parameters["alpha"]
    if subject.release.cohorts is not None:
        return dates.cutoff_at - dates.shipped_at >= timedelta(days=parameters["min_days"])
    return is_over or one.of >= parameters["min_units"]


def _named(one: _Seen, subject: Subject) -> str:
    since = subject.release.emit_rule(one.event).since_version
    return f"{one.event} in {one.variant}" + (f" since {since}" if since else "")


CHECK = Check("data", ("unseen_events", "events_not_seen_yet"), _find)
