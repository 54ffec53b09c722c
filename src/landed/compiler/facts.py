"""Aggregates over one fact: names bound to columns, the joins they need, the filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from ..catalog.definitions import METRIC_TIME, Measure, SemanticModel
from ..catalog.expressions import Condition, Reference, parse_condition
from ..catalog.formulas import Aggregate, Place, Vocabulary
from ..catalog.kinds import Span
from ..catalog.names import refused, show
from .clock import UTC, hour_of, later, local, midnight, truncated
from .joins import Joins, instant_of
from .query import Relations
from .syntax import (
    all_of,
    any_of,
    count_rows,
    expression,
    relation,
    where,
)

ROWS = "t"  # the fact's alias
#: Aggregations whose value over no rows is 0; of the others it is NULL.
COUNTS = ("count", "count_distinct", "sum_boolean")


@dataclass
class FactScan:
    """What is asked of one fact with one meaning of `metric_time`.

    Args:
        vocabulary: What names are resolved in.
        fact: The model that is scanned.
        time: Its time dimension.
        offset: Rows count so much later than they happened; a span of fixed length.
        zone: Whose clock says which period a row is in, and what a query's conditions mean.
        is_hourly: Whether the query's periods are hours, of which a day has 24.
    """

    vocabulary: Vocabulary
    fact: SemanticModel
    time: str
    offset: Span | None = None
    zone: str = UTC
    is_hourly: bool = False
    joins: Joins = field(default_factory=Joins, init=False)

    @property
    def time_column(self) -> exp.Expr:
        """The instant (or day) at which a row counts."""
        return later(self._happened, self.offset)

    @property
    def wall(self) -> exp.Expr:
        """What a clock of the zone shows when a row counts; a day as it is."""
        return self._shown(self._happened, self.zone, is_hourly=self.is_hourly)

    @property
    def wall_at_last(self) -> exp.Expr:
        """What it shows when the last row counts: one conversion, not one a row."""
        return self._shown(exp.Max(this=self._happened), self.zone, is_hourly=self.is_hourly)

    def period(self, grain: str) -> exp.Expr:
        """The period of a row: its first day, or the instant at which its hour begins.

        Raises:
            QueryRefused: Hours are asked of a dimension that holds days.
        """
        if grain != "hour":
            return truncated(self.wall, grain)
        if self._is_day(self.fact, self.fact.dimensions[self.time].expr):
            raise refused(
                f"the time dimension {show(self.time)} of {self.fact.name} holds days, not hours",
                "group by day or longer.",
                "no_hours",
            )
        return hour_of(self.time_column, self.zone)

    def bind(self, condition: Condition) -> exp.Expr:
        """A query's condition over this fact's columns; what it needs is joined."""
        return condition.bind(lambda one: self._resolve(one, self.zone, self.is_hourly))

    def dimension(self, name: str) -> exp.Expr:
        """The column of a full dimension name."""
        return self.reference(Reference("dimension", name))

    def reference(self, reference: Reference) -> exp.Expr:
        """The column of a dimension or an entity."""
        return self._at(self.vocabulary.place(self.fact, reference, self.time))

    def filters(self, aggregate: Aggregate) -> exp.Expr | None:
        """All conditions of an aggregate, as one; times are those of the project's zone."""
        zone = self.vocabulary.time_zone
        return all_of(
            parse_condition(text).bind(lambda one: self._resolve(one, zone, False))
            for text in aggregate.filters
        )

    def source(self, relations: Relations) -> exp.Select:
        """`from <fact> as t`, with the models joined many-to-one that something needs."""
        select = exp.select().from_(relation(self.fact.model, ROWS, relations), copy=False)
        happened = instant_of(self.fact, self.time, ROWS)  # whatever offset it counts at
        return self.joins.onto(select, ROWS, happened, relations)

    def models(self) -> frozenset[str]:
        """dbt models that the scan reads."""
        return frozenset({self.fact.model} | self.joins.models())

    @property
    def _happened(self) -> exp.Expr:
        return expression(self.fact.dimensions[self.time].expr, ROWS)

    def _shown(self, happened: exp.Expr, zone: str, *, is_hourly: bool) -> exp.Expr:
        if zone == UTC or self._is_day(self.fact, self.fact.dimensions[self.time].expr):
            return later(happened, self.offset)
        # days later on the clock, but hours later in time
        if self.offset is not None and (is_hourly or self.offset.unit == "hour"):
            return local(later(happened, self.offset), zone)
        return later(local(happened, zone), self.offset)

    def _resolve(self, reference: Reference, zone: str, is_hourly: bool) -> exp.Expr:
        place = self.vocabulary.place(self.fact, reference, self.time)
        is_day = self._is_day(place.model, place.expr)
        if reference.name == METRIC_TIME:
            found = self._shown(self._happened, zone, is_hourly=is_hourly)
        else:
            found = self._at(place)
            if zone != UTC and not is_day and _is_time(place):
                found = local(found, zone)
        if reference.grain is not None:
            found = truncated(found, reference.grain)
        elif not is_day:
            if reference.name == METRIC_TIME or _is_time(place):
                found.type = exp.DataType.build("timestamp")  # dialects read text beside it so
            return found
        return midnight(found)

    @staticmethod
    def _is_day(model: SemanticModel, expr: str) -> bool:
        """Whether a column holds days: by the model's contract; without one it holds instants."""
        return model.columns.get(expr, "").lower() == "date"

    def _at(self, place: Place) -> exp.Expr:
        return expression(place.expr, self.joins.alias(place.path) if place.path else ROWS)


def _is_time(place: Place) -> bool:
    """Whether a dimension is one of time."""
    return any(
        one.kind == "time" and one.expr == place.expr for one in place.model.dimensions.values()
    )


def aggregated(aggregate: Aggregate, condition: exp.Expr | None) -> exp.Expr:
    """One aggregate with its filter, over the fact's alias."""
    return total(aggregate.measure, expression(aggregate.measure.expr, ROWS), condition)


def total(measure: Measure, value: exp.Expr, condition: exp.Expr | None = None) -> exp.Expr:
    """A measure's aggregation of some values, of those that fulfil a condition.

    Exact of a sketched measure too: a sketch is a plan of its own.
    """
    agg = measure.agg
    if agg == "count":
        return where(exp.Count(this=value), condition)
    if agg == "count_distinct":
        return where(exp.Count(this=exp.Distinct(expressions=[value])), condition)
    if agg == "sum_boolean":
        parts = [value] if condition is None else [condition, value]
        return where(count_rows(), all_of(parts))
    if agg in ("median", "percentile"):
        return where(_percentile(measure, value), condition)
    functions: dict[str, type[exp.AggFunc]] = {
        "sum": exp.Sum,
        "average": exp.Avg,
        "min": exp.Min,
        "max": exp.Max,
    }
    return where(functions[agg](this=value), condition)


def _percentile(measure: Measure, value: exp.Expr) -> exp.Expr:
    """A percentile of a column: between two values, or one that occurs."""
    share = exp.Literal.number(repr(0.5 if measure.percentile is None else measure.percentile))
    kind = exp.PercentileDisc if measure.is_discrete else exp.PercentileCont
    order = exp.Order(expressions=[exp.Ordered(this=value, nulls_first=False)])
    return exp.WithinGroup(this=kind(this=share), expression=order)


def row_filter(conditions: Sequence[exp.Expr | None]) -> exp.Expr | None:
    """What a row must fulfil to matter to any aggregate; None where one takes every row."""
    if not conditions or any(condition is None for condition in conditions):
        return None
    return any_of([condition.copy() for condition in conditions if condition is not None])
