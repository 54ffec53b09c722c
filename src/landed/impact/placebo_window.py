"""One metric's days before and after a change that everybody got, and earlier such windows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

from ..catalog.definitions import Metric
from ..catalog.release_designs import first_whole_day, shipped_on
from ..catalog.releases import Release
from ..stats import NotEstimable, PlaceboDifference, placebo_difference
from .daily_series import DailySeries


@dataclass(frozen=True, slots=True)
class PlaceboData:
    """What one comparison rests on, for the reader to look at.

    Args:
        metric: The metric's name.
        scale: log, or logit of a share.
        changed_on: First whole day with the change.
        days_after: Days compared from there on. Count.
        days_before: Days they are compared with. Count.
        move: Mean on the scale after, less mean before.
        usual_move: Mean of the placebo moves, which is taken off.
        standard_error: Of the move less the usual one.
        windows: First day after and move of each placebo window, latest first.
        left_out: First days of windows that hold a day which does not count.
        excluded: Days that do not count, with why, of the days looked at.
        assumptions: What has to be true, in sentences.
    """

    metric: str
    scale: str
    changed_on: date
    days_after: int
    days_before: int
    move: float
    usual_move: float
    standard_error: float
    windows: tuple[tuple[date, float], ...]
    left_out: tuple[date, ...]
    excluded: tuple[tuple[date, str], ...]
    assumptions: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """An entry of `placebo` in a report."""
        return {
            "metric": self.metric,
            "scale": self.scale,
            "changed_on": self.changed_on.isoformat(),
            "days_after": self.days_after,
            "days_before": self.days_before,
            "move": self.move,
            "usual_move": self.usual_move,
            "standard_error": self.standard_error,
            "windows": [{"from": day.isoformat(), "move": move} for day, move in self.windows],
            "left_out": [day.isoformat() for day in self.left_out],
            "excluded": [{"day": day.isoformat(), "why": why} for day, why in self.excluded],
            "assumptions": list(self.assumptions),
        }


class PlaceboWindow:
    """One metric's days around the change, as far as one look goes."""

    def __init__(
        self,
        release: Release,
        metric: Metric,
        days: DailySeries,
        *,
        data_through: datetime,
        excluded: Mapping[date, str],
        days_after: int,
    ) -> None:
        zone = release.time_zone
        self.days, self.excluded = days, excluded
        self.days_after, self.days_before = days_after, release.windows.days_before
        self.scale = "logit" if metric.value == "share" else "log"
        self.changed_on = first_whole_day(release.shipped_at, zone)
        # the day it shipped on had the change for a part of it
        self.days_between = (self.changed_on - shipped_on(release.shipped_at, zone)).days
        self.changed_at = (self.changed_on - days.first_on).days
        whole = data_through.astimezone(ZoneInfo(zone)).date()
        self.until = min(whole, self.changed_on + timedelta(days=days_after))

    def compare(self) -> PlaceboDifference | NotEstimable:
        """The comparison, or why there is none."""
        days = self.days
        if days.refused is not None:
            return NotEstimable(days.refused)
        if self.changed_at < 0 or not days.values:
            return NotEstimable("too little history: it has no value before the change")
        length = max(self.changed_at, (self.until - days.first_on).days)
        values = [*days.values[:length], *[None] * (length - len(days.values))]
        positions = ((day - days.first_on).days for day in self.excluded)
        found = placebo_difference(
            [self._on_scale(value) for value in values],
            self.changed_at,
            days_after=self.days_after,
            days_before=self.days_before,
            days_between=self.days_between,
            excluded=[one for one in positions if 0 <= one < length],
        )
        if isinstance(found, NotEstimable) and found.reason.startswith("too little history"):
            return found
        touched = self._own_days()
        if touched:
            return NotEstimable(f"{touched[0][0]} lies in its windows: {touched[0][1]}")
        if isinstance(found, NotEstimable) and "no value" in found.reason:
            outside = "0 or 1" if self.scale == "logit" else "0 or less"
            return NotEstimable(f"a day of its windows has no value, or {outside}")
        return found

    def mean_before(self) -> float:
        """Mean of the days before the change. The metric's unit."""
        end = self.changed_at - self.days_between
        return _mean(self.days.values[end - self.days_before : end])

    def mean_after(self) -> float:
        """Mean of the days after it. The metric's unit."""
        return _mean(self.days.values[self.changed_at : self.changed_at + self.days_after])

    def moved(self, effect: float) -> tuple[float, float]:
        """An effect on the scale as (absolute, relative) effect on the mean before."""
        base = self.mean_before()
        if self.scale == "log":
            return math.expm1(effect) * base, math.expm1(effect)
        share = 1 / (1 + math.exp(-math.log(base / (1 - base)) - effect))
        return share - base, (share - base) / base

    def data(self, found: PlaceboDifference) -> PlaceboData:
        """What the comparison rests on."""
        first_on = self.days.first_on
        looked_at = sorted(day for day in self.excluded if first_on <= day < self.until)
        moves = [move for _, move in found.placebos]
        return PlaceboData(
            metric=self.days.metric,
            scale=self.scale,
            changed_on=self.changed_on,
            days_after=self.days_after,
            days_before=self.days_before,
            move=found.move,
            usual_move=fmean(moves),
            standard_error=found.standard_error,
            windows=tuple((first_on + timedelta(days=at), move) for at, move in found.placebos),
            left_out=tuple(first_on + timedelta(days=at) for at in found.left_out),
            excluded=tuple((day, self.excluded[day]) for day in looked_at),
            assumptions=(
                f"Without the change, its {self.days_after} days would have moved against the"
                f" {self.days_before} days before as {len(moves)} earlier windows of that length"
                " did. A trend and weekdays cancel; a season or a holiday does not.",
                "Nothing else reached everybody on these days: declared releases and incidents"
                " are left out, others are not known.",
            ),
        )

    def _own_days(self) -> Sequence[tuple[date, str]]:
        first = self.changed_on - timedelta(days=self.days_between + self.days_before)
        last = self.changed_on + timedelta(days=self.days_after - 1)
        return sorted((day, why) for day, why in self.excluded.items() if first <= day <= last)

    def _on_scale(self, value: float | None) -> float | None:
        if value is None or not math.isfinite(value) or value <= 0:
            return None
        if self.scale == "log":
            return math.log(value)
        return math.log(value / (1 - value)) if value < 1 else None


def _mean(values: Sequence[float | None]) -> float:
    return fmean(value for value in values if value is not None)
