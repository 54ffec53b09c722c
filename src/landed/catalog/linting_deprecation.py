"""What is wrong with how a metric says that it goes: its days, and what to use instead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from ..errors import Fault
from .definitions import Metric, Revision
from .names import did_you_mean, show
from .reading import Entry

_AT = ("config", "meta", "deprecated")


def lint_deprecation(
    metric: Metric, metrics: Mapping[str, Metric], entries: Mapping[str, Entry], faults: list[Fault]
) -> None:
    """Days that are none or in the wrong order, and a successor that is none.

    Args:
        metrics: The sound ones; a successor that is not sound has faults of its own.
        entries: All that are declared.
    """
    deprecated, entry = metric.deprecated, entries[metric.name]
    lint_days(metric.revisions, entry, faults)
    if deprecated is None:
        return
    days = [_day(text, word, entry, faults) for word, text in _days(metric)]
    if None not in days and not days[0] < days[1]:  # type: ignore[operator]
        what = f"it is deprecated since {deprecated.since} and until {deprecated.until}"
        expected = "an end after the begin"
        fix = "give those who use it some time: a later `until`."
        faults.append(entry.fault(what, expected, fix, "deprecation_days", *_AT))
    if deprecated.use is None:
        return
    if deprecated.use not in entries:
        what = f"the successor {show(deprecated.use)} does not exist"
        fix = did_you_mean(deprecated.use, entries)
        faults.append(entry.fault(what, "a metric", fix, "unknown_metric", *_AT))
        return
    trail = [metric.name, deprecated.use]
    while (after := _successor(trail[-1], metrics)) is not None and after not in trail:
        trail.append(after)
    if metric.name in (deprecated.use, after):
        loop = " → ".join(dict.fromkeys(trail))
        what, fix = f"the successors {loop} lead back to it", "name one that stays, or none."
        faults.append(entry.fault(what, "", fix, "deprecation_circle", *_AT))
    elif (next_ := metrics.get(deprecated.use)) is not None and next_.deprecated is not None:
        what = f"the successor {show(deprecated.use)} is deprecated itself"
        stays = trail[-1] if after is None else None
        fix = f"name {show(stays)}." if stays and stays != deprecated.use else "name another one."
        faults.append(entry.fault(what, "one that stays", fix, "deprecated_successor", *_AT))


def lint_days(revisions: tuple[Revision, ...], entry: Entry, faults: list[Fault]) -> None:
    """Revisions of days that the calendar does not have."""
    for index, one in enumerate(revisions):
        try:
            date.fromisoformat(one.date)
        except ValueError:
            what, key = f"{show(one.date)} is no day", ("config", "meta", "revisions", index)
            faults.append(entry.fault(what, "a day as 2026-11-22", "correct it.", "day", *key))


def _days(metric: Metric) -> list[tuple[str, str]]:
    if metric.deprecated is None:
        return []
    return [("since", metric.deprecated.since), ("until", metric.deprecated.until)]


def _day(text: str, word: str, entry: Entry, faults: list[Fault]) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        what = f"{word} is {show(text)}, which is no day"
        faults.append(entry.fault(what, "a day as 2026-11-22", "correct it.", "day", *_AT, word))
        return None


def _successor(name: str, metrics: Mapping[str, Metric]) -> str | None:
    metric = metrics.get(name)
    return metric.deprecated.use if metric is not None and metric.deprecated is not None else None
