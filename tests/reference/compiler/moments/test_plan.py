"""What the one query does: how often it reads a mart, what it says by segment, how exact it is."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any

import duckdb
import numpy as np
import pytest

from landed.catalog import Catalog
from landed.compiler import MetricQuery, compile_query, compile_unit_moments
from landed.errors import PlanError, QueryRefused
from landed.impact import pre_period_sums
from landed.stats import Moments, ratio_of_sums, welch
from moments.counting import units_of
from moments.drawn import (
    SEGMENTS,
    SHIPPED_AT,
    Drawn,
    Part,
    Rows,
    catalog_of,
    draw_rows,
)
from moments.test_moments import CUTOFF

ERRORS = Part("error_count")
EVENTS = Part("event_count")
REVENUE = Drawn("revenue", "mean", Part("amount_sum"))
METRICS = [
    REVENUE,
    Drawn("revenue_7d", "mean", Part("amount_sum"), window=7),
    Drawn("signed_up", "proportion", Part("event_units")),
    Drawn("error_share", "ratio", ERRORS, EVENTS, window=3.5),
    Drawn("seconds", "unit_mean", Part("amount_average")),
    Drawn("amount", "ratio", Part("amount_sum"), EVENTS),
    Drawn("rating", "unit_mean", Part("rating_average"), window=1),
]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return catalog_of(tmp_path_factory.mktemp("project"), METRICS)


@pytest.fixture(scope="module")
def rows() -> Rows:
    return draw_rows(random.Random(11), units=80, events=900)  # noqa: S311


def moments(catalog: Catalog, *names: str, segments: tuple[str, ...] = ()) -> str:
    release = catalog.releases["new-start"]
    return compile_unit_moments(catalog, release, names, cutoff_at=CUTOFF, segments=segments).sql


def scans(engine: duckdb.DuckDBPyConnection, sql: str) -> dict[str, int]:
    """How often a plan reads each table."""
    found: dict[str, int] = {}
    waiting = json.loads(engine.execute(f"explain (format json) {sql}").fetchall()[0][1])
    while waiting:
        node = waiting.pop()
        waiting.extend(node.get("children", ()))
        table = node.get("extra_info", {}).get("Table", "")
        if table:
            name = table.rpartition(".")[2].strip('"')
            found[name] = found.get(name, 0) + 1
    return found


def test_each_mart_is_read_once_for_all_metrics_windows_and_segments(
    catalog: Catalog, rows: Rows
) -> None:
    sql = moments(catalog, *(metric.name for metric in METRICS), segments=SEGMENTS)

    read = scans(rows.engine, sql)

    assert read == {"fct_events": 1, "fct_feedback": 1, "fct_exposures": 1}
    twice = scans(rows.engine, "select * from fct_events union all select * from fct_events")
    assert twice == {"fct_events": 2}  # a second scan would be seen


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_release_scope_by_segment_gives_the_means_of_its_units(
    catalog: Catalog, rows: Rows, metric: Drawn
) -> None:
    where = ("release = 'new-start'", "variant = 'video'", "country <> 'c001'")
    query = MetricQuery((metric.name,), ("unit__plan",), where=where)

    found = rows.answer(compile_query(catalog, query).sql)

    counted: dict[str | None, list[float]] = {}
    for unit in units_of(rows, metric):
        plan, country, _ = unit.levels
        if unit.variant != "video" or country in (None, "c001"):
            continue
        both = counted.setdefault(plan, [0.0, 0.0])
        if unit.is_mature and unit.y is not None:
            both[0] += unit.y
            both[1] += 1 if unit.d is None else unit.d
    assert {row["unit__plan"]: row[metric.name] for row in found} == {
        plan: pytest.approx(top / bottom, rel=1e-9) if bottom else None
        for plan, (top, bottom) in counted.items()
    }


def test_a_dimension_of_rows_cannot_cut_a_release(catalog: Catalog) -> None:
    query = MetricQuery(("revenue",), ("event__event_name",), where=("release = 'new-start'",))

    with pytest.raises(QueryRefused, match="by variant, unit__country, unit__is_paying"):
        compile_query(catalog, query)


def test_a_segment_that_is_not_known_as_of_the_exposure_is_refused(catalog: Catalog) -> None:
    with pytest.raises(PlanError, match="`plann` is not known as of the exposure"):
        moments(catalog, "revenue", segments=("plann",))


def large_values(mean: float, spread: float) -> tuple[Rows, dict[str, Any]]:
    """A thousand units an arm, each with two rows of large amounts before and after exposure."""
    draw = np.random.default_rng(3)
    exposed_at = SHIPPED_AT + timedelta(days=5)
    rows = draw_rows(random.Random(1), units=1, events=0)  # noqa: S311
    amounts: dict[str, Any] = {}
    rows.engine.execute("delete from fct_exposures")
    for variant in ("control", "checklist"):
        amounts[variant] = np.rint(draw.normal(mean, spread, (1000, 2, 2)))
        for place, at in enumerate((exposed_at, exposed_at - timedelta(days=3))):
            values = amounts[variant][:, place, :].reshape(-1).tolist()
            rows.engine.execute(
                "insert into fct_events (event_id, unit_id, amount, occurred_at)"
                " select $2 || i, $2 || i // 2, a, $3"
                " from (select unnest($1::double[]) as a, unnest(range(2000)) as i)",
                [values, variant, at],
            )
        rows.engine.execute(
            "insert into fct_exposures (release, unit_id, variant, exposed_at)"
            " select 'new-start', $1 || i, $1, $2 from range(1000) as numbers (i)",
            [variant, exposed_at],
        )
    return rows, amounts


def test_the_variance_of_values_a_million_times_their_spread_keeps_its_digits(
    catalog: Catalog,
) -> None:
    rows, amounts = large_values(1e9, 1e3)

    found = rows.answer(moments(catalog, "revenue", "amount"))

    for row in found:
        if row["variant"] not in amounts or row["metric"] != "revenue":
            continue
        y, x = (amounts[row["variant"]][:, place, :].sum(axis=1) for place in (0, 1))
        entered = Moments(row["n"], row["sum_y"], row["sum_yy"], shift_y=row["shift_y"])
        # whole numbers around 2e9, centred by their own mean, are exact to the last digits
        assert entered.variance() == pytest.approx(float(np.var(y, ddof=1)), rel=1e-9)
        assert entered.mean() == pytest.approx(float(y.mean()), rel=1e-15)
        covariance = pre_period_sums(row).centred("xy") / (row["n"] - 1)
        assert covariance == pytest.approx(float(np.cov(x, y)[0, 1]), rel=1e-9)
        raw = Moments(row["n"], float(y.sum()), float((y * y).sum()))
        assert abs(raw.variance() / float(np.var(y, ddof=1)) - 1) > 1e-9  # what raw squares keep


def test_a_ratio_of_large_values_has_the_error_of_its_units(catalog: Catalog) -> None:
    rows, amounts = large_values(1e9, 1e3)

    found = {row["variant"]: row for row in rows.answer(moments(catalog, "amount"))}

    arms = [
        Moments(*(found[variant][name] for name in (
            "n", "sum_y", "sum_yy", "sum_d", "sum_dd", "sum_yd", "shift_y", "shift_d"
        )))
        for variant in ("control", "checklist")
    ]  # fmt: skip
    estimate = ratio_of_sums(*arms)
    halves = [Moments.of(amounts[name][:, 0, :].mean(axis=1) - 1e9) for name in amounts]
    assert estimate.ci_lower == pytest.approx(welch(*halves).ci_lower, rel=1e-6)
