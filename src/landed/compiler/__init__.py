"""A question about metrics becomes one SQL statement, built as a syntax tree. No engine, no I/O."""

from .clustered import CLUSTER_COLUMNS
from .dimensions import list_dimensions
from .front_end import parse_metric_sql, parse_sql
from .moments import MOMENT_COLUMNS, compile_unit_moments
from .plain import compile_query
from .query import (
    Column,
    Compiled,
    Dialect,
    FilteredMetric,
    Grain,
    MetricQuery,
    OrderBy,
    OutputColumn,
    Relations,
)
from .script import MetricScript, compile_script
from .unit_rows import compile_row_counts, compile_unit_rows

__all__ = [
    "CLUSTER_COLUMNS",
    "MOMENT_COLUMNS",
    "Column",
    "Compiled",
    "Dialect",
    "FilteredMetric",
    "Grain",
    "MetricQuery",
    "MetricScript",
    "OrderBy",
    "OutputColumn",
    "Relations",
    "compile_query",
    "compile_row_counts",
    "compile_script",
    "compile_unit_moments",
    "compile_unit_rows",
    "list_dimensions",
    "parse_metric_sql",
    "parse_sql",
]
