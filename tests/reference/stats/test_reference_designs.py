"""Designs that are not randomised, against figures published of public data."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from landed.stats import StaggeredEffect, SyntheticControl, staggered_effect, synthetic_control


def shipped(package: str, *parts: str) -> Path:
    """A data file of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]).joinpath(*parts)


@pytest.fixture(scope="module")
def minimum_wage() -> tuple[pd.DataFrame, list[int | None]]:
    """Log teen employment of 500 counties, 2003 to 2007, and when their state raised its minimum.

    The sample of Callaway and Sant'Anna (2021) that their package `did` ships as `mpdta`.
    """
    path = shipped("moderndid", "core", "datasets", "mpdta_long.pkl.gz")
    data = pd.read_pickle(path)  # noqa: S301 - as the package itself reads it
    wide = data.pivot(index="countyreal", columns="year", values="lemp").sort_index()
    years = list(wide.columns)
    raised = data.groupby("countyreal")["first.treat"].first().sort_index()
    return wide, [years.index(int(year)) if year else None for year in raised]


def test_group_time_effects_are_those_published_of_minimum_wages(
    minimum_wage: tuple[pd.DataFrame, list[int | None]],
) -> None:
    """Vignette of the R package `did`, att_gt(xformla = ~ 1), four decimals as printed."""
    wide, cohorts = minimum_wage

    found = staggered_effect(wide.to_numpy(), cohorts, comparison="never_treated")

    assert isinstance(found, StaggeredEffect)
    years = list(wide.columns)
    effects = {
        (years[cell.cohort], years[cell.period]): cell.effect for cell in found.cells if cell.weight
    }
    published = {
        (2004, 2004): -0.0105,
        (2004, 2005): -0.0704,
        (2004, 2006): -0.1373,
        (2004, 2007): -0.1008,
        (2006, 2006): -0.0046,
        (2006, 2007): -0.0412,
        (2007, 2007): -0.0261,
    }
    assert effects == pytest.approx(published, abs=5e-5)
    # its simple average is printed as -0.0400, with a bootstrapped error of about 0.012
    assert found.effect == pytest.approx(-0.0400, abs=5e-5)
    assert found.standard_error == pytest.approx(0.012, abs=0.001)


def test_the_synthetic_control_of_proposition_99_is_the_published_one() -> None:
    """Cigarette packs a head in California against 38 states, 1970 to 2000.

    Arkhangelsky et al. (2021), Synthetic difference-in-differences, AER 111, table 1: -19.6 packs
    by the outcome alone. Abadie, Diamond and Hainmueller (2010), who use predictors too: almost 20
    packs on average, about 26 in 2000, from Utah, Nevada, Montana, Colorado and Connecticut.
    """
    data = pd.read_csv(shipped("synthdid", "data", "california_prop99.csv"), sep=";")
    packs = data.pivot(index="State", columns="Year", values="PacksPerCapita")
    donors = {state: row.tolist() for state, row in packs.drop("California").iterrows()}

    found = synthetic_control(
        packs.loc["California"].to_numpy(), donors, list(packs.columns).index(1989)
    )

    assert isinstance(found, SyntheticControl)
    assert found.effect == pytest.approx(-19.6, abs=0.2)
    assert found.gaps[-1] == pytest.approx(-26, abs=1)
    of_the_paper = {"Utah", "Nevada", "Montana", "Colorado", "Connecticut"}
    assert sum(share for state, share in found.weights.items() if state in of_the_paper) > 0.95
    assert list(found.weights)[:3] == ["Utah", "Montana", "Nevada"]
    # by the outcome alone, Missouri and Virginia are fitted closer than in the paper, where
    # California's ratio of squared errors, about 130, is the largest of the 39
    assert [state for state, ratio in found.placebo_ratios.items() if ratio > found.ratio] == [
        "Missouri",
        "Virginia",
    ]
    assert found.ratio**2 == pytest.approx(130, rel=0.25)
