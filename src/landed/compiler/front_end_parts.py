"""Parts of expressions that hold no names: numbers, sort keys, frames of windows."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from ..catalog.names import refused, show
from .front_end_text import only, written

MAX_ROWS = 10_000  # of a window's frame, and of how far lag looks back


def number_literal(text: str) -> exp.Expr:
    """A number as it was written, if it is one.

    Raises:
        QueryRefused: It is none, or too long.
    """
    digits = text.lower().replace("e+", "e").replace("e-", "e")
    mantissa, _, exponent = digits.partition("e")
    parts = mantissa.split(".")
    is_number = len(parts) <= 2 and all(one.isdecimal() for one in parts if one) and any(parts)
    if not is_number or len(text) > 40 or not (exponent.isdecimal() or exponent == ""):
        raise refused(f"{show(text)} is no number", "write it in digits, at most 40.", "number")
    return exp.Literal.number(text)


def ordered(tree: exp.Expr, rebuild: Callable[[exp.Expr], exp.Expr]) -> exp.Ordered:
    """A sort key built anew; NULL comes last unless it says first."""
    only(tree, "this", "desc", "nulls_first", what=" in ORDER BY", fix="leave it out.")
    return exp.Ordered(
        this=rebuild(tree.this),
        desc=bool(tree.args.get("desc")),
        nulls_first=bool(tree.args.get("nulls_first")),
    )


def whole_number(tree: exp.Expr, around: exp.Expr) -> exp.Expr:
    """A whole number of rows."""
    text = tree.name if isinstance(tree, exp.Literal) and not tree.is_string else ""
    if not text.isdecimal() or len(text) > 5 or int(text) > MAX_ROWS:
        raise refused(
            f"{written(around)} counts by no whole number", f"use 0 to {MAX_ROWS}.", "window"
        )
    return exp.Literal.number(text)


def frame(tree: exp.Expr) -> exp.WindowSpec:
    """ROWS or RANGE BETWEEN … AND …; of RANGE only whole ends and the current row."""
    only(
        tree, "kind", "start", "start_side", "end", "end_side",
        what=" in OVER", fix="write ROWS BETWEEN 6 PRECEDING AND CURRENT ROW.",
    )  # fmt: skip
    kind = str(tree.args.get("kind") or "").upper()
    made = exp.WindowSpec(kind=kind)
    for key in ("start", "end"):
        value, side = tree.args.get(key), str(tree.args.get(f"{key}_side") or "").upper()
        if value is None:
            continue
        if isinstance(value, exp.Expr):
            is_counted = kind == "ROWS" and side in ("PRECEDING", "FOLLOWING")
            made.set(key, whole_number(value, tree) if is_counted else None)
        elif str(value).upper() in ("UNBOUNDED", "CURRENT ROW"):
            is_counted = True
            made.set(key, str(value).upper())
        else:
            is_counted = False
        if not is_counted or kind not in ("ROWS", "RANGE"):
            raise refused(
                f"the frame {written(tree)} is not allowed",
                "write ROWS BETWEEN 6 PRECEDING AND CURRENT ROW.",
                "window",
            )
        if side in ("PRECEDING", "FOLLOWING"):
            made.set(f"{key}_side", side)
    return made
