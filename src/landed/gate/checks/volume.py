"""No hour and no day that the release's numbers use has far fewer events than its weekday had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from ...errors import PlanError
from ...warehouse import without_zone
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..moved import MoveRule, made_up_elsewhere
from ..needs import reads
from ..passes.profiles import Series, event_hours, period
from ..volumes import Departure, departures, usual_and_now

#: Looks of a release that its chance is spread over.
_LOOKS = 28
#: Half of it goes to days, and half to their hours: the source that loses most of a day loses some
#: of each hour, and is seen by the day.
_TESTS_A_DAY = {24: 2, 1: 2 * 24}


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if subject.as_of is None:
        raise PlanError("volume is judged without an instant", expected="as_of")
    span = period(subject)
    needed = [one for one in subject.once(event_hours) if _is_read(subject, one)]
    known = [
        one
        for one in needed
        if (span.judged_from - one.first_on).days > parameters["min_history_days"]
    ]
    if not known:
        enough = f"{parameters['min_history_days']:g} whole days"
        return NotApplicable(f"no source that it reads has {enough} of events before it shipped")
    lost: list[tuple[Series, Departure]] = []
    unusual: list[tuple[Series, Departure]] = []
    days = max(_LOOKS, (span.judged_until - span.judged_from).days)
    tests = {hours: days * len(known) * each for hours, each in _TESTS_A_DAY.items()}
    for one in known:
        limits = parameters.of(one.source)
        least = limits["min_share"] * _share_beyond_effects(subject, one)
        for found in departures(
            # what began with the release rises as units meet it, and says nothing of the others
            one.habitual or one.counts,
            known_from := one.first_on + timedelta(days=1),  # it may have begun in its middle
            (span.judged_from, span.judged_until),
            without_zone(subject.as_of) - timedelta(hours=limits["closed_hours"]),
            min_expected=parameters["min_expected"],
            usual=(max(limits["usual_share"], least), parameters["usual_ratio"]),
            alpha={hours: parameters["warning_budget"] / of for hours, of in tests.items()},
        ):
            is_certain = found.p_value < parameters["budget"] / tests.get(found.hours, tests[1])
            is_less = is_certain and found.share < least
            if is_less and _share_left(subject, one, found, known_from, parameters) < least:
                lost.append((one, found))
            else:
                unusual.append((one, found))
    return Fact(
        {"lost_volumes": len(lost), "unusual_volumes": len(unusual)},
        _said(lost) or _said(unusual) or f"{len(known)} series of events as full as their weekdays",
        f"at least {share(parameters['min_share'])} of the median of the same weekday and hour"
        " in the four weeks before",
        details={
            "series": [_name(one) for one in known],
            "lost": [_row(*one) for one in lost[:100]],
            "unusual": [_row(*one) for one in unusual[:100]],
        },
        sample=[_row(*one) for one in (*lost, *unusual)],
    )


def _is_read(subject: Subject, one: Series) -> bool:
    """Whether the release needs a series: events that it names, and the sources that send them.

    A source that sends none of them is read only by metrics that take whatever event comes.
    """
    if one.event is not None or subject.once(reads).is_all:
        return True
    return any(
        other.source == one.source and other.event is not None
        for other in subject.once(event_hours)
    )


def _share_beyond_effects(subject: Subject, one: Series) -> float:
    """The share of a series that the release itself cannot take away.

    A release may move the events it is about: of a single event only what the control arm would
    leave of it, were the others to send none, can be told from an effect.
    """
    if one.event is None:
        return 1.0
    control = subject.release.control
    if not subject.release.has_concurrent_control or control is None:
        return 0.0
    return min((stage.shares.get(control, 0.0) for stage in subject.stages), default=0.0)


def _share_left(
    subject: Subject, one: Series, found: Departure, known_from: date, parameters: Parameters
) -> float:
    """Of what was usual, with events under a new name or in another source: these are no loss."""
    usual, now = usual_and_now(one.counts, found.starts_at, found.hours, known_from)
    if not usual:
        return 1.0
    rule = MoveRule(parameters["usual_ratio"], parameters["moved_gain"])
    series = subject.once(event_hours)
    return (now + made_up_elsewhere(one, found, known_from, series, rule)) / usual


def _name(one: Series) -> str:
    return f"source `{one.source}`" + (f", `{one.event}`" if one.event is not None else "")


def _said(found: Sequence[tuple[Series, Departure]]) -> str:
    """The worst day, or hour, of each series, and how many there are."""
    worst: dict[str, list[Departure]] = {}
    for series, one in found:
        worst.setdefault(_name(series), []).append(one)
    return "; ".join(
        f"{name}: {_words(min(many, key=lambda one: one.p_value))}"
        + (f" and {len(many) - 1} more" if len(many) > 1 else "")
        for name, many in worst.items()
    )


def _words(one: Departure) -> str:
    if one.hours not in _TESTS_A_DAY or (one.hours > 1 and one.starts_at.hour):
        when = f"{one.hours} hours from {one.starts_at:%Y-%m-%d %H:%M}Z"
        return f"no event in the {when} on, {one.expected:,.0f} usual"
    when = f"{one.starts_at:%Y-%m-%d}" + (f" {one.starts_at:%H:%M}Z" if one.hours == 1 else "")
    unit = "hour" if one.hours == 1 else "day"
    return f"{one.observed:,} events in the {unit} {when}, {one.expected:,.0f} usual"


def _row(series: Series, one: Departure) -> Mapping[str, Any]:
    return {
        "source": series.source,
        "event": series.event,
        "starts_at": one.starts_at.isoformat(timespec="minutes") + "Z",
        "hours": one.hours,
        "events": one.observed,
        "usual": round(one.expected, 1),
    }


CHECK = Check("data", ("lost_volumes", "unusual_volumes"), _find)
