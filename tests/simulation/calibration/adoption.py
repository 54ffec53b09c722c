"""Verdicts on a version that units take themselves, and what it takes away from them.

Each unit has a rate of its own (gamma, shape 1.5) and counts a week that are Poisson around it;
some leave for good each week, and whoever is active may take the version, never before. So who
takes it is active, has stayed, and where `keen` is above 0 uses the product more and leaves less.
The truth is no effect, unless a cell says so. Draws go through `judge_adoption` and `conclude`,
on groups as `drawn_trials` makes them. Beside it stands what is usually done: each week's takers
against all that had not taken it yet, who came back or not.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from landed.catalog import Catalog, Metric, Release, RoleOfMetric
from landed.impact import conclude
from landed.impact.adoption import judge_adoption
from landed.impact.group_panel import GroupPanel, panel_of
from landed.impact.trials import (
    GROUPS,
    MOST_TRIALS,
    OTHERS,
    TOOK,
    WEEKS_AFTER,
    WEEKS_BEFORE,
    Trial,
)
from landed.stats import NotEstimable, staggered_effect

from .rows import Row

UNITS = 8_000
SHIPPED_AT = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
SHIP = WEEKS_BEFORE + 1  # that week's place
WEEKS = SHIP + MOST_TRIALS + WEEKS_AFTER
DUE = SHIPPED_AT + timedelta(weeks=MOST_TRIALS + WEEKS_AFTER)
CATALOG = Catalog(
    {"sales": Metric("sales", "Sales", "", "simple", "growth", "count", "increase_is_good")}, {}
)
RELEASE = Release(
    release="drawn",
    shipped_at=SHIPPED_AT,
    owner="growth",
    kind="version",
    roles=(RoleOfMetric("sales", "success"),),
    treatments=("released",),
    app_version="2.0",
    exposure_ends_at=DUE,
)


@dataclass(frozen=True, slots=True)
class People:
    """How units use the product, leave it and take a version.

    Args:
        name: What the cell is called.
        rate: Mean count a week.
        leaves: Share that leaves each week.
        keen: How much likelier units with a higher rate take it (logit), and less likely leave.
        takes: Share of active units with the mean rate that take it in a week.
        moods: Autocorrelation of a unit's mood from week to week; 0: none. The mood's standard
            deviation is 0.6 in logarithms.
        pauses: Share of units that pause, and of those pausing that come back, in a week.
        effect: Of the version, as a share.
        about_to_grow: Share by which use grows when a unit takes it, whatever the version does.
    """

    name: str
    rate: float = 5.0
    leaves: float = 0.03
    keen: float = 0.0
    takes: float = 0.4
    moods: float = 0.0
    pauses: tuple[float, float] | None = None
    effect: float = 0.0
    about_to_grow: float = 0.0


NULLS = (
    People("nobody leaves", leaves=0.0),
    People("3 % leave a week"),
    People("5 % leave a week, the keen take it first and stay", leaves=0.05, keen=0.8),
    People("moods last (0.8), the keen take it first and stay", keen=0.8, moods=0.8),
    People("one event a week", rate=1.0, leaves=0.02),
    People("units pause for weeks", leaves=0.0, takes=0.25, pauses=(0.15, 0.3)),
)
EFFECTS = (
    People("+10 %, 3 % leave a week, the keen take it first", keen=0.8, effect=0.1),
    People("+20 %, 3 % leave a week, the keen take it first", keen=0.8, effect=0.2),
    People("-20 %, 3 % leave a week, the keen take it first", keen=0.8, effect=-0.2),
)
LOSING = People("taken just when use grows by 20 % anyway", about_to_grow=0.2)


def table(draws: int, seed: int) -> list[Row]:
    """The rows of versions.

    Args:
        draws: Releases in each cell. Count.
        seed: Of the generator; each cell has a stream of its own.
    """
    cells = (*NULLS, *EFFECTS, LOSING)
    streams = iter(np.random.default_rng(seed).spawn(len(cells)))
    rows = [row for people in NULLS for row in _null(next(streams), draws, people)]
    rows += [row for people in EFFECTS for row in _power(next(streams), draws, people)]
    found, _ = _verdicts(next(streams), draws, LOSING)
    share = found["worked"] / draws
    return [*rows, Row("false worked", LOSING.name, draws, share, is_losing=True)]


def _null(rng: np.random.Generator, draws: int, people: People) -> list[Row]:
    found, usual = _verdicts(rng, draws, people)
    return [
        Row("false worked", people.name, draws, found["worked"] / draws, upper=0.0325),
        Row("false harmed", people.name, draws, found["harmed"] / draws, upper=0.065),
        Row("refused", people.name, draws, found["not_estimable"] / draws, is_losing=True),
        Row(
            "false worked against all that had not taken it yet",
            people.name,
            draws,
            usual / draws,
            is_losing=True,
        ),
    ]


def _power(rng: np.random.Generator, draws: int, people: People) -> list[Row]:
    found, _ = _verdicts(rng, draws, people)
    right = "worked" if people.effect > 0 else "harmed"
    least = 0.8 if abs(people.effect) >= 0.2 else None
    share = found[right] / draws
    return [Row(f"power, {right}", people.name, draws, share, least, is_losing=least is None)]


def _verdicts(rng: np.random.Generator, draws: int, people: People) -> tuple[Counter[str], int]:
    """How often each verdict, and how often the usual comparison would have said `worked`."""
    found: Counter[str] = Counter()
    usual = 0
    for _ in range(draws):
        counts, took = drawn(rng, people)
        trials, panels = grouped(rng, counts, took)
        made = judge_adoption(
            RELEASE, CATALOG, trials, {"sales": panels[0]}, {"sales": panels[1]}, cutoff_at=DUE
        )
        verdict = conclude(RELEASE, made.estimates, cutoff_at=DUE, decides_at=DUE)
        found[verdict.decision] += 1
        usual += _usual_says_worked(rng, counts, took)
    return found, usual


def drawn(rng: np.random.Generator, people: People) -> tuple[np.ndarray, np.ndarray]:
    """Counts by unit and week; (n, weeks). The week in which each took it, -1 for never; (n,)."""
    rate = rng.gamma(1.5, people.rate / 1.5, UNITS)
    above = np.log(rate / people.rate)
    leaves = np.clip(people.leaves * np.exp(-people.keen * above / 2), 0, 0.5)
    logit = math.log(people.takes / (1 - people.takes)) + people.keen * above
    takes = np.where(rng.random(UNITS) < 0.15, 0.02, 1 / (1 + np.exp(-logit)))
    is_there = np.ones(UNITS, bool)
    is_active = rng.random(UNITS) < 0.67 if people.pauses else is_there
    mood = rng.normal(0, 1, UNITS)
    took = np.full(UNITS, -1)
    counts = np.zeros((UNITS, WEEKS))
    for week in range(WEEKS):
        mean = rate * is_there * is_active * math.exp(rng.normal(0, 0.05))
        if people.moods:
            fresh = rng.normal(0, math.sqrt(1 - people.moods**2), UNITS)
            mood = people.moods * mood + fresh
            mean = mean * np.exp(0.6 * mood - 0.18)
        has_it = (took >= 0) & (took < week)
        mean = mean * np.where(has_it, 1 + people.effect + people.about_to_grow, 1.0)
        counts[:, week] = rng.poisson(mean)
        if week >= SHIP:
            can = (took < 0) & (counts[:, week] > 0)
            took[can & (rng.random(UNITS) < takes)] = week
        is_there = is_there & (rng.random(UNITS) >= leaves)
        if people.pauses:
            pause, back = people.pauses
            move = rng.random(UNITS)
            is_active = np.where(is_active, move >= pause, move < back)
    return counts, took


def grouped(
    rng: np.random.Generator, counts: np.ndarray, took: np.ndarray
) -> tuple[list[Trial], tuple[GroupPanel, GroupPanel]]:
    """Trials and panels as `drawn_trials` and `read_group_panels` make them."""
    drawn_for = rng.integers(0, MOST_TRIALS, len(took))
    part = rng.integers(0, GROUPS, len(took))
    trials: list[Trial] = []
    cells: tuple[list[tuple[str, date, float | None]], ...] = ([], [])
    for place in range(MOST_TRIALS):
        week = SHIP + place
        could = (drawn_for == place) & (counts[:, week] > 0) & ((took < 0) | (took >= week))
        is_taken, is_later = could & (took == week), could & (took > week)
        others = could & ~is_taken
        trials.append(
            Trial(monday(week), int(is_taken.sum()), int(others.sum()), int(is_later.sum()))
        )
        if not trials[-1].is_large:
            continue
        for into, side in zip(cells, (others, is_later), strict=True):
            for name, those in ((TOOK, is_taken), (OTHERS, side)):
                sums = np.stack(
                    [counts[those & (part == one)].sum(axis=0) for one in range(GROUPS)]
                )
                into.extend(
                    (f"{place} {name} {one:02d}", monday(at), float(sums[one, at]))
                    for one in range(GROUPS)
                    for at in range(WEEKS)
                    if sums[one, at]
                )
    span = {"before": monday(SHIP), "until": monday(WEEKS), "is_log": True}
    first, second = (panel_of("sales", one, **span) for one in cells)
    return trials, (first, second)


def monday(week: int) -> date:
    """Monday of a week by its place."""
    return (SHIPPED_AT + timedelta(weeks=week - SHIP)).date()


def _usual_says_worked(rng: np.random.Generator, counts: np.ndarray, took: np.ndarray) -> bool:
    """Group-time effects by week of taking it, against all units that had not, at 2.5 %."""
    cohorts: list[int | None] = []
    outcomes: list[np.ndarray] = []
    for start in (*range(SHIP, SHIP + MOST_TRIALS), None):
        is_in = took == start if start is not None else (took < 0) | (took >= SHIP + MOST_TRIALS)
        members = np.flatnonzero(is_in)
        for ids in np.array_split(rng.permutation(members), GROUPS):
            outcomes.append(counts[ids].sum(axis=0))
            cohorts.append(None if start is None else start + 1)
    sums = np.array(outcomes)
    if (sums <= 0).any():
        return False
    found = staggered_effect(np.log(sums), cohorts, anticipation=1, most_periods=WEEKS_AFTER)
    return not isinstance(found, NotEstimable) and found.ci_lower > 0
