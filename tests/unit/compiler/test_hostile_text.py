from __future__ import annotations

import re

import pytest
import sqlglot
from sqlglot import exp

from landed.catalog import Catalog
from landed.compiler import MetricQuery, OrderBy, OutputColumn, compile_query, parse_metric_sql
from landed.errors import QueryRefused

HOSTILE = [
    "'", "''", "';--", "' or '1'='1", "'; drop table fct_events; --", "\\'", "\\", "x\\' or 1=1",
    '"', '""', '" or ""="', '"; drop table fct_events; --', "`", "``", "$$", "$tag$x$tag$", "%s",
    "?", ":name", "@x", "{{ env_var('HOME') }}", "{% raw %}", "{# x #}", "/*", "*/", "/* x */",
    "--", "-- x", "#", ";", "\n;\n", "\r\n", "\t", "\0", "a\0b", "\u2028", "＇", "ʼ", "‘",
    "e'\\x27'", "U&'\\0027'", "0x27", "char(39)", "chr(39) || chr(39)", "null", "select 1",
    "union select 1", "pg_sleep(10)", "read_csv('/etc/passwd')", "x" * 500, "ſelect", "🦆",
    "a'b\"c",
]  # fmt: skip


def tokens(sql: str) -> list[str]:
    """The statement without what stands in literals and quoted identifiers."""
    return re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", " ", sql).split()


def test_there_are_fifty_hostile_texts() -> None:
    assert len(set(HOSTILE)) >= 50


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_value_stays_one_literal(catalog: Catalog, text: str) -> None:
    literal = exp.Literal.string(text).sql("postgres")
    harmless = parse_metric_sql(
        "select measure(events) from metrics where plan = 'harmless'", catalog
    )
    sql = f"select measure(events) from metrics where plan = {literal}"
    if any(mark in text for mark in ("{{", "{%", "{#")):
        with pytest.raises(QueryRefused, match="template"):
            parse_metric_sql(sql, catalog)
        return

    compiled = compile_query(catalog, parse_metric_sql(sql, catalog)).sql

    assert tokens(compiled) == tokens(compile_query(catalog, harmless).sql)
    literals = sqlglot.parse_one(compiled, "duckdb").find_all(exp.Literal)
    assert {found.name for found in literals if found.is_string} == {text}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_alias_stays_one_quoted_identifier(catalog: Catalog, text: str) -> None:
    query = MetricQuery(("events",), columns=(OutputColumn("events", text),))
    harmless = MetricQuery(("events",), columns=(OutputColumn("events", "harmless"),))

    sql = compile_query(catalog, query).sql

    assert tokens(sql) == tokens(compile_query(catalog, harmless).sql)
    assert compile_query(catalog, query).columns[0].name == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_refused_in_one_line(catalog: Catalog, text: str) -> None:
    queries = (
        MetricQuery((text,)),
        MetricQuery(("events",), group_by=(text,)),
        MetricQuery(("events",), order_by=(OrderBy(text),)),
        MetricQuery(("events",), columns=(OutputColumn(text, "a"),)),
    )

    for query in queries:
        with pytest.raises(QueryRefused) as refusal:
            compile_query(catalog, query)
        assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_condition_is_refused_or_harmless(catalog: Catalog, text: str) -> None:
    for query in (
        MetricQuery(("events",), where=(text,)),
        MetricQuery(("events",), having=(text,)),
    ):
        with pytest.raises(QueryRefused) as refusal:
            compile_query(catalog, query)
        assert len(str(refusal.value).splitlines()) == 1
