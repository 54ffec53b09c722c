"""Events that one source sends no more because another one does: they moved, and are not lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from .passes.event_counts import SourceCounts
from .passes.profiles import Series
from .stopped import Stop
from .volumes import WEEKS, Departure, usual_and_now


@dataclass(frozen=True, slots=True)
class MoveRule:
    """What other sources have to send more of an event, to make up for what one source lost of it.

    Args:
        ratio: How many times more or less than the loss their gain may be. Ratio, > 1.
        least_gain: Of what they sent before, at least; a smaller gain is growth. Share.
    """

    ratio: float
    least_gain: float

    def made_up(self, lost: float, now: float, usual: float) -> float:
        """What others gained, up to what was lost; 0 where it is another matter. Count."""
        gain = now - usual
        is_move = (
            gain > 0
            and lost / self.ratio <= gain <= lost * self.ratio
            and gain >= self.least_gain * usual
        )
        return min(gain, lost) if is_move else 0.0


def goes_on(stop: Stop, others: Sequence[SourceCounts], rule: MoveRule) -> bool:
    """Whether other sources send an event since it stopped in one, about as often as that did."""
    rows: dict[date, int] = {}
    for one in others:
        for day, number in one.by_day.get(stop.event, {}).items():
            rows[day] = rows.get(day, 0) + number
    first = stop.silent_on[0]
    before = [first - timedelta(days=n + 1) for n in range(7 * WEEKS)]
    usual: dict[int, float] = {}
    for day in before:
        weekday = day.weekday()
        usual[weekday] = usual.get(weekday, 0.0) + rows.get(day, 0) / WEEKS
    return bool(
        rule.made_up(
            stop.expected,
            sum(rows.get(day, 0) for day in stop.silent_on),
            sum(usual[day.weekday()] for day in stop.silent_on),
        )
    )


def made_up_elsewhere(
    lost: Series, found: Departure, known_from: date, series: Sequence[Series], rule: MoveRule
) -> float:
    """What other sources sent more of the events that a source lost, in one hour or day. Count.

    Args:
        lost: One event of the source, or all of it.
        found: The hour or day.
        known_from: First whole day of the source.
        series: All that are known by event.
        rule: What is a move.
    """
    by_event: dict[str, list[Series]] = {}
    for one in series:
        if one.event is not None and lost.event in {None, one.event}:
            by_event.setdefault(one.event, []).append(one)

    def counted(one: Series) -> tuple[float, int]:
        return usual_and_now(one.counts, found.starts_at, found.hours, known_from)

    total = 0.0
    for many in by_event.values():
        own = [counted(one) for one in many if one.source == lost.source]
        others = [counted(one) for one in many if one.source != lost.source]
        if own and others:
            total += rule.made_up(
                sum(usual - now for usual, now in own),
                sum(now for _, now in others),
                sum(usual for usual, _ in others),
            )
    return total
