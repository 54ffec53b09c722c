"""What is asked and what comes back: plain frozen values, the same for every door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp

Grain = Literal["hour", "day", "week", "us_week", "month", "quarter", "year"]
GRAINS: tuple[Grain, ...] = ("hour", "day", "week", "us_week", "month", "quarter", "year")
Dialect = Literal["duckdb", "postgres", "clickhouse", "spark", "trino", "bigquery", "snowflake"]
ColumnKind = Literal["dimension", "time", "metric", "computed"]


@dataclass(frozen=True, slots=True)
class Relations:
    """Where the marts stand.

    Args:
        schema: Their schema.
        database: The database they are attached as; None for the current one.
        instead: A session's own relation that stands for a mart, by the mart's name.
    """

    schema: str = "main"
    database: str | None = None
    instead: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One sort key: a metric or a dimension of the query. NULL comes last unless it says first."""

    name: str
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One column of the answer: the metric or dimension behind it, and its name."""

    name: str
    alias: str


@dataclass(frozen=True, slots=True)
class FilteredMetric:
    """A metric under conditions that apply to it alone, as one more value of a query.

    Args:
        name: What `columns`, `having` and `order_by` call it; no other name of the query.
        metric: The metric.
        where: Conditions on dimensions in the filter grammar, all of which must hold.
    """

    name: str
    metric: str
    where: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A question about metrics.

    Args:
        metrics: Names; at least one, unless `filtered` has one.
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
        filtered: Metrics under conditions of their own.
        offset: Rows to leave out before the first; >= 0.
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
    filtered: tuple[FilteredMetric, ...] = ()
    offset: int = 0
    time_zone: str | None = None

    @property
    def measured(self) -> tuple[str, ...]:
        """Every metric it asks for by name, each once; those in `having` stand there too."""
        return tuple(dict.fromkeys((*self.metrics, *(one.metric for one in self.filtered))))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer.

    Args:
        name: In the answer.
        source: The metric or dimension behind it; empty for a computed one.
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
        releases: Every release whose unit outcomes it reads, also in a part of it.
        tree: The statement before an engine's dialect; for what is built around it.
    """

    sql: str
    columns: tuple[Column, ...]
    models: frozenset[str] = frozenset()
    release: str | None = None
    releases: frozenset[str] = frozenset()
    tree: exp.Select | None = field(default=None, compare=False, repr=False)
