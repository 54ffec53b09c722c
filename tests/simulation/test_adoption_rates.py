"""How often a version that changes nothing is said to have worked; the table is `adoption`."""

from __future__ import annotations

import pytest
from simulation.calibration.adoption import table

SEED = 20261128


def test_a_version_taken_by_the_keen_is_seldom_said_to_work() -> None:
    """40 releases a cell, seed 20261128: each promise within three Monte Carlo errors."""
    rows = table(40, SEED)

    assert [row for row in rows if not row.is_near] == []
    usual = [row for row in rows if row.claim.startswith("false worked against all")]
    assert max(row.found for row in usual) > 0.9


@pytest.mark.full
def test_a_version_taken_by_the_keen_is_seldom_said_to_work_in_many_releases() -> None:
    """1,000 releases a cell, seed 20261128."""
    rows = table(1_000, SEED)

    assert [row for row in rows if not row.is_kept] == []
    losing = {(row.claim, row.cell): row.found for row in rows if row.is_losing}
    assert losing["false worked", "taken just when use grows by 20 % anyway"] > 0.5
