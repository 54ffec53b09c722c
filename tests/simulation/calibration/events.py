"""How often events that still come are called stopped, and events that stopped are found.

Rows of six events beside 2,000 others a day, over eight weeks before a release and its 28 daily
looks; a new version comes out every other week. Each look judges as `metric_events` does; a release
counts as blocked if any of its looks ever calls one of the six stopped.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from landed.gate import load_suites
from landed.gate.passes.event_counts import DAYS_BEFORE, SourceCounts, VersionCount
from landed.gate.stopped import Window, stop_of

from .rows import Row

_SHIPPED_ON = date(2026, 3, 2)
_FIRST_ON = _SHIPPED_ON - timedelta(days=DAYS_BEFORE)
_LOOKS = 28
_DAYS = DAYS_BEFORE + _LOOKS
_OTHERS = 2_000.0
_EVENTS = 6
_DAYS_A_VERSION = 14
_OTHER = "other"
_Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Habit:
    """How an event comes.

    Args:
        a_day: Rows. Count.
        of_days: Standard deviation of a factor of each day.
        at_once: Rows that one person sends in a row, on average. Count.
        on_weekends: Of a workday's rate.
        a_week: Growth of its rate.
        of_first: Its rate on a version's first three days, when the eager have it.
    """

    a_day: float
    of_days: float = 0.1
    at_once: float = 1.0
    on_weekends: float = 1.0
    a_week: float = 0.0
    of_first: float = 1.0


CLEAN = {
    "30 a day, calm": Habit(30),
    "8 a day, calm": Habit(8),
    "8 a day, restless": Habit(8, of_days=0.6),
    "30 a day, none on weekends": Habit(30, on_weekends=0.0),
    "fades to a half each week, from 400 a day": Habit(400, a_week=-0.5),
    "30 a day, half as often by the first of a version": Habit(30, of_first=0.5),
}
#: Rows that come in bouts tell less than as many alone: nothing is promised.
CLUSTERED = {
    "30 a day, ten at once": Habit(30, at_once=10),
    "100 a day, ten at once": Habit(100, at_once=10),
    "100 a day, thirty at once": Habit(100, at_once=30),
}


def clean(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Whole releases of which six events go on coming."""
    rng = np.random.default_rng(seed)
    claim = "clean release blocked by six events"
    return [
        *(
            Row(claim, name, draws, _share_blocked(one, rng, draws), upper=0.0005)
            for name, one in CLEAN.items()
        ),
        *(
            Row(claim, name, draws, _share_blocked(one, rng, draws))
            for name, one in CLUSTERED.items()
        ),
    ]


