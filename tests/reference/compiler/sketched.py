"""What the sketches are tried on: statements of their own, and a project of sketched metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import sqlglot
from sqlglot import exp

from landed.catalog import Catalog, load_catalog
from landed.catalog.definitions import DISTINCT_REGISTERS, Measure
from landed.compiler.syntax import append_cte, column, common, named
from landed.project import Project

STANDARD_ERROR = 1.04 / math.sqrt(DISTINCT_REGISTERS)
#: Percentiles that are asked for.
SHARES = [index / 20 for index in range(21)] + [0.001, 0.01, 0.99, 0.999, 0.9999]


def percentile(share: float, *, is_discrete: bool = False) -> Measure:
    return Measure(
        "p", "percentile", "v", "t", percentile=share, is_discrete=is_discrete, is_approximate=True
    )


def statement(state: exp.Expr, tables: Sequence[exp.CTE], columns: Sequence[str]) -> exp.Select:
    """A state, what is read from it, and those columns of it."""
    select = exp.select(*(column(one) for one in columns)).from_(named("found"))
    append_cte(select, common("state", state))
    for one in tables:
        append_cte(select, one)
    return select


def parsed(sql: str) -> exp.Select:
    """Rows in DuckDB's words."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(tree, exp.Select)
    return tree


def shapes(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Values as measurements have them, by what is told of them."""
    count = 4001
    signed = rng.normal(0, 50, count)
    return {
        "uniform": rng.uniform(0, 1, count),
        "lognormal": rng.lognormal(3, 2.5, count),
        "pareto": rng.pareto(0.8, count) + 1e-3,
        "signed": signed,
        "whole with zeros": rng.poisson(0.7, count).astype(float) - 1,
        "ties": rng.choice([0.1, 1.0, 19.99, 250.0], count),
        "far apart": np.concatenate([rng.uniform(1e-300, 1e-290, 2000), signed * 1e300]),
        "one value": np.full(17, 42.5),
        "two values": np.array([-3.0, 8.0]),
    }


MODELS = """
models:
  - name: fct_events
    columns:
      - {name: event_id, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: kind, data_type: varchar}
      - {name: seconds, data_type: double}
      - {name: occurred_at, data_type: timestamp}
semantic_models:
  - name: events
    model: ref('fct_events')
    defaults: {agg_time_dimension: occurred_at}
    entities: [{name: event, type: primary, expr: event_id}]
    dimensions:
      - {name: kind, type: categorical}
      - {name: occurred_at, type: time, type_params: {time_granularity: second}}
    measures:
      - {name: units, agg: count_distinct, expr: unit_id}
      - name: units_sketch
        agg: count_distinct
        expr: unit_id
        config: {meta: {sketch: hyperloglog}}
      - name: p90
        agg: percentile
        expr: seconds
        agg_params: {percentile: 0.9, use_approximate_percentile: true}
      - name: p50
        agg: percentile
        expr: seconds
        agg_params: {percentile: 0.5, use_approximate_percentile: true}
"""
ENTRY = """
  - name: {name}
    label: {name}
    description: Rows that the product wrote down, everybody in, bots too.
    type: {kind}
    type_params: {params}
    config: {{meta: {{owner: growth, value: count, direction: increase_is_good}}}}
"""
KINDS = {
    "units": ("metrics", "simple", "{measure: units}"),
    "units_sketch": ("metrics", "simple", "{measure: units_sketch}"),
    "p90": ("metrics", "simple", "{measure: p90}"),
    "p50": ("metrics", "simple", "{measure: p50}"),
    "spread": ("metrics", "derived", "{expr: p90 - p50, metrics: [p90, p50]}"),
    "weekly": ("product_metrics", "rolling_distinct", "{measure: units_sketch, window: 7 days}"),
    "weekly_exact": (
        "product_metrics",
        "rolling_distinct",
        "{measure: units, window: 7 days}",
    ),
    "to_date": (
        "metrics",
        "cumulative",
        "{measure: units_sketch, cumulative_type_params: {grain_to_date: month}}",
    ),
}


def sketch_catalog(root: Path) -> Catalog:
    """A project of its own, whose metrics are sketches, and the exact ones beside them."""
    text = ""
    for key in ("metrics", "product_metrics"):
        text += f"{key}:\n"
        for name, (group, kind, params) in KINDS.items():
            if group == key:
                text += ENTRY.format(name=name, kind=kind, params=params)
    for folder, body in (("models", MODELS), ("metrics", text)):
        (root / folder).mkdir(parents=True)
        (root / folder / "all.yml").write_text(body, encoding="utf-8")
    return load_catalog(Project(root, "sketches"), core=root / "no_core")


def sketch_engine() -> duckdb.DuckDBPyConnection:
    """Its mart: 20 000 rows of 900 units over a month."""
    found = duckdb.connect(":memory:")
    found.execute(
        """
        create table fct_events as
        select
            'e' || i as event_id,
            case when hash(i) % 9 > 0 then 'u' || (hash(i + 3) % 900) end as unit_id,
            ['view', 'order', null][1 + (hash(i + 5) % 3)::int] as kind,
            case when hash(i + 7) % 4 > 0 then (hash(i + 9) % 1000)::double - 100 end as seconds,
            timestamp '2026-03-20' + interval 1 hour * (hash(i + 11) % 720)::int as occurred_at
        from range(20000) r(i)
        union all
        select 'x', null, 'empty', null, timestamp '2026-03-25';
        create table time_spine as
            select unnest(range(date '2026-01-01', date '2027-01-01', interval 1 day))::date
                as date_day;
        """
    )
    return found
