"""What a release to everyone is not judged by: an interrupted time series.

Seed and draws stand in the test. The same days as in `calibration/everyone.py`.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from simulation.calibration.everyone import AFTER, BEFORE, decisions, logs

DRAWS = 400


@pytest.mark.parametrize("lags", [7, 14])
def test_hac_errors_find_changes_that_were_not_there(lags: int) -> None:
    """Ordinary least squares with a trend, weekdays and a step, Newey and West's errors.

    At AR(1) 0.6 a nominal 10 % two-sided test of the step errs more than twice as often, while the
    placebo windows keep 5 % a side on the same draws.
    """
    drawn = logs(np.random.default_rng(20261128), DRAWS, 0.6)
    days = np.arange(BEFORE + AFTER)
    columns = [np.ones_like(days), days, days >= BEFORE, *(days % 7 == day for day in range(6))]
    design = np.column_stack(columns).astype(float)
    false = sum(
        sm.OLS(one, design).fit(cov_type="HAC", cov_kwds={"maxlags": lags}).pvalues[2] < 0.10
        for one in drawn
    )

    found = decisions(drawn)

    noise = 3 * math.sqrt(0.1 * 0.9 / DRAWS)
    assert false / DRAWS > 0.20
    assert (found["worked"] + found["harmed"]) / DRAWS < 0.10 + noise
