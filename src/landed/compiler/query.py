"""What is asked and what comes back: plain frozen values, the same for every door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Grain = Literal["hour", "day", "week", "us_week", "month", "quarter", "year"]
GRAINS: tuple[Grain, ...] = ("hour", "day", "week", "us_week", "month", "quarter", "year")
Dialect = Literal["duckdb", "postgres", "clickhouse", "spark", "trino", "bigquery", "snowflake"]
ColumnKind = Literal["dimension", "time", "metric"]


@dataclass(frozen=True, slots=True)
class Relations:
    """Where the marts stand: schema, and the database they are attached as (None: the current)."""

    schema: str = "main"
    database: str | None = None


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One sort key: a metric or a dimension of the query."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One column of the answer: the metric or dimension behind it, and its name."""

    name: str
    alias: str


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A question about metrics.

    Args:
        metrics: Names; at least one.
        group_by: Dimensions: `unit__plan`, the short name where unique, `metric_time`, `release`,
            `variant`.
        grain: Of `metric_time` in `group_by`; a `week` begins on Monday (ISO 8601), a `us_week`
            on Sunday.
        where: Conditions on dimensions in the filter grammar, all of which must hold. A dimension
            is written as its name or as a template.
        having: Conditions on metrics by name, all of which must hold.
        order_by: Sort keys; without any, rows are sorted by the dimensions.
        limit: Most rows to return; >= 0.
        columns: Names and order of the answer's columns; empty means dimensions, then metrics.
        time_zone: IANA name of the zone whose days and hours are meant; None for the project's.
    """

    metrics: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    grain: Grain | None = None
    where: tuple[str, ...] = ()
    having: tuple[str, ...] = ()
    order_by: tuple[OrderBy, ...] = ()
    limit: int | None = None
    columns: tuple[OutputColumn, ...] = ()
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer.

    Args:
        name: In the answer.
        source: The metric or dimension behind it.
        error: Relative error of the least exact sketch that a metric is made of, a share; None of
            what is exact.
    """

    name: str
    kind: ColumnKind
    source: str
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement ready to run.

    Args:
        sql: One SELECT.
        columns: Of the answer, in order.
        models: dbt models that it reads.
        release: The release whose unit outcomes it reads; None in plain scope.
    """

    sql: str
    columns: tuple[Column, ...]
    models: frozenset[str] = frozenset()
    release: str | None = None
