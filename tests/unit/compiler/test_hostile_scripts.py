"""A hundred hostile texts, as names and as values anywhere in a statement, stay what they are."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from landed.catalog import Catalog
from landed.compiler import compile_script, parse_sql

SEED = 7
PIECES = [
    "'", "''", '"', '""', ";", "--", "/*", "*/", "\\", "`", "$$", "$a$", "%", "?", ":x", "@", "#",
    "(", ")", "[", "]", "\n", "\t", "\0", "\u2028", "＇", "ʼ", "ſ", "é", "🦆", " ", "e'", "U&'",
    "drop table fct_events", "or 1=1", "union select 1", "copy (select 1) to '/tmp/x'", "null",
    "read_csv('/etc/passwd')", "main.fct_events", "select", "from metrics", "x",
]  # fmt: skip


def hostile(count: int) -> list[str]:
    """Texts put together from pieces that once meant something to a parser."""
    rng = random.Random(SEED)  # noqa: S311 - the same texts every time
    texts: dict[str, None] = {}
    while len(texts) < count:
        texts["".join(rng.choices(PIECES, k=rng.randint(1, 5)))] = None
    return list(texts)


HOSTILE = hostile(100)
#: What each statement comes to with a harmless text, once it was asked.
HARMLESS: dict[Callable[[str], str], tuple[list[str], set[str], set[str], str]] = {}


def quoted(text: str) -> str:
    return exp.to_identifier(text, quoted=True).sql("postgres")


def literal(text: str) -> str:
    return exp.Literal.string(text).sql("postgres")


def as_names(text: str) -> str:
    """The text as the name of a query, of a table and of columns; on both sides of a join."""
    name = quoted(text)
    return (
        f"with {name} as (select plan as {name}, measure(events) as {quoted(text + '2')} "
        f"from metrics group by 1) select {name}.{name} as {quoted(text + '3')}, "
        f"sum(b.{quoted(text + '2')}) as {quoted(text + '4')} from {name} "
        f"join {name} as b on {name}.{name} = b.{name} group by 1 order by {quoted(text + '4')}"
    )


def as_values(text: str) -> str:
    """The text as a value around metrics, in HAVING, LIKE, IN and CASE."""
    value = literal(text)
    return (
        f"select case when plan = {value} then {value} else {value} end as a, "
        f"measure(events) + 1 as b, coalesce(plan, {value}) as c from metrics group by plan "
        f"having plan in ({value}, 'x') or plan like {value}"
    )


def as_filters(text: str) -> str:
    """The text as a value of WHERE and FILTER."""
    value = literal(text)
    return (
        f"select measure(events), measure(events) filter (where plan = {value}) as b "
        f"from metrics where plan = {value} or plan like {value}"
    )


def parsed(sql: str) -> tuple[list[str], set[str], set[str], str]:
    """Kinds of the statements, texts, names, and the shape that is left without either."""
    kinds = [one.type.name for one in engine().extract_statements(sql)]
    (tree,) = sqlglot.parse(sql, dialect="duckdb")
    assert tree is not None
    texts = {one.name for one in tree.find_all(exp.Literal) if one.is_string}
    names = {one.name for one in tree.find_all(exp.Identifier)}
    assert all(one.args.get("quoted") for one in tree.find_all(exp.Identifier))
    shape = tree.transform(_blank).sql("duckdb")
    return kinds, texts, names, shape


@functools.cache
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _blank(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Identifier):
        return exp.to_identifier("name", quoted=True)
    if isinstance(node, exp.Literal) and node.is_string:
        return exp.Literal.string("text")
    return node


def test_there_are_a_hundred_hostile_texts() -> None:
    assert len(set(HOSTILE)) == 100


@pytest.mark.parametrize("write", [as_names, as_values, as_filters])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_one_quoted_name_or_one_literal(
    catalog: Catalog, write: Callable[[str], str], text: str
) -> None:
    sql = write(text)

    compiled = compile_script(catalog, parse_sql(sql, catalog)).sql

    kinds, texts, names, shape = parsed(compiled)
    harmless = HARMLESS.get(write) or parsed(
        compile_script(catalog, parse_sql(write("harmless"), catalog)).sql
    )
    HARMLESS[write] = harmless
    assert kinds == ["SELECT"]
    assert shape == harmless[3]
    if write is as_names:
        assert {text, text + "2", text + "3", text + "4"} <= names
        assert texts == harmless[1]
    else:
        assert texts == {text if one == "harmless" else one for one in harmless[1]}
        assert names == harmless[2]
