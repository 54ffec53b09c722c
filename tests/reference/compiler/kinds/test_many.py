"""Many metrics in one query, taken from cells: each has the groups and values it has alone."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from kinds.compare import GRAINS, ZONES, catalog_of, first_of, same
from kinds.definitions import as_sql
from kinds.generate import Drawing
from kinds.marts import make_engine, make_rows
from landed.compiler import MetricQuery, compile_query

SEED = 20260403
MEASURES = (
    "event_count",
    "error_count",
    "amount_sum",
    "seconds_average",
    "amount_least",
    "amount_most",
)
KNOWN = ("event__event_name", "event__is_error", "unit__plan", "unit__country")


def check(root: Path, seed: int, queries: int) -> Counter[str]:
    """Ask metrics together and one by one; what was compared."""
    drawing = Drawing(seed)
    targets = [drawing.draw_filtered(MEASURES, KNOWN, 12) for _ in range(queries)]
    catalog = catalog_of(root, drawing.metrics)
    counted: Counter[str] = Counter()
    rows, units = make_rows(random.Random(seed))  # noqa: S311
    with make_engine(rows, units) as engine:
        for metrics in targets:
            drawn = drawing.query(metrics, GRAINS, first_of(rows), (None, *ZONES))
            keys = (*drawn.group_by, *(["metric_time"] if drawn.grain else []))
            where, count = as_sql(drawn), len(keys)

            def asked(names: tuple[str, ...]) -> MetricQuery:
                return MetricQuery(names, keys, drawn.grain, where, time_zone=drawn.zone)  # type: ignore[arg-type]  # noqa: B023

            sql = compile_query(catalog, asked(tuple(metrics))).sql
            counted["from cells"] += "_cells" in sql
            together = {row[:count]: row[count:] for row in engine.execute(sql).fetchall()}
            seen = set()
            for at, name in enumerate(metrics):
                alone = engine.execute(compile_query(catalog, asked((name,))).sql).fetchall()
                seen |= {row[:count] for row in alone}
                for row in alone:
                    assert same(together[row[:count]][at], row[count]), (name, where, row)
                    counted["values"] += bool(row[count])
            assert seen == together.keys()
    return counted


def test_metrics_asked_together_have_the_values_they_have_alone(tmp_path: Path) -> None:
    counted = check(tmp_path, SEED, queries=12)

    assert counted["from cells"] >= 8
    assert counted["values"] > 200


@pytest.mark.full
@pytest.mark.parametrize("seed", range(8))
def test_many_more_metrics_asked_together_have_the_values_they_have_alone(
    tmp_path: Path, seed: int
) -> None:
    counted = check(tmp_path, seed, queries=40)

    assert counted["from cells"] >= 20
