"""Runs the queries that turn marts into quantiles of rows, in bounded memory."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..catalog import Catalog
from ..catalog.forms import RankForm
from ..catalog.releases import Release
from ..compiler import MOMENT_COLUMNS, compile_row_counts, compile_unit_rows
from ..errors import EstimationError
from ..stats import NotEstimable, QuantileOfRows, quantile_of_rows
from ..warehouse import Engine
from .clustered import BY_UNIT_ONLY

Row = dict[str, Any]

FORM = "quantile"
#: Rows of a variant that are held at once, 16 bytes each and as much again to rank them. Of more,
#: one unit in so many is taken, with all of its rows: an error of 0.1 % of the share is left.
MOST_ROWS = 5_000_000


def measure_quantiles(
    engine: Engine,
    catalog: Catalog,
    release: Release,
    *,
    cutoff_at: datetime,
    most_rows: int = MOST_ROWS,
) -> list[Row]:
    """Quantiles of a release's median and percentile metrics, one a metric and variant.

    Args:
        engine: The database with the marts.
        catalog: Definitions of the metrics.
        release: The release whose exposed units are measured.
        cutoff_at: Rows at or after it do not count. UTC.
        most_rows: Rows of a variant that are held at once. Count.

    Returns:
        Rows with the columns of `MOMENT_COLUMNS`, of which only counts are known, and `quantile`:
        the value with its standard error, the reason why there is none, or None where nobody has
        a row.
    """
    found: list[Row] = []
    for metric in release.metrics:
        form = catalog.rank_form(metric)
        if form is None:
            continue
        compiled = compile_row_counts(catalog, release, metric, cutoff_at=cutoff_at)
        counts = {row["variant"]: row for row in engine.dicts(compiled.sql)}
        for variant in release.variants:
            count = counts.get(variant, {})
            row: Row = {
                **dict.fromkeys(MOMENT_COLUMNS),
                "metric": metric,
                "variant": variant,
                "form": FORM,
                **{name: int(count.get(name) or 0) for name in ("n", "n_missing", "n_immature")},
                "quantile": None,
            }
            if release.cluster is not None:
                row["quantile"] = NotEstimable(f"a quantile {BY_UNIT_ONLY}")
            elif row["n"]:
                compiled = compile_unit_rows(
                    catalog,
                    release,
                    metric,
                    variant,
                    cutoff_at=cutoff_at,
                    one_unit_in=-(-int(count["row_count"]) // most_rows),
                )
                row["quantile"] = _ranked(engine, compiled.sql, form)
            found.append(row)
    return found


def _ranked(engine: Engine, sql: str, form: RankForm) -> QuantileOfRows | NotEstimable:
    table = engine.arrow(sql)
    try:
        return quantile_of_rows(
            table["value"].to_numpy(),
            table["unit"].to_numpy(),
            form.quantile,
            is_discrete=form.is_discrete,
            relative_error=form.relative_error,
        )
    except EstimationError as error:
        return NotEstimable(f"its rows are wrong: {error.faults[0].what}")
