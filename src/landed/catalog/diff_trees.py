"""One normal form of an expression: texts that compute the same, written otherwise, are equal.

What is brought together is equal under SQL's three-valued logic too, so that two equal forms never
hide another number. What is not brought together reads as a change, which is the safe side.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlglot import exp

from ..documents import canonical_json

Name = Callable[[exp.Column], Any]

_FLIPPED: dict[type[exp.Expr], str] = {exp.GT: "lt", exp.GTE: "lte"}
_PLAIN: dict[type[exp.Expr], str] = {exp.LT: "lt", exp.LTE: "lte"}
_NEGATED = {"eq": "neq", "neq": "eq"}
_COMMUTATIVE = (exp.EQ, exp.NEQ)
_CHAINS: dict[type[exp.Expr], str] = {
    exp.And: "and",
    exp.Or: "or",
    exp.Add: "add",
    exp.Mul: "mul",
}


def plain_name(column: exp.Column) -> Any:
    """A column's name; case matters between quotes only."""
    return column.name if column.this.quoted else column.name.lower()


def normal(node: exp.Expr, name: Name = plain_name) -> Any:
    """The normal form of a tree, as JSON.

    Args:
        name: What stands for a column.
    """
    if isinstance(node, exp.Paren):
        return normal(node.this, name)
    if isinstance(node, exp.Column):
        return ["column", name(node)]
    if isinstance(node, exp.Literal):
        return _text(node.this) if node.is_string else _number(node.this)
    if isinstance(node, exp.DataType):
        return ["type", node.sql("duckdb").lower()]
    if isinstance(node, exp.Not):
        return _not(normal(node.this, name))
    if isinstance(node, exp.Neg):
        inner = normal(node.this, name)
        return ["neg", inner] if inner[0] != "number" else _number(f"-{inner[1]}")
    if type(node) in _CHAINS:
        return _chain(_CHAINS[type(node)], node, name)
    if type(node) in _FLIPPED:
        right, left = normal(node.this, name), normal(node.expression, name)
        return [_FLIPPED[type(node)], left, right]
    if type(node) in _PLAIN:
        return [_PLAIN[type(node)], normal(node.this, name), normal(node.expression, name)]
    if isinstance(node, _COMMUTATIVE):
        return [node.key, *_sorted([normal(node.this, name), normal(node.expression, name)])]
    if isinstance(node, exp.Between) and not node.args.get("symmetric"):
        value = normal(node.this, name)
        low, high = normal(node.args["low"], name), normal(node.args["high"], name)
        return _joined("and", [["lte", low, value], ["lte", value, high]])
    if isinstance(node, exp.In) and node.expressions and not node.args.get("query"):
        return _in(normal(node.this, name), [normal(one, name) for one in node.expressions])
    if isinstance(node, exp.Case | exp.If):
        return _case(node, name)
    return _any(node, name)


def conditions(node: exp.Expr, name: Name = plain_name) -> list[Any]:
    """The conditions that AND joins at the top of a tree, each in normal form."""
    found = normal(node, name)
    return list(found[1:]) if found[0] == "and" else [found]


def _text(value: str) -> Any:
    return ["text", value]


def _number(value: str) -> Any:
    try:
        number = Decimal(value).normalize()
    except InvalidOperation:
        return ["number", value.lower()]
    return ["number", f"{number:f}"]


def _sorted(parts: list[Any]) -> list[Any]:
    return sorted(parts, key=canonical_json)


def _joined(word: str, parts: list[Any]) -> Any:
    """Conditions under AND or OR: in one order, each once, chains of the same word opened."""
    flat: list[Any] = []
    for part in parts:
        flat.extend(part[1:] if part[0] == word else [part])
    unique = {canonical_json(part): part for part in flat}
    found = [unique[key] for key in sorted(unique)]
    return found[0] if len(found) == 1 else [word, *found]


def _chain(word: str, node: exp.Expr, name: Name) -> Any:
    parts = [normal(part, name) for part in node.flatten(unnest=True)]
    if word in ("and", "or"):
        return _joined(word, parts)
    flat: list[Any] = []
    for part in parts:
        flat.extend(part[1:] if part[0] == word else [part])
    return [word, *_sorted(flat)]


def _not(inner: Any) -> Any:
    """NOT, moved inwards as far as it goes: NULL stays NULL on the way."""
    word = inner[0]
    if word == "not":
        return inner[1]
    if word in _NEGATED:
        return [_NEGATED[word], *inner[1:]]
    if word == "lt":
        return ["lte", inner[2], inner[1]]
    if word == "lte":
        return ["lt", inner[2], inner[1]]
    if word in ("and", "or"):
        return _joined("or" if word == "and" else "and", [_not(part) for part in inner[1:]])
    return ["not", inner]


def _in(value: Any, listed: list[Any]) -> Any:
    """IN, as the equalities that it stands for: one value is `=`, their order says nothing."""
    return _joined("or", [["eq", *_sorted([value, one])] for one in listed])


def _case(node: exp.Case | exp.If, name: Name) -> Any:
    """CASE: a missing ELSE is NULL, `case x when 1` is `case when x = 1`, IF is a CASE."""
    if isinstance(node, exp.If):
        branches = [[normal(node.this, name), normal(node.args["true"], name)]]
        default = node.args.get("false")
    else:
        value = normal(node.this, name) if node.this is not None else None
        branches = []
        for branch in node.args["ifs"]:
            when = normal(branch.this, name)
            when = when if value is None else ["eq", *_sorted([value, when])]
            branches.append([when, normal(branch.args["true"], name)])
        default = node.args.get("default")
    return ["case", branches, ["null"] if default is None else normal(default, name)]


def _any(node: exp.Expr, name: Name) -> Any:
    """Any other node: its key and its arguments by name."""
    parts: list[Any] = []
    for key, value in sorted(node.args.items()):
        values = value if isinstance(value, list) else [value]
        found = [
            normal(item, name) if isinstance(item, exp.Expr) else item
            for item in values
            if isinstance(item, exp.Expr | str | int) and item is not False
        ]
        if found:
            parts.append([key, *found])
    return [node.key, *parts]
