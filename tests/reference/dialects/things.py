"""Expressions of the grammar over every type, to be computed by each engine."""

from __future__ import annotations

from pathlib import Path

import duckdb
import yaml
from cases import Case, tables_of

from landed.catalog import Catalog, load_catalog
from landed.compiler import MetricQuery
from landed.project import Project

COLUMNS = {
    "thing_id": "bigint",
    "unit_id": "varchar",
    "i": "integer",
    "j": "bigint",
    "x": "double",
    "word": "varchar",
    "is_on": "boolean",
    "made_on": "date",
    "seen_at": "timestamp",
}
#: Aggregation and expression of a measure, by what it shows.
MEASURES = {
    "whole_numbers_divide_to_parts": ("sum", "i / 2"),
    "a_division_by_zero_is_null": ("count", "i / j"),
    "remainders_have_the_dividends_sign": ("sum", "j % 3"),
    "mean_of_whole_numbers": ("average", "i"),
    "null_is_skipped_in_greatest": ("sum", "greatest(i, j)"),
    "null_is_skipped_in_least": ("sum", "least(x, i)"),
    "absolute": ("sum", "abs(x) + abs(i)"),
    "letters_not_bytes": ("sum", "length(word)"),
    "folded_words": ("count_distinct", "lower(word)"),
    "raised_words": ("count_distinct", "upper(word)"),
    "joined_texts": ("count_distinct", "word || '-' || unit_id"),
    "trimmed_texts": ("count_distinct", "trim(word)"),
    "patterns": ("sum_boolean", "word like '%b_r'"),
    "truth_as_a_number": ("sum", "cast(i > 2 as double)"),
    "not_known_is_no_number": ("count", "cast(i > 2 as double)"),
    "chosen": ("sum", "case when is_on then x when word in ('a', 'it''s') then 1 else 0 end"),
    "filled": ("sum", "coalesce(i, j, 0)"),
    "emptied": ("count", "nullif(word, 'bar')"),
    "days_between": ("sum", "date_diff('day', made_on, seen_at)"),
    "quotes_and_backslashes": ("sum_boolean", "word = 'a\\b' or word = 'it''s'"),
    "within": ("sum_boolean", "i between 2 and 7 and not (word is null)"),
    "whole_numbers_in_the_middle": ("median", "i"),
    "one_that_occurs": ("percentile", "j"),
    "from_text_to_number": ("sum", "cast('1.5' as double) * i"),
}
PLACES = {
    "word": "word",
    "folded": "lower(word)",
    "is_on": "is_on",
    "is_long": "length(word) > 3",
    "i": "i",
}


def catalog_of_things(root: Path) -> Catalog:
    """One metric a measure, of its name."""
    model = {
        "name": "things",
        "model": "ref('fct_things')",
        "defaults": {"agg_time_dimension": "seen_at"},
        "entities": [
            {"name": "thing", "type": "primary", "expr": "thing_id"},
            {"name": "unit", "type": "foreign", "expr": "unit_id"},
        ],
        "dimensions": [
            *({"name": k, "type": "categorical", "expr": v} for k, v in PLACES.items()),
            {"name": "seen_at", "type": "time", "type_params": {"time_granularity": "second"}},
        ],
        "measures": [
            {"name": f"{name}_measure", "agg": agg, "expr": expr}
            | (
                {"agg_params": {"percentile": 0.4, "use_discrete_percentile": True}}
                if agg == "percentile"
                else {}
            )
            for name, (agg, expr) in MEASURES.items()
        ],
    }
    described = [{"name": name, "data_type": kind} for name, kind in COLUMNS.items()]
    models = {
        "version": 2,
        "models": [{"name": "fct_things", "columns": described}],
        "semantic_models": [model],
    }
    meta = {"owner": "growth", "value": "count", "direction": "increase_is_good"}
    metrics = [
        {
            "name": name,
            "label": name.replace("_", " "),
            "description": "Rows of everybody that the product wrote down, bots left in.",
            "type": "simple",
            "type_params": {"measure": f"{name}_measure"},
            "config": {"meta": dict(meta)},
        }
        for name in MEASURES
    ]
    for folder, content in (("models", models), ("metrics", {"metrics": metrics})):
        (root / folder).mkdir(parents=True)
        (root / folder / "all.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    return load_catalog(Project(root, "things"), core=root / "no_core")


def things() -> duckdb.DuckDBPyConnection:
    """Rows with zero, NULL, negative numbers, letters of several bytes, days before 1970."""
    source = duckdb.connect(":memory:")
    described = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    source.execute(f"create table fct_things ({described})")
    source.execute(r"""
        insert into fct_things values
            (1, 'u1', 7, 0, 1.25, 'bar', true, '2026-03-01', '2026-03-02 23:59:59.999999'),
            (2, 'u1', 2, 5, -2.5, 'Straße', false, '2026-03-01', '2026-03-01 00:00:00'),
            (3, 'u2', null, -7, 3.75, 'it''s', null, '1969-12-30', '1970-01-02 01:00:00'),
            (4, 'u2', -5, 3, null, 'a\b', true, '1931-05-05', '1931-06-01 12:00:00'),
            (5, null, 3, null, 0.5, ' boar ', false, null, '2024-02-29 12:00:00'),
            (6, 'u3', 1, 2, 100.0, 'BAR', true, '2024-02-29', null),
            (7, 'u3', null, null, null, null, null, null, '2026-12-31 10:00:00')
    """)
    return source


def thing_cases(root: Path) -> list[Case]:
    """Every measure, by each place and over all rows, by week and month."""
    catalog, source = catalog_of_things(root), things()
    names = tuple(MEASURES)
    asked = [
        MetricQuery(names),
        MetricQuery(names, ("metric_time",), "week"),
        MetricQuery(names, ("metric_time", "thing__is_on"), "month"),
        *(MetricQuery(names, (f"thing__{place}",)) for place in PLACES),
        MetricQuery(names, ("thing__word",), where=("thing__word = 'a\\b'",)),
        MetricQuery(names, ("thing__word",), where=("thing__word <> 'it''s'",)),
        MetricQuery(names, where=("metric_time >= '1969-01-01'", "metric_time < '2026-03-02'")),
        MetricQuery(names, where=("metric_time in ('2026-03-01', '2024-02-29 12:00:00')",)),
    ]
    tables = tables_of(source)
    return [Case(f"things/{at}", catalog, one, tables, source) for at, one in enumerate(asked)]
