"""The segments of a release: what a unit was as of its exposure, with few levels each."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.names import did_you_mean, show
from ..catalog.segments import segment_expressions
from ..errors import PlanError
from .outcomes import POPULATION
from .syntax import (
    aliased,
    column,
    common,
    count_rows,
    expression,
    named,
    text,
    union_all,
)

#: Most levels of a segment. A release cut into more would show noise, and its sums grow by them.
MOST_LEVELS = 50
#: The level that holds all those with the fewest units.
OTHER_LEVEL = "other"
#: Code of the units of which the segment is not known, and of the row over all units.
NO_CODE = -1


def segment_columns(catalog: Catalog, names: Sequence[str]) -> list[tuple[str, exp.Expr]]:
    """Each segment as a text column `s<i>` of the population.

    Raises:
        PlanError: A name is not known as of the exposure.
    """
    known = segment_expressions(catalog.vocabulary)
    for name in names:
        if name not in known:
            raise PlanError(
                f"the segment {show(name)} is not known as of the exposure",
                expected="a dimension of the unit whose columns stand in fct_exposures",
                fix=did_you_mean(name, known),
                code="unknown_segment",
            )
    return [
        (f"s{index}", exp.cast(expression(known[name], "e"), "varchar", copy=False))
        for index, name in enumerate(names)
    ]


def ranked_levels(count: int) -> list[exp.CTE]:
    """For each segment its known levels by number of units: `level`, `code` from 0, `level_count`.

    Levels with as many units go by name, so that the same population gives the same codes.
    """
    found: list[exp.CTE] = []
    for index in range(count):
        level = column(f"s{index}", POPULATION)
        order = exp.Order(
            expressions=[
                exp.Ordered(this=count_rows(), desc=True, nulls_first=False),
                exp.Ordered(this=level.copy(), nulls_first=False),
            ]
        )
        rank = exp.Window(this=exp.RowNumber(), order=order)
        ranked = (
            exp.select(
                aliased(level, "level"),
                aliased(exp.Sub(this=rank, expression=_number(1)), "code"),
                aliased(exp.Window(this=count_rows()), "level_count"),
            )
            .from_(named(POPULATION))
            .where(_is_known(level.copy()), copy=False)
            .group_by(level.copy(), copy=False)
        )
        found.append(common(f"level{index}", ranked, materialized=True))
    return found


def codes(count: int) -> list[exp.Expr]:
    """Each segment's code of a unit, as `g<i>`: its level's, that of the others, or none."""
    found: list[exp.Expr] = []
    for index in range(count):
        ranked = f"level{index}"
        code = exp.Case(
            ifs=[
                exp.If(
                    this=exp.Is(this=column(f"s{index}", POPULATION), expression=exp.Null()),
                    true=_number(NO_CODE),
                ),
                exp.If(this=_is_kept(ranked), true=column("code", ranked)),
            ],
            default=_number(MOST_LEVELS - 1),
        )
        found.append(aliased(exp.cast(code, "int", copy=False), f"g{index}"))
    return found


def with_levels(select: exp.Select, count: int) -> exp.Select:
    """Join the ranked levels to the population."""
    for index in range(count):
        on = exp.EQ(
            this=column(f"s{index}", POPULATION), expression=column("level", f"level{index}")
        )
        select = select.join(named(f"level{index}"), on=on, join_type="left", copy=False)
    return select


def all_levels(names: Sequence[str]) -> exp.Expr:
    """A row for all units and one for each level of each segment.

    Columns: `segment_code`, `segment`, `code`, `level`, `level_count`.
    """
    parts: list[exp.Expr] = [
        exp.select(*_row(NO_CODE, exp.Null(), _number(NO_CODE), exp.Null(), exp.Null()))
    ]
    for index, name in enumerate(names):
        ranked = f"level{index}"
        kept = exp.select(
            *_row(index, text(name), column("code", ranked), column("level", ranked), _number(1))
        )
        parts.append(kept.from_(named(ranked)).where(_is_kept(ranked), copy=False))
        folded = exp.Sub(this=column("level_count", ranked), expression=_number(MOST_LEVELS - 1))
        others = exp.select(
            *_row(index, text(name), _number(MOST_LEVELS - 1), text(OTHER_LEVEL), folded)
        )
        is_first_folded = exp.And(
            this=exp.Not(this=exp.paren(_is_kept(ranked), copy=False)),
            expression=exp.EQ(this=column("code", ranked), expression=_number(MOST_LEVELS - 1)),
        )
        parts.append(others.from_(named(ranked)).where(is_first_folded, copy=False))
        unknown = exp.Is(this=column(f"s{index}", POPULATION), expression=exp.Null())
        nobody = (
            exp.select(*_row(index, text(name), _number(NO_CODE), exp.Null(), _number(1)))
            .from_(named(POPULATION))
            .where(unknown, copy=False)
            .having(exp.GT(this=count_rows(), expression=_number(0)), copy=False)
        )
        parts.append(nobody)
    return union_all(parts)


def _row(
    segment_code: int, segment: exp.Expr, code: exp.Expr, level: exp.Expr, count: exp.Expr
) -> list[exp.Expr]:
    return [
        aliased(exp.cast(_number(segment_code), "int", copy=False), "segment_code"),
        aliased(exp.cast(segment, "varchar", copy=False), "segment"),
        aliased(exp.cast(code, "int", copy=False), "code"),
        aliased(exp.cast(level, "varchar", copy=False), "level"),
        aliased(exp.cast(count, "bigint", copy=False), "level_count"),
    ]


def _is_kept(ranked: str) -> exp.Expr:
    """Whether a level stands for itself: all do where they are few enough."""
    few = exp.LTE(this=column("level_count", ranked), expression=_number(MOST_LEVELS))
    early = exp.LT(this=column("code", ranked), expression=_number(MOST_LEVELS - 1))
    return exp.Or(this=few, expression=early)


def _is_known(tree: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=tree, expression=exp.Null()))


def _number(value: int) -> exp.Expr:
    literal = exp.Literal.number(str(abs(value)))
    return exp.Neg(this=literal) if value < 0 else literal
