"""FILTER on a metric is WHERE on that metric: the same groups and values, for every kind."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kinds.compare import GRAINS, catalog_of, first_of, same
from kinds.definitions import as_sql, has_offset
from kinds.generate import Drawing
from kinds.marts import make_engine, make_rows
from landed.catalog import Catalog
from landed.compiler import FilteredMetric, MetricQuery, OutputColumn, compile_query
from landed.errors import QueryRefused

SEED = 20260402

Values = dict[tuple[Any, ...], Any]


def answered(
    catalog: Catalog, engine: duckdb.DuckDBPyConnection, query: MetricQuery
) -> tuple[list[str], Values]:
    """Names of the values, and the values of each group."""
    keys = len(query.group_by)
    compiled = compile_query(catalog, query)
    rows = engine.execute(compiled.sql).fetchall()
    found = {row[:keys]: row[keys:] for row in rows}
    assert len(found) == len(rows)
    return [one.name for one in compiled.columns[keys:]], found


def check(root: Path, seed: int, definitions: int, data_sets: int) -> Counter[str]:
    """Ask each metric by WHERE, by FILTER, and by FILTER beside another; what was compared."""
    drawing = Drawing(seed)
    targets = drawing.draw(definitions)
    catalog = catalog_of(root, drawing.metrics)
    counted: Counter[str] = Counter()
    for number in range(data_sets):
        rows, units = make_rows(random.Random(seed * 1000 + number))  # noqa: S311
        with make_engine(rows, units) as engine:
            for target in targets:
                drawn = drawing.query((target,), GRAINS, first_of(rows))
                where = as_sql(drawn)
                if not where:
                    continue
                has_time = drawn.grain is not None
                keys = (*drawn.group_by, *(["metric_time"] if has_time else []))
                one = FilteredMetric("filtered value", target, where)
                plain = MetricQuery((target,), keys, drawn.grain, where)  # type: ignore[arg-type]
                alone = MetricQuery((), keys, drawn.grain, filtered=(one,))  # type: ignore[arg-type]
                _, expected = answered(catalog, engine, plain)
                try:
                    _, found = answered(catalog, engine, alone)
                except QueryRefused as refusal:
                    assert refusal.code == "filter_time"  # noqa: PT017 - some are refused
                    assert has_offset(drawing.metrics, target)
                    assert any("metric_time" in text for text in where)
                    counted["refused"] += 1
                    continue
                assert found.keys() == expected.keys(), (target, where)
                for key, values in expected.items():
                    assert same(found[key][0], values[0]), (target, where, key)
                counted[drawing.metrics[target]["type"]] += len(expected)
                counted["telling"] += sum(1 for values in expected.values() if values[0])
                _beside(catalog, engine, alone, target, expected)
    return counted


def _beside(
    catalog: Catalog,
    engine: duckdb.DuckDBPyConnection,
    alone: MetricQuery,
    target: str,
    expected: Values,
) -> None:
    """With the unfiltered metric in the same query, both have the values they have alone."""
    columns = (
        *(OutputColumn(key, key) for key in alone.group_by),
        OutputColumn(target, "all"),
        OutputColumn("filtered value", "own"),
    )
    grain, keys = alone.grain, alone.group_by
    both = MetricQuery((target,), keys, grain, columns=columns, filtered=alone.filtered)
    _, together = answered(catalog, engine, both)
    _, unfiltered = answered(catalog, engine, MetricQuery((target,), keys, grain))
    for key, values in expected.items():
        assert same(together[key][1], values[0]), (target, alone.filtered, key)
    for key, values in unfiltered.items():
        assert same(together[key][0], values[0]), (target, alone.filtered, key)


def test_a_filtered_metric_is_the_metric_where_the_condition_holds(tmp_path: Path) -> None:
    counted = check(tmp_path, SEED, definitions=40, data_sets=2)

    assert len(counted) >= 7
    assert counted["telling"] > 100


@pytest.mark.full
@pytest.mark.parametrize("seed", range(6))
def test_filtered_metrics_of_all_kinds_are_the_metrics_where_the_condition_holds(
    tmp_path: Path, seed: int
) -> None:
    counted = check(tmp_path, seed, definitions=40, data_sets=3)

    assert counted["telling"] > 40