def stops(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Events that come no more from a day on, or from a version on."""
    rng = np.random.default_rng(seed)
    habits = {name: CLEAN[name] for name in ("30 a day, calm", "8 a day, calm")}
    return [
        Row(f"an event that stopped {how} is found", name, draws, found, lower=0.99)
        for name, one in habits.items()
        for how, found in (
            ("on the tenth day", _share_found(one, rng, draws, by_version=False)),
            ("with a version", _share_found(one, rng, draws, by_version=True)),
        )
    ]


CELLS = (clean, stops)


def _share_blocked(habit: Habit, rng: np.random.Generator, draws: int) -> float:
    found = 0
    for _ in range(draws):
        others, rows = _drawn(habit, rng)
        found += any(_stopped(others, rows, look) for look in range(1, _LOOKS + 1))
    return found / draws


def _share_found(habit: Habit, rng: np.random.Generator, draws: int, *, by_version: bool) -> float:
    found = 0
    for _ in range(draws):
        others, rows = _drawn(habit, rng)
        if by_version:
            rows[0, :, DAYS_BEFORE // _DAYS_A_VERSION :] = 0
        else:
            rows[0, DAYS_BEFORE + 9 :] = 0
        found += 0 in _stopped(others, rows, _LOOKS)
    return found / draws


def _drawn(habit: Habit, rng: np.random.Generator) -> tuple[_Counts, _Counts]:
    """Rows of other events, (days, versions), and of the six, (6, days, versions)."""
    day = np.arange(_DAYS)
    weekend = np.array([(_FIRST_ON + timedelta(days=int(n))).weekday() >= 5 for n in day])
    mean = _OTHERS * np.where(weekend, 0.6, 1.0) * np.exp(rng.normal(-0.005, 0.1, _DAYS))
    others = rng.poisson(mean[:, None] * _shares())
    factors = np.ones((_EVENTS, _DAYS))
    if habit.of_days:
        shape = 1 / habit.of_days**2
        factors = rng.gamma(shape, 1 / shape, factors.shape)
    rate = habit.a_day / _OTHERS * (1 + habit.a_week) ** (day / 7)
    rate = rate * np.where(weekend, habit.on_weekends, 1.0)
    of_version = np.where(_ages() < 3, habit.of_first, 1.0)
    bouts = rng.poisson(factors[:, :, None] * (rate[:, None] * of_version * others) / habit.at_once)
    if habit.at_once == 1:
        return others, bouts
    more = rng.negative_binomial(np.maximum(bouts, 1), 1 / habit.at_once)
    return others, bouts + np.where(bouts > 0, more, 0)


@functools.cache
def _ages() -> npt.NDArray[np.float64]:
    """Days since each version came out, by day; the first one was always there."""
    versions = -(-_DAYS // _DAYS_A_VERSION)
    return np.arange(_DAYS)[:, None] - _DAYS_A_VERSION * np.arange(versions)[None, :].astype(float)


@functools.cache
def _shares() -> npt.NDArray[np.float64]:
    """Share of each version on each day: a fifth of those who are behind update a day."""
    ages = _ages()
    have = np.where(ages >= 0, 1 - 0.8 ** (ages + 1), 0.0)  # at least this version
    have[:, 0] = 1.0
    return have - np.pad(have, ((0, 0), (0, 1)))[:, 1:]


def _stopped(others: _Counts, rows: _Counts, look: int) -> list[int]:
    """Which of the six the check calls stopped at a look."""
    until = DAYS_BEFORE + look
    seen = rows[:, :until]
    silent = seen.sum(axis=2) == 0
    newest = int(np.flatnonzero(others[:until].sum(axis=0))[-1])
    waits = (silent[:, 1:] & silent[:, :-1])[:, DAYS_BEFORE - 1 :].any(axis=1)
    waits |= seen[:, :, newest].sum(axis=1) == 0
    if not waits.any():  # no two silent days, and the newest version has each
        return []
    counts = _counts(others[:until], seen)
    window = _window(until)
    return [
        event
        for event in np.flatnonzero(waits)
        if stop_of(counts, "app", str(event), window) is not None
    ]


def _counts(others: _Counts, rows: _Counts) -> SourceCounts:
    days = [_FIRST_ON + timedelta(days=n) for n in range(len(others))]
    total = others + rows.sum(axis=0)
    every = {_OTHER: others, **{str(event): one for event, one in enumerate(rows)}}
    return SourceCounts(
        {
            name: {day: int(n) for day, n in zip(days, one.sum(axis=1), strict=True) if n}
            for name, one in every.items()
        },
        {day: int(n) for day, n in zip(days, total.sum(axis=1), strict=True)},
        {
            f"{version + 1}.0": {
                name: VersionCount(int(one.sum()), days[at[0]], days[at[-1]])
                for name, counted in every.items()
                if len(at := np.flatnonzero(one := counted[:, version]))
            }
            for version in range(others.shape[1])
        },
        {
            f"{version + 1}.0": {
                day: int(n) for day, n in zip(days, total[:, version], strict=True) if n
            }
            for version in range(others.shape[1])
        },
    )


def _window(until: int) -> Window:
    rule = _rule()
    return Window(
        after_on=_SHIPPED_ON,
        until_on=_FIRST_ON + timedelta(days=until),
        alpha=rule["alpha"],
        min_days=int(rule["min_days"]),
        min_days_before=int(rule["min_days_before"]),
        version_share=rule["version_share"],
        rename_ratio=rule["rename_ratio"],
    )


@functools.cache
def _rule() -> Mapping[str, float]:
    return load_suites()["instrumentation"].of_check("metric_events")[0].parameters
