"""Bias and coverage of staggered difference-in-differences; the table stands in `calibration`."""

from __future__ import annotations

import pytest
from simulation.calibration.staggered import table

SEED = 20261128


def test_the_group_time_average_is_unbiased_and_covered() -> None:
    """200 panels a size, seed 20261128: each promise within three Monte Carlo errors."""
    rows = table(200, SEED)

    assert [row for row in rows if not row.is_near] == []


@pytest.mark.full
def test_the_group_time_average_is_unbiased_and_covered_on_many_panels() -> None:
    """2,000 panels a size, seed 20261128."""
    rows = table(2_000, SEED)

    assert [row for row in rows if not row.is_kept] == []
    losing = {(row.claim, row.cell): row.found for row in rows if row.is_losing}
    assert losing["coverage", "20 clusters, z"] < 0.93
    assert abs(losing["bias", "100 clusters, two-way fixed effects"]) > 1
