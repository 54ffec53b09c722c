"""Columns followed through table expressions, joins, unions and subqueries."""

from __future__ import annotations

import pytest

from landed.catalog.lineage_sql import parse_statement
from landed.catalog.lineage_templates import UnreadError

KNOWN = {"o": frozenset({"id", "unit", "usd"}), "u": frozenset({"unit", "plan"})}


def fields(sql: str, column: str) -> set[str]:
    found, _ = parse_statement(sql, KNOWN.get).sources(column)
    return {f"{one.table}.{one.name}" for one in found}


def rows(sql: str) -> set[str]:
    return {f"{one.table}.{one.name}" for one in parse_statement(sql, KNOWN.get).rows()}


@pytest.mark.parametrize(
    ("sql", "column", "found"),
    [
        ("select usd as a from o", "a", {"o.usd"}),
        ("select usd + id as a from o", "a", {"o.usd", "o.id"}),
        ("with x as (select * from o) select * from x", "usd", {"o.usd"}),
        (
            "with x as (select usd as a from o), y as (select a as b from x) select * from y",
            "b",
            {"o.usd"},
        ),
        ("select plan from o join u on o.unit = u.unit", "plan", {"u.plan"}),
        ("select u.* from o join u on o.unit = u.unit", "unit", {"u.unit"}),
        ("select id as a from o union all select plan from u", "a", {"o.id", "u.plan"}),
        (
            "select max(usd) over (partition by unit order by id) as a from o",
            "a",
            {"o.usd", "o.unit", "o.id"},
        ),
        ("select count(*) filter (where usd > 1) as a from o", "a", {"o.usd"}),
        ("select (select max(plan) from u) as a from o", "a", {"u.plan"}),
        ("select usd as a, a + 1 as b from o", "b", {"o.usd"}),
        ("select a from (select usd as a from o) as x", "a", {"o.usd"}),
        ("select 1 as a from o", "a", set()),
        ("select whatever from somewhere", "whatever", {"somewhere.whatever"}),
        (
            "with recursive r as (select id as a from o union all select r.a from r)"
            " select * from r",
            "a",
            {"o.id"},
        ),
        ("select USD as A from O", "a", {"O.usd"}),
    ],
)
def test_a_column_is_followed_to_the_tables_it_comes_from(
    sql: str, column: str, found: set[str]
) -> None:
    assert fields(sql, column) == found


@pytest.mark.parametrize("column", ["nothing", "plan"])
def test_a_column_that_no_table_has_is_no_guess(column: str) -> None:
    with pytest.raises(UnreadError, match=f"`{column}` cannot be placed"):
        fields("with x as (select * from o) select * from x", column)


def test_rows_are_chosen_by_conditions_and_joins_on_every_level() -> None:
    sql = (
        "with x as (select unit from o where usd > 1), unused as (select 1 from o where id = 2)"
        " select * from x join u on x.unit = u.unit"
        " where u.plan in (select plan from u)"
    )

    assert rows(sql) == {"o.usd", "o.unit", "u.unit", "u.plan"}


@pytest.mark.parametrize("text", ["select from (", "drop table o", "select 1; select 2", ""])
def test_what_is_no_query_is_refused(text: str) -> None:
    with pytest.raises(UnreadError):
        parse_statement(text, KNOWN.get)
