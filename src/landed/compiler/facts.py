"""Aggregates over one fact: names bound to columns, the join to the units, the filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from ..catalog.definitions import METRIC_TIME, Measure, SemanticModel
from ..catalog.expressions import Condition, Reference, parse_condition
from ..catalog.formulas import Aggregate, Place, Vocabulary
from ..catalog.kinds import Span
from .query import Relations
from .syntax import (
    all_of,
    any_of,
    count_rows,
    expression,
    relation,
    text,
    where,
)

ROWS = "t"  # the fact's alias
UNITS = "u"  # the units' alias
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
    """

    vocabulary: Vocabulary
    fact: SemanticModel
    time: str
    offset: Span | None = None
    is_joined: bool = field(default=False, init=False)

    @property
    def time_column(self) -> exp.Expr:
        """The instant (or day) at which a row counts."""
        happened = expression(self.fact.dimensions[self.time].expr, ROWS)
        if self.offset is None:
            return happened
        return exp.paren(exp.Add(this=happened, expression=span(self.offset)), copy=False)

    def bind(self, condition: Condition) -> exp.Expr:
        """A condition over this fact's columns; the units are joined where it needs them."""
        return condition.bind(self._resolve)

    def dimension(self, name: str) -> exp.Expr:
        """The column of a full dimension name."""
        return self.reference(Reference("dimension", name))

    def reference(self, reference: Reference) -> exp.Expr:
        """The column of a dimension or an entity."""
        return self._at(self.vocabulary.place(self.fact, reference, self.time))

    def filters(self, aggregate: Aggregate) -> exp.Expr | None:
        """All conditions of an aggregate, as one."""
        return all_of(self.bind(parse_condition(text)) for text in aggregate.filters)

    def source(self, relations: Relations) -> exp.Select:
        """`from <fact> as t`, with the units joined many-to-one where something needs them."""
        select = exp.select().from_(relation(self.fact.model, ROWS, relations), copy=False)
        units, key = self.vocabulary.units, self.fact.unit
        if not self.is_joined or units is None or key is None or units.unit is None:
            return select
        on = exp.EQ(
            this=expression(key.expr, ROWS),
            expression=expression(units.unit.expr, UNITS),
        )
        joined = relation(units.model, UNITS, relations)
        return select.join(joined, on=on, join_type="left", copy=False)

    def models(self) -> frozenset[str]:
        """dbt models that the scan reads."""
        units = self.vocabulary.units
        joined = {units.model} if self.is_joined and units is not None else set()
        return frozenset({self.fact.model} | joined)

    def _resolve(self, reference: Reference) -> exp.Expr:
        place = self.vocabulary.place(self.fact, reference, self.time)
        found = self.time_column if reference.name == METRIC_TIME else self._at(place)
        if reference.grain is not None:
            found = truncated(found, reference.grain)
        elif place.model.columns.get(place.expr, "").lower() != "date":
            return found
        return midnight(found)

    def _at(self, place: Place) -> exp.Expr:
        if place.is_joined and place.model is not self.fact:
            self.is_joined = True
            return expression(place.expr, UNITS)
        return expression(place.expr, ROWS)


def truncated(tree: exp.Expr, grain: str) -> exp.Expr:
    """The first day of a period (weeks begin on Monday); of an hour its start."""
    if grain == "day":  # the same day, at two thirds of the cost
        return exp.cast(tree, "date", copy=False)
    start = exp.TimestampTrunc(this=tree, unit=exp.var(grain.upper()))
    return exp.cast(start, "timestamp" if grain == "hour" else "date", copy=False)


def midnight(tree: exp.Expr) -> exp.Cast:
    """A day as an instant: compared with text, it would cut the text to a day."""
    return exp.cast(tree, "timestamp", copy=False)


def span(value: Span) -> exp.Interval:
    """An interval of calendar units."""
    count, unit = value.count, value.unit
    if unit == "quarter":  # no engine's interval has quarters in common with the others'
        count, unit = count * 3, "month"
    elif unit == "week":
        count, unit = count * 7, "day"
    return exp.Interval(this=text(str(count)), unit=exp.var(unit.upper()))


def aggregated(aggregate: Aggregate, condition: exp.Expr | None) -> exp.Expr:
    """One aggregate with its filter, over the fact's alias."""
    return total(aggregate.measure, expression(aggregate.measure.expr, ROWS), condition)


def total(measure: Measure, value: exp.Expr, condition: exp.Expr | None = None) -> exp.Expr:
    """A measure's aggregation of some values, of those that fulfil a condition."""
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
    if measure.is_approximate:
        return exp.ApproxQuantile(this=value, quantile=share)
    kind = exp.PercentileDisc if measure.is_discrete else exp.PercentileCont
    order = exp.Order(expressions=[exp.Ordered(this=value, nulls_first=False)])
    return exp.WithinGroup(this=kind(this=share), expression=order)


def row_filter(conditions: Sequence[exp.Expr | None]) -> exp.Expr | None:
    """What a row must fulfil to matter to any aggregate; None where one takes every row."""
    if not conditions or any(condition is None for condition in conditions):
        return None
    return any_of([condition.copy() for condition in conditions if condition is not None])
