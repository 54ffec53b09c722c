"""Runs the one query that turns marts into moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..catalog import Catalog
from ..catalog.definitions import EXPOSURES_MODEL
from ..catalog.forms import NoUnitForm
from ..catalog.releases import Release
from ..compiler import Relations, compile_unit_moments
from ..stats import JointSums
from ..warehouse import Engine
from .measure_quantiles import measure_quantiles

Row = dict[str, Any]
_POPULATION = "population_instead"


@dataclass(frozen=True, slots=True)
class Measured:
    """The moments of a release.

    Args:
        overall: One row a metric and variant, with the columns of `MOMENT_COLUMNS`.
        by_segment: The same for each level of each segment; they name it.
    """

    overall: list[Row]
    by_segment: list[Row]


def measure(
    engine: Engine, catalog: Catalog, release: Release, *, cutoff_at: datetime
) -> list[Row]:
    """Moments of every metric of a release that has a per-unit outcome.

    Args:
        engine: The database with the marts.
        catalog: Definitions of the metrics.
        release: The release whose exposed units are measured.
        cutoff_at: Outcomes at or after it do not count. UTC.

    Returns:
        One row a metric and variant, with the columns of `landed.compiler.MOMENT_COLUMNS`; of
        medians and percentiles as `measure_quantiles` gives them. Other metrics without a
        per-unit outcome have no row; `estimate_release` says so.
    """
    rows = _rows(engine, catalog, release, cutoff_at, ())
    return rows + measure_quantiles(engine, catalog, release, cutoff_at=cutoff_at)


def measure_segments(
    engine: Engine, catalog: Catalog, release: Release, *, cutoff_at: datetime
) -> Measured:
    """The same, and by the release's segments, in one pass over the facts.

    Medians and percentiles are not cut by segment.
    """
    rows = _rows(engine, catalog, release, cutoff_at, release.segments)
    quantiles = measure_quantiles(engine, catalog, release, cutoff_at=cutoff_at)
    return Measured(
        [row for row in rows if row["segment"] is None] + quantiles,
        [row for row in rows if row["segment"] is not None],
    )


def measure_population(  # noqa: PLR0917 - as `measure`, then who is measured
    engine: Engine,
    catalog: Catalog,
    release: Release,
    metrics: Sequence[str],
    population: str,
    params: Mapping[str, Any],
    *,
    cutoff_at: datetime,
) -> dict[tuple[str, str], Row]:
    """Moments of metrics over other units, or other variants, than those of `fct_exposures`.

    Args:
        engine: The database with the marts; may be read-only.
        catalog: Definitions of the metrics.
        release: Its variants are those of the population.
        metrics: Names, each with a per-unit outcome.
        population: A query whose rows stand for those of `fct_exposures`.
        params: Its parameters.
        cutoff_at: Outcomes at or after it do not count. UTC.

    Returns:
        The row of moments by metric and variant.
    """
    compiled = compile_unit_moments(
        catalog,
        release,
        metrics,
        cutoff_at=cutoff_at,
        relations=Relations(instead={EXPOSURES_MODEL: _POPULATION}),
    )
    engine.execute(f"create or replace temp table {_POPULATION} as {population}", params)
    try:
        rows = engine.dicts(compiled.sql)
    finally:
        engine.execute(f"drop table {_POPULATION}")
    return {(str(row["metric"]), str(row["variant"])): row for row in rows}


def outcome_sums(row: Mapping[str, Any]) -> JointSums:
    """What a row of moments says of y (and d of a ratio), third powers included."""
    return _joint(row, int(row["n"]), "dy")


def pre_period_sums(row: Mapping[str, Any]) -> JointSums:
    """What it says of units with a value in the pre-period: x (and w), alone and with y (and d).

    Units without one are in `outcome_sums` only: with x at its mean they add nothing to a product
    with x, and their share goes by the row's `n` and `n_x`.
    """
    with_x = {**row, "sum_y": row["sum_y_with_x"]}
    return _joint(with_x, int(row["n_x"]), "dwxy", needed="wx")


def _joint(row: Mapping[str, Any], n: int, letters: str, *, needed: str = "") -> JointSums:
    shifts = {one: float(row[f"shift_{one}"]) for one in letters if row[f"shift_{one}"] is not None}
    sums = {one: float(row[f"sum_{one}"]) - n * shift for one, shift in shifts.items()}
    for name, value in row.items():
        product = "".join(sorted(name.removeprefix("sum_")))
        if not name.startswith("sum_") or name == "sum_y_with_x" or len(product) < 2:
            continue
        if (
            value is not None
            and set(product) <= set(shifts)
            and (not needed or set(product) & set(needed))
        ):
            sums[product] = float(value)
    return JointSums(n, shifts, sums)


def _rows(
    engine: Engine,
    catalog: Catalog,
    release: Release,
    cutoff_at: datetime,
    segments: Sequence[str],
) -> list[Row]:
    measurable = [
        name for name in release.metrics if not isinstance(catalog.unit_form(name), NoUnitForm)
    ]
    if not measurable:
        return []
    compiled = compile_unit_moments(
        catalog, release, measurable, cutoff_at=cutoff_at, segments=segments
    )
    return engine.dicts(compiled.sql)
