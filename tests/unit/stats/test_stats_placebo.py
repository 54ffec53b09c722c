"""The launch-to-all comparison against its definition, on series with known moves."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pyarrow.csv
import pytest
from scipy import stats as reference

from landed.errors import EstimationError
from landed.stats import NotEstimable, placebo_difference

SEED = 20261128
WEEKDAYS = (0, 0.02, 0.03, 0.02, 0, -0.12, -0.15)


def series(rng: np.random.Generator, days: int, correlation: float, trend: float = 0.0005):
    noise = np.empty(days)
    noise[0] = rng.normal(0, 0.04 / math.sqrt(1 - correlation**2))
    for day in range(1, days):
        noise[day] = correlation * noise[day - 1] + rng.normal(0, 0.04)
    return [float(noise[d]) + WEEKDAYS[d % 7] + trend * d for d in range(days)]


def test_the_move_is_held_against_disjoint_placebo_windows():
    logs = series(np.random.default_rng(SEED), 194, 0.6)

    found = placebo_difference(logs, 180)

    def move(s):
        return fmean(logs[s : s + 14]) - fmean(logs[s - 28 : s])

    moves = [move(s) for s in range(166, 27, -14)]
    assert [start for start, _ in found.placebos] == list(range(166, 27, -14))
    assert found.log_effect == pytest.approx(move(180) - fmean(moves), abs=1e-12)
    error = stdev(moves) * math.sqrt(1 + 1 / len(moves))
    assert found.standard_error == pytest.approx(error, rel=1e-12)
    half = reference.t.ppf(0.95, len(moves) - 1) * error
    assert found.ci_upper - found.log_effect == pytest.approx(half, rel=1e-9)


def test_a_day_of_the_change_belongs_to_neither_window():
    logs = series(np.random.default_rng(SEED), 195, 0.6)
    odd = [*logs[:180], 9.0, *logs[181:]]  # the day it shipped on, half with it

    found = placebo_difference(odd, 181, days_between=1)

    def move(s):
        return fmean(odd[s : s + 14]) - fmean(odd[s - 29 : s - 1])

    assert [start for start, _ in found.placebos] == list(range(166, 28, -14))
    assert found.move == pytest.approx(move(181), abs=1e-12)
    assert found.placebos[0][1] == pytest.approx(move(166), abs=1e-12)


def test_a_trend_and_weekdays_cancel():
    rng = np.random.default_rng(SEED)
    flat = series(rng, 194, 0.3, trend=0.0)

    steep = [value + 0.01 * day + (0.3 if day % 7 == 2 else 0) for day, value in enumerate(flat)]

    found, same = placebo_difference(flat, 180), placebo_difference(steep, 180)
    assert same.log_effect == pytest.approx(found.log_effect, abs=1e-12)
    assert same.standard_error == pytest.approx(found.standard_error, rel=1e-9)


@pytest.mark.parametrize(
    ("logs", "changed_at", "given", "reason"),
    [
        ([0.0] * 184, 180, {}, "the window after the change has 10 days left"),
        ([0.0] * 180, 180, {}, "the window after the change has 14 days left"),
        ([0.0] * 60, 56, {}, "too little history: 2 placebo windows of 14 days"),
        ([0.0] * 70, 56, {}, "too little history: 2 placebo windows of 14 days"),
        ([0.0] * 194, 180, {}, "the placebo windows do not differ"),
        ([0.0] * 185 + [None] * 9, 180, {}, "a day around the change has no value"),
        ([0.0] * 194, 180, {"excluded": range(100, 140)}, "too little history: 4 placebo"),
    ],
)
def test_what_cannot_be_told_says_why(logs, changed_at, given, reason):
    found = placebo_difference(logs, changed_at, **given)

    assert isinstance(found, NotEstimable)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"changed_at": 195}, "changed_at is 195"),
        ({"changed_at": 180, "days_between": -1}, "days_between is -1"),
        ({"changed_at": 180, "days_after": 10}, "days_after is 10"),
        ({"changed_at": 180, "days_before": 0}, "days_before is 0"),
        ({"changed_at": 180, "confidence_level": 1.0}, "confidence_level is 1.0"),
    ],
)
def test_a_wrong_call_is_refused(given, says):
    with pytest.raises(EstimationError, match=says):
        placebo_difference([0.0] * 194, **given)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.85])
def test_without_an_effect_each_side_is_called_about_five_times_in_a_hundred(correlation):
    """1,000 series of 194 days a cell, seed 20261128; 5 % a side, three standard errors."""
    rng = np.random.default_rng(SEED)
    up = down = 0
    for _ in range(1_000):
        found = placebo_difference(series(rng, 194, correlation), 180)
        up += found.ci_lower > 0
        down += found.ci_upper < 0
    allowed = 3 * math.sqrt(0.05 * 0.95 / 1_000)
    assert abs(up / 1_000 - 0.05) < allowed
    assert abs(down / 1_000 - 0.05) < allowed


def test_cities_without_a_launch_are_seldom_called(real_data: Path):
    """40 cities of one real product, windows of 7 and 14 days, 14 launch days that were none."""
    table = pyarrow.csv.read_csv(real_data / "launch_to_all" / "geo_daily.csv")
    rows = sorted(table.to_pylist(), key=lambda row: (row["location"], row["date"]))
    found: list[tuple[float, float]] = []
    for city in sorted({row["location"] for row in rows}):
        logs = [math.log(row["Y"]) for row in rows if row["location"] == city]
        assert isinstance(placebo_difference(logs[:70], 56), NotEstimable)
        assert isinstance(placebo_difference(logs, 76), NotEstimable)
        for origin in range(70, len(logs) - 6):
            one = placebo_difference(logs, origin, days_after=7, days_before=14)
            found.append((one.ci_lower, one.ci_upper))
    assert sum(lower > 0 for lower, _ in found) <= 0.06 * len(found)
    assert sum(upper < 0 for _, upper in found) <= 0.06 * len(found)
