"""Aggregates of one fact by the query's keys: each fact is scanned once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from ..catalog.definitions import METRIC_TIME
from ..catalog.expressions import Condition, Reference
from ..catalog.formulas import Aggregate
from ..catalog.kinds import Span
from .cells import Cells
from .clock import span, truncated
from .facts import ROWS, FactScan, aggregated, row_filter
from .parts import Frame, grouped
from .syntax import aliased, all_of, column, common, count_rows, expression, named, where

_UNIT = "unit_id"


@dataclass
class Grouped:
    """The aggregates asked of one scan. `is_unit_mean` ones go through one row a unit first."""

    scan: FactScan
    is_unit_mean: bool = False
    aggregates: list[tuple[Aggregate, exp.Expr | None]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def scans(self) -> Sequence[FactScan]:
        """The fact it reads."""
        return (self.scan,)

    def add(self, aggregate: Aggregate, more: Sequence[Condition] = ()) -> int:
        """Position of an aggregate under more conditions; the same one is computed once."""
        condition = self.scan.filters(aggregate)
        if more:
            own = [condition] if condition is not None else []
            condition = all_of([*own, *(self.scan.bind(one) for one in more)])
        text = aggregated(aggregate, condition).sql("duckdb")
        if text not in self.texts:
            self.texts.append(text)
            self.aggregates.append((aggregate, condition))
        return self.texts.index(text)

    def positions_in(self, other: Grouped) -> list[int] | None:
        """Where another scan of the same rows has these aggregates; None where it has others."""
        ours, theirs = self.scan, other.scan
        is_same = (
            (ours.fact, ours.time, self.is_unit_mean)
            == (theirs.fact, theirs.time, other.is_unit_mean)
            and ours.offset != theirs.offset
            and sorted(self.texts) == sorted(other.texts)  # else it may have other groups
        )
        return [other.texts.index(text) for text in self.texts] if is_same else None

    def shifted(self, of: str, positions: Sequence[int], offset: Span, frame: Frame) -> exp.Select:
        """The groups of another scan, each so much later as this one's rows are."""
        time, later = (
            str(frame.time),
            exp.paren(exp.Add(this=column(str(frame.time)), expression=span(offset)), copy=False),
        )
        return exp.select(
            *(
                aliased(truncated(later.copy(), frame.grain or "day"), key)
                if key == time
                else column(key)
                for key in frame.columns
            ),
            *(aliased(column(f"a{at}"), f"a{index}") for index, at in enumerate(positions)),
        ).from_(named(of))

    def tables(self, name: str, frame: Frame) -> list[exp.CTE]:
        """One table expression; two where a unit counts once."""
        scan = self.scan
        groups = frame.groups(scan)
        conditions = frame.conditions(scan)
        cells = Cells(self.aggregates)
        # an entity has as many values as rows: so would the cells
        if cells.is_worth_it and not self.is_unit_mean and not self._is_by_entity(frame):
            return self._through(cells, name, frame, groups, conditions)
        relevant = row_filter([condition for _, condition in self.aggregates])
        if relevant is not None:
            conditions.append(relevant)
        unit = scan.fact.unit
        if self.is_unit_mean and unit is not None:
            groups.append(aliased(expression(unit.expr, ROWS), _UNIT))
            is_known = exp.Not(this=exp.Is(this=expression(unit.expr, ROWS), expression=exp.Null()))
            conditions.append(is_known)
        select = scan.source(frame.relations).select(
            *groups,
            *(
                aliased(self._aggregated(one, condition), f"a{index}")
                for index, (one, condition) in enumerate(self.aggregates)
            ),
            copy=False,
        )
        restricted = all_of(conditions)
        if restricted is not None:
            select = select.where(restricted, copy=False)
        select = grouped(select, len(groups))
        if not self.is_unit_mean:
            return [common(name, select)]
        outer = exp.select(
            *(aliased(column(key), key) for key in frame.columns),
            *(
                aliased(exp.Avg(this=column(f"a{index}")), f"a{index}")
                for index in range(len(self.aggregates))
            ),
        ).from_(named(f"{name}_units"), copy=False)
        return [common(f"{name}_units", select), common(name, grouped(outer, len(frame.keys)))]

    def _through(
        self,
        cells: Cells,
        name: str,
        frame: Frame,
        groups: Sequence[exp.Expr],
        conditions: Sequence[exp.Expr],
    ) -> list[exp.CTE]:
        """The aggregates in two steps: rows to cells, cells to groups."""
        values, keys = cells.aggregates(), cells.keys()
        inner = self.scan.source(frame.relations).select(
            *groups, *keys, *cells.states(), copy=False
        )
        restricted = all_of([*conditions, *cells.rows()])
        if restricted is not None:
            inner = inner.where(restricted, copy=False)
        outer = exp.select(
            *(aliased(column(key), key) for key in frame.columns),
            *(aliased(value, f"a{index}") for index, value in enumerate(values)),
        ).from_(named(f"{name}_cells"), copy=False)
        relevant = cells.relevant()
        if relevant is not None and frame.keys:
            # WHERE would be asked of every row: engines push what is on keys below the first step
            has_any = exp.GT(this=where(count_rows(), relevant), expression=exp.Literal.number(0))
            outer = outer.having(has_any, copy=False)
        return [
            common(f"{name}_cells", grouped(inner, len(groups) + len(keys))),
            common(name, grouped(outer, len(frame.keys))),
        ]

    def _is_by_entity(self, frame: Frame) -> bool:
        """Whether a key is a column that also identifies something."""
        vocabulary, fact = self.scan.vocabulary, self.scan.fact
        places = [
            vocabulary.place(fact, Reference("dimension", key), self.scan.time)
            for key in frame.keys
            if key != METRIC_TIME
        ]
        return any(
            one.expr in {entity.expr for entity in one.model.entities.values()} for one in places
        )

    def _aggregated(self, aggregate: Aggregate, condition: exp.Expr | None) -> exp.Expr:
        kept = condition.copy() if condition is not None else None
        if not self.is_unit_mean:
            return aggregated(aggregate, kept)
        return where(exp.Avg(this=expression(aggregate.measure.expr, ROWS)), kept)
