"""What an expression is for rows of one event, as far as the event's name alone decides it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlglot import exp

#: Column that stands for the event's name, and the one for its properties.
EVENT, PROPERTIES = "landed_event_name", "landed_event_properties"


class _Unknown:
    """A value that the event's name does not decide."""


UNKNOWN = _Unknown()
_STRICT = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.DPipe, exp.Like)


def value_of(node: exp.Expr | None, event: str) -> Any:
    """A constant (text, number, boolean, None) or `UNKNOWN`; nothing is guessed.

    Args:
        node: An expression in which `EVENT` stands for the event's name.
        event: The event's name.
    """
    if node is None or isinstance(node, exp.Null):
        return None
    known = _LEAVES.get(type(node))
    if known is not None:
        return known(node, event)
    if isinstance(node, exp.Paren | exp.Alias | exp.Distinct | exp.Cast | exp.TryCast):
        inner = node.expressions[0] if isinstance(node, exp.Distinct) else node.this
        return value_of(inner, event)
    if isinstance(node, exp.And | exp.Or):
        return _joined(node, event)
    if isinstance(node, exp.Not):
        inner = value_of(node.this, event)
        return inner if inner is UNKNOWN or inner is None else not inner
    if isinstance(node, exp.EQ | exp.NEQ | exp.In):
        return _compared(node, event)
    if isinstance(node, exp.Case | exp.If):
        return _case(node, event)
    if isinstance(node, exp.Coalesce):
        return _first([node.this, *node.expressions], event)
    if isinstance(node, exp.Filter):
        is_in = value_of(node.expression.this, event)
        if is_in is None or is_in is False:
            return 0 if isinstance(node.this, exp.Count) else None
        return value_of(node.this, event)
    if isinstance(node, exp.Count):
        return 0 if value_of(node.this, event) is None else UNKNOWN
    if isinstance(node, exp.Sum | exp.CountIf):
        inner = value_of(node.this, event)
        nothing = inner is None or inner is False or inner == 0
        return (0 if isinstance(node, exp.CountIf) or inner is not None else None) if nothing else (
            UNKNOWN
        )  # fmt: skip
    if isinstance(node, exp.Min | exp.Max | exp.Avg | exp.LogicalOr | exp.AnyValue):
        inner = value_of(node.this, event)
        return inner if inner is None or inner is False else UNKNOWN
    if isinstance(node, _STRICT):
        sides = [value_of(node.this, event), value_of(node.expression, event)]
        return None if None in sides else UNKNOWN
    return UNKNOWN


def _column(node: exp.Expr, event: str) -> Any:
    return event if node.name == EVENT else UNKNOWN


def _literal(node: exp.Expr, _: str) -> Any:
    if node.is_string:
        return node.name
    try:
        return Decimal(node.name)
    except InvalidOperation:
        return UNKNOWN


_LEAVES: dict[type[exp.Expr], Callable[[exp.Expr, str], Any]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Boolean: lambda node, _: bool(node.this),
}


def _joined(node: exp.And | exp.Or, event: str) -> Any:
    values = [value_of(part, event) for part in node.flatten(unnest=True)]
    decides = isinstance(node, exp.Or)
    if any(value is decides for value in values):
        return decides
    if any(value is UNKNOWN for value in values):
        return UNKNOWN
    return None if None in values else not decides


def _compared(node: exp.EQ | exp.NEQ | exp.In, event: str) -> Any:
    left = value_of(node.this, event)
    if isinstance(node, exp.In):
        if node.args.get("query") or not node.expressions:
            return UNKNOWN
        listed = [value_of(one, event) for one in node.expressions]
    else:
        listed = [value_of(node.expression, event)]
    if left is None or listed == [None]:
        return None
    if left is UNKNOWN or any(one is UNKNOWN or one is None for one in listed):
        return UNKNOWN
    return (left in listed) is not isinstance(node, exp.NEQ)


def _case(node: exp.Case | exp.If, event: str) -> Any:
    branches = [node] if isinstance(node, exp.If) else node.args["ifs"]
    base = None if isinstance(node, exp.If) else node.this
    possible = []
    for branch in branches:
        when = branch.this if base is None else exp.EQ(this=base.copy(), expression=branch.this)
        holds = value_of(when, event)
        if holds is None or holds is False:
            continue
        possible.append(value_of(branch.args["true"], event))
        if holds is True:
            break
    else:
        default = node.args.get("false" if isinstance(node, exp.If) else "default")
        possible.append(value_of(default, event))
    first = possible[0]
    return first if all(one is first or one == first for one in possible) else UNKNOWN


def _first(nodes: list[exp.Expr], event: str) -> Any:
    for node in nodes:
        value = value_of(node, event)
        if value is not None:
            return value
    return None
