"""Error rates of the verdict on a release to everyone; the tables stand in `calibration`."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulation.calibration.everyone import city_rows, decide, read_cities, table

from landed.catalog.release_designs import PlaceboWindows

SEED = 20261128


def test_a_release_to_everyone_errs_as_often_as_it_says() -> None:
    """400 releases a cell, seed 20261128: each promise within three Monte Carlo errors."""
    rows = table(400, SEED)

    assert [row for row in rows if not row.is_near] == []


@pytest.mark.full
def test_a_release_to_everyone_errs_as_often_as_it_says_on_many_draws() -> None:
    """5,000 releases a cell, seed 20261128."""
    rows = table(5_000, SEED)

    assert [row for row in rows if not row.is_kept] == []


def test_cities_without_a_launch_are_seldom_judged(real_data: Path) -> None:
    rows = city_rows(real_data / "launch_to_all" / "geo_daily.csv")

    assert len(rows) == 2
    assert [row for row in rows if not row.is_kept] == []


def test_cities_with_little_history_are_not_estimable(real_data: Path) -> None:
    cities = read_cities(real_data / "launch_to_all" / "geo_daily.csv")

    short = {decide(values[:70], 56, PlaceboWindows(7, 14)) for values in cities.values()}
    wide = {decide(values, 76, PlaceboWindows()) for values in cities.values()}

    assert (short, wide) == ({"not_estimable"}, {"not_estimable"})
