"""Builders of syntax trees. Identifiers are always quoted, values always literals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlglot import exp

from ..catalog.expressions import column_names, parse_column_expression, replace_columns
from ..errors import PlanError
from .query import Relations


def identifier(name: str) -> exp.Identifier:
    """A quoted identifier."""
    return exp.to_identifier(name, quoted=True)


def column(name: str, table: str | None = None) -> exp.Column:
    """A quoted column, of a table where one is given."""
    return exp.Column(this=identifier(name), table=identifier(table) if table else None)


def relation(model: str, alias: str, relations: Relations) -> exp.Table:
    """A mart's relation under an alias."""
    if model in relations.instead:
        return named(relations.instead[model], alias)
    return exp.Table(
        this=identifier(model),
        db=identifier(relations.schema),
        catalog=identifier(relations.database) if relations.database else None,
        alias=exp.TableAlias(this=identifier(alias)),
    )


def named(name: str, alias: str | None = None) -> exp.Table:
    """A common table expression by its name."""
    other = exp.TableAlias(this=identifier(alias)) if alias else None
    return exp.Table(this=identifier(name), alias=other)


def aliased(tree: exp.Expr, name: str) -> exp.Alias:
    """`tree as "name"`."""
    return exp.Alias(this=tree, alias=identifier(name))


def text(value: str) -> exp.Literal:
    """A text literal."""
    return exp.Literal.string(value)


def number(value: float) -> exp.Expr:
    """A number literal of double precision."""
    literal = exp.Literal.number(repr(abs(value)))
    return double(exp.Neg(this=literal) if value < 0 else literal)


def instant(value: datetime) -> exp.Cast:
    """A timestamp literal in UTC, microseconds kept."""
    if value.tzinfo is None:
        raise PlanError("the instant has no time zone", fix="pass an aware datetime, e.g. in UTC.")
    plain = value.astimezone(UTC).replace(tzinfo=None)
    return exp.cast(text(plain.isoformat(sep=" ", timespec="microseconds")), "timestamp")


def days(value: float) -> exp.Interval:
    """An interval of days; parts of a day become microseconds."""
    if value == int(value):
        return exp.Interval(this=text(str(int(value))), unit=exp.var("DAY"))
    microseconds = round(value * 86_400_000_000)
    return exp.Interval(this=text(str(microseconds)), unit=exp.var("MICROSECOND"))


def double(tree: exp.Expr) -> exp.Cast:
    """`cast(tree as double)`."""
    return exp.cast(tree, "double", copy=False)


def count_rows() -> exp.Count:
    """`count(*)`."""
    return exp.Count(this=exp.Star())


def where(aggregate: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
    """`aggregate filter (where condition)`; the aggregate alone where there is none."""
    if condition is None:
        return aggregate
    return exp.Filter(this=aggregate, expression=exp.Where(this=condition))


def zero_if_null(tree: exp.Expr) -> exp.Coalesce:
    """`coalesce(tree, 0)`."""
    return exp.Coalesce(this=tree, expressions=[exp.Literal.number(0)])


def divided(top: exp.Expr, bottom: exp.Expr) -> exp.Div:
    """`cast(top as double) / nullif(bottom, 0)`: NULL where the denominator is zero."""
    below = exp.Nullif(this=exp.paren(bottom, copy=False), expression=exp.Literal.number(0))
    return exp.Div(this=double(exp.paren(top, copy=False)), expression=below)


def zero_where_zero(quotient: exp.Expr, bottom: exp.Expr) -> exp.Case:
    """`case when bottom = 0 then 0 else quotient end`: 0 where there is nothing to divide by."""
    is_zero = exp.EQ(this=exp.paren(bottom.copy(), copy=False), expression=exp.Literal.number(0))
    branch = exp.If(this=is_zero, true=double(exp.Literal.number(0)))
    return exp.Case(ifs=[branch], default=quotient)


def all_of(conditions: Iterable[exp.Expr]) -> exp.Expr | None:
    """Conditions joined by AND, each in brackets; None where there is none."""
    wrapped = [exp.paren(condition, copy=False) for condition in conditions]
    return exp.and_(*wrapped, copy=False) if wrapped else None


def any_of(conditions: Sequence[exp.Expr]) -> exp.Expr | None:
    """Conditions joined by OR, each once and in brackets; None where there is none."""
    unique = {condition.sql("duckdb"): condition for condition in conditions}
    wrapped = [exp.paren(condition, copy=False) for condition in unique.values()]
    return exp.or_(*wrapped, copy=False) if wrapped else None


def expression(source: str, table: str) -> exp.Expr:
    """A definition's column expression, its columns quoted and taken from one table."""
    tree = parse_column_expression(source)
    if isinstance(tree, exp.Column):
        return column(tree.name, table)
    if not column_names(tree):
        return replace_columns(tree, lambda found: found)
    bound = replace_columns(tree, lambda found: column(found.name, table))
    return exp.paren(bound, copy=False)


def common(name: str, query: exp.Expr, *, materialized: bool = False) -> exp.CTE:
    """`name as (query)`; materialized where it is read many times and must be computed once."""
    return exp.CTE(
        this=query,
        alias=exp.TableAlias(this=identifier(name)),
        materialized=True if materialized else None,
    )


def is_known(tree: exp.Expr) -> exp.Not:
    """`tree is not null`."""
    return exp.Not(this=exp.Is(this=tree, expression=exp.Null()))


def union_all(parts: Sequence[exp.Expr]) -> exp.Expr:
    """All rows of several queries."""
    union = parts[0]
    for part in parts[1:]:
        union = exp.Union(this=union, expression=part, distinct=False)
    return union


def below(query: exp.Expr, name: str) -> exp.Subquery:
    """`(query) as "name"`."""
    return exp.Subquery(this=query, alias=exp.TableAlias(this=identifier(name)))


def append_cte(select: exp.Select, cte: exp.CTE) -> None:
    """Add a common table expression behind those the statement has."""
    found = select.args.get("with_")
    if found is None:
        select.set("with_", exp.With(expressions=[cte]))
    else:
        found.append("expressions", cte)
