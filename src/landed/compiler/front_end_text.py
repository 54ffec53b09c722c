"""What a query's text must fulfil before and right after it is parsed: bounded, one statement."""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres

from ..catalog.expressions import parse_bounded
from ..catalog.names import refused, show

MAX_QUERY = 8000  # characters; what BI tools generate over three metrics has about 2,000
MAX_TOKENS = 1500  # the parser takes some 5 µs for one; a query of two pages has about 400
MAX_DEPTH = 120  # levels of the tree, which is walked by recursion

EXAMPLE = "write SELECT MEASURE(<metric>), <dimension> FROM metrics GROUP BY <dimension>."

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\w+|[^\s\w]")
_WORD = re.compile(r"\s*([A-Za-z]+)")


class _NullsLast(Postgres):
    """Postgres, where NULL comes last unless a query says first, in both directions."""

    NULL_ORDERING = "nulls_are_last"


def statement(sql: str) -> exp.Expr:
    """The one statement of a text; what is no SELECT, too long or too deep is refused.

    Raises:
        QueryRefused: One line that names the token and gives a fix.
    """
    if not isinstance(sql, str):  # from Python anything may come
        raise refused(f"the query is a {type(sql).__name__}", "give it as text.", "not_text")
    if not _is_unicode(sql):
        raise refused("the query has bytes that are no UTF-8", "write it in UTF-8.", "not_text")
    first = _WORD.match(sql[:MAX_QUERY])
    if first is not None and first.group(1).lower() not in ("select", "with"):
        raise refused(f"{show(first.group(1).upper())} is not allowed", EXAMPLE, "not_a_select")
    if len(sql) <= MAX_QUERY:
        tokens = len(_TOKEN.findall(sql))
        if tokens > MAX_TOKENS:
            raise refused(
                f"{show(sql[:200])} has {tokens} words and signs",
                f"use at most {MAX_TOKENS}; name a range with BETWEEN rather than a long list.",
                "too_long",
            )
    tree = parse_bounded(sql, _NullsLast, MAX_QUERY)
    level, depth = [tree], 0
    while level:
        level = [child for node in level for child in node.iter_expressions()]
        depth += 1
        if depth > MAX_DEPTH:
            raise refused(
                f"{show(sql[:200])} nests too deeply",
                "split it into WITH queries, or write IN (…) for many comparisons.",
                "too_deep",
            )
    while isinstance(tree, exp.Subquery) and not _more(tree, "this"):
        tree = tree.this  # brackets around the whole
    return tree


def _is_unicode(text: str) -> bool:
    """Whether a text has halves of characters, by which an argument's broken bytes come."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def written(tree: exp.Expr) -> str:
    """A part of a query for a message."""
    return show(tree.sql("postgres", comments=False))


def name_of(node: exp.Identifier) -> str:
    """An identifier; Postgres folds unquoted ones to lower case."""
    return str(node.name if node.args.get("quoted") else node.name.lower())


def _more(tree: exp.Expr, *known: str) -> list[str]:
    """Names of what a node has beside the parts that are known."""
    return [key for key, value in tree.args.items() if value and key not in known]


def only(tree: exp.Expr, *known: str, what: str = "", fix: str = EXAMPLE) -> None:
    """Refuse a node that has more than the parts that are known."""
    extra = _more(tree, *known)
    if extra:
        word = WORDS.get(extra[0], extra[0].rstrip("_").replace("_", " ").upper())
        raise refused(f"{show(word)} is not allowed{what}", fix, "clause")


#: What a clause is called where people know it by another word than the parser's.
WORDS = {
    "with_": "WITH",
    "joins": "JOIN",
    "laterals": "LATERAL",
    "operation_modifiers": "modifiers",
    "into": "INTO",
    "locks": "FOR UPDATE",
    "windows": "WINDOW",
    "sample": "TABLESAMPLE",
    "kind": "SELECT AS",
    "method": "NATURAL",
    "columns": "a list of columns",
}
