"""What stands around metric queries computes what it says, on rows that are counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from landed.catalog import Catalog
from landed.compiler import (
    FilteredMetric,
    MetricQuery,
    MetricScript,
    OutputColumn,
    compile_query,
    compile_script,
    parse_metric_sql,
    parse_sql,
)
from landed.errors import QueryRefused

TODAY = date(2026, 1, 15)
Ask = Callable[[str], list[tuple[Any, ...]]]

ROWS = """
create table fct_events (
    event_id varchar, event_name varchar, unit_id varchar, platform varchar, occurred_at timestamp
);
insert into fct_events values
    ('1', 'open', 'a', 'ios', '2026-01-05 10:00'), ('2', 'open', 'b', 'web', '2026-01-05 11:00'),
    ('3', 'buy', 'a', 'ios', '2026-01-06 10:00'), ('4', 'open', 'a', 'web', '2026-01-12 10:00'),
    ('5', 'open', 'c', 'web', '2026-01-13 10:00'), ('6', 'open', 'd', null, '2026-01-19 00:00');
create table dim_units (unit_id varchar, plan varchar, platform varchar);
insert into dim_units values ('a', 'pro', 'ios'), ('b', 'free', 'web'), ('c', 'pro', 'web');
create table agg_unit_days (unit_id varchar, event_on date, error_count bigint);
insert into agg_unit_days values ('a', '2026-01-05', 4), ('b', '2026-01-12', 1);
"""

WEEKS = (
    "SELECT date_trunc('week', metric_time) AS week, MEASURE(events) AS v FROM metrics GROUP BY 1"
)
PLANS = "SELECT plan, MEASURE(events) AS v FROM metrics GROUP BY plan"


@pytest.fixture(scope="module")
def ask(catalog: Catalog) -> Iterator[Ask]:
    with duckdb.connect() as connection:
        connection.execute(ROWS)

        def run(sql: str) -> list[tuple[Any, ...]]:
            compiled = compile_script(catalog, parse_sql(sql, catalog, today=TODAY))
            assert len(connection.extract_statements(compiled.sql)) == 1
            cursor = connection.execute(compiled.sql)
            assert [one[0] for one in cursor.description or ()] == [
                one.name for one in compiled.columns
            ]
            return cursor.fetchall()

        yield run


FIRST, SECOND, THIRD = date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19)

#: Query and its rows, in order.
ANSWERED: list[tuple[str, list[tuple[Any, ...]]]] = [
    # around a metric query
    (
        f"WITH w AS ({WEEKS}) SELECT week, v / lag(v) OVER (ORDER BY week) AS growth FROM w "
        "WHERE v >= 1 ORDER BY week LIMIT 5",
        [(FIRST, None), (SECOND, 2 / 3), (THIRD, 0.5)],
    ),
    (f"SELECT v FROM ({PLANS}) AS p ORDER BY v DESC, 1 OFFSET 1", [(1,), (1,)]),
    (f"SELECT * FROM ({PLANS}) p WHERE plan IS NOT NULL ORDER BY plan", [("free", 1), ("pro", 4)]),
    (f"WITH p AS ({PLANS}) SELECT sum(v), count(*), count(plan), max(v) FROM p", [(6, 3, 2, 4)]),
    (
        f"WITH p AS ({PLANS}) SELECT plan, v / sum(v) OVER () AS share FROM p ORDER BY share DESC "
        "LIMIT 1",
        [("pro", 4 / 6)],
    ),
    (
        "WITH t AS (SELECT MEASURE(events) AS total FROM metrics), "
        f"p AS ({PLANS}) SELECT plan, v / total AS share FROM p CROSS JOIN t "
        "WHERE plan = 'free'",
        [("free", 1 / 6)],
    ),
    (
        f"WITH p AS ({PLANS}), e AS (SELECT plan, MEASURE(errors) AS e FROM metrics GROUP BY 1) "
        "SELECT p.plan, p.v, e.e FROM p JOIN e ON p.plan = e.plan ORDER BY 1",
        [("free", 1, 1), ("pro", 4, 4)],
    ),
    (
        f"WITH p AS ({PLANS}), e AS (SELECT plan, MEASURE(errors) AS e FROM metrics "
        "WHERE plan = 'pro' GROUP BY 1) SELECT * FROM p LEFT JOIN e USING (plan) ORDER BY plan",
        [("free", 1, None), ("pro", 4, 4), (None, 1, None)],
    ),
    (
        "SELECT 'events' AS what, MEASURE(events) AS v FROM metrics UNION ALL "
        "SELECT 'units', MEASURE(active_units) FROM metrics ORDER BY what DESC",
        [("units", 4), ("events", 6)],
    ),
    (
        f"WITH p AS ({PLANS}) SELECT plan FROM p WHERE v = (SELECT max(v) FROM p)",
        [("pro",)],
    ),
    (
        f"WITH p AS ({PLANS}), top AS (SELECT plan FROM p ORDER BY v DESC LIMIT 1) "
        "SELECT v FROM p WHERE plan IN (SELECT plan FROM top)",
        [(4,)],
    ),
    (
        f"WITH w AS ({WEEKS}) SELECT CASE WHEN v > 2 THEN 'much' ELSE 'little' END AS size, "
        "count(*) AS n FROM w GROUP BY 1 HAVING count(*) > 0 ORDER BY n DESC",
        [("little", 2), ("much", 1)],
    ),
    (
        f"WITH w AS ({WEEKS}) SELECT extract(month FROM week) AS m, avg(v)::decimal(10, 2) AS a "
        "FROM w GROUP BY m",
        [(1, 2)],
    ),
    (
        f"WITH w AS ({WEEKS}) SELECT sum(v) OVER (ORDER BY week ROWS BETWEEN 1 PRECEDING AND "
        "CURRENT ROW) AS two FROM w ORDER BY week",
        [(3,), (5,), (3,)],
    ),
    (
        f"WITH w AS ({WEEKS}) SELECT week + INTERVAL '7 days' AS later FROM w "
        "WHERE week < DATE '2026-01-10'",
        [(date(2026, 1, 12),)],
    ),
    (
        f"WITH w AS ({WEEKS}), x AS (SELECT week, rank() OVER (ORDER BY v DESC) AS k FROM w) "
        "SELECT week FROM x WHERE k = 1",
        [(FIRST,)],
    ),
    # computed from the values of one metric query
    ("SELECT MEASURE(events) / MEASURE(active_units) AS per FROM metrics", [(1.5,)]),
    ("SELECT MEASURE(events) / (MEASURE(events) - 6) AS none FROM metrics", [(None,)]),
    ("SELECT MEASURE(events) % 4 AS rest, -MEASURE(events) AS less FROM metrics", [(2, -6)]),
    (
        "SELECT upper(plan) AS p, round(MEASURE(events) * 0.333, 1) AS v FROM metrics "
        "WHERE plan IS NOT NULL GROUP BY plan ORDER BY v DESC",
        [("PRO", 1.3), ("FREE", 0.3)],
    ),
    (
        "SELECT plan, MEASURE(events) - MEASURE(errors) AS d FROM metrics GROUP BY plan "
        "HAVING MEASURE(events) - MEASURE(errors) >= 0 ORDER BY d, plan DESC",
        [("pro", 0), ("free", 0)],
    ),
    (
        "SELECT date_trunc('week', metric_time)::date AS week, sum(MEASURE(events)) OVER "
        "(ORDER BY date_trunc('week', metric_time)) AS running FROM metrics GROUP BY 1",
        [(FIRST, 3), (SECOND, 5), (THIRD, 6)],
    ),
    (
        "SELECT DISTINCT MEASURE(events) > 2 AS much FROM metrics GROUP BY plan",
        [(False,), (True,)],
    ),
    (  # a dimension is meant before an alias
        "SELECT upper(plan) AS plan, lower(plan) AS low, MEASURE(events) AS v FROM metrics "
        "WHERE plan = 'pro' GROUP BY unit__plan HAVING plan = 'pro'",
        [("PRO", "pro", 4)],
    ),
    (  # a query of WITH inside another does not hide a part of its name
        f"WITH w AS ({PLANS}), x AS (WITH w AS (SELECT plan FROM w WHERE v > 1) "
        f"SELECT s.v FROM ({PLANS}) AS s JOIN w ON s.plan = w.plan) SELECT v FROM x",
        [(4,)],
    ),
    # what a plain query may say
    (
        "SELECT plan, MEASURE(errors) AS e FROM metrics GROUP BY 1 ORDER BY e DESC NULLS FIRST, 1",
        [("pro", 4), ("free", 1)],
    ),
    (
        "SELECT plan, MEASURE(events) FROM metrics GROUP BY 1 ORDER BY plan NULLS FIRST LIMIT 2",
        [(None, 1), ("free", 1)],
    ),
    ("SELECT plan, MEASURE(events) FROM metrics GROUP BY 1 OFFSET 2", [(None, 1)]),
    (
        "SELECT plan, MEASURE(events) FROM metrics GROUP BY 1 ORDER BY 2 DESC "
        "FETCH FIRST 1 ROWS ONLY",
        [("pro", 4)],
    ),
    ("SELECT MEASURE(events) FROM metrics WHERE plan LIKE 'p%'", [(4,)]),
    ("SELECT MEASURE(events) FROM metrics WHERE plan NOT ILIKE 'P%'", [(1,)]),
    ("SELECT MEASURE(events) FROM metrics WHERE plan NOT IN ('pro') AND plan IS NOT NULL", [(1,)]),
    (
        "SELECT MEASURE(events) FROM metrics WHERE metric_time BETWEEN '2026-01-05' AND "
        "TIMESTAMP '2026-01-06 09:00:00'",
        [(2,)],
    ),
    (
        "SELECT MEASURE(events) FROM metrics WHERE metric_time >= current_date - INTERVAL '3 days' "
        "AND metric_time < current_date",
        [(2,)],
    ),
    (
        "SELECT MEASURE(events) FROM metrics "
        "WHERE metric_time < date_trunc('month', current_date) + INTERVAL '1 week'",
        [(3,)],
    ),
    (
        '/* a tool */ select "m"."plan" as "Plan", measure(m.EVENTS) /* x */ from METRICS m '
        "where M.plan = 'pro' -- why\n group by m.plan;",
        [("pro", 4)],
    ),
    ("(SELECT MEASURE(events) FROM metrics)", [(6,)]),
    # FILTER
    (
        "SELECT MEASURE(events), MEASURE(events) FILTER (WHERE plan = 'pro') AS pro, "
        "MEASURE(active_units) FILTER (WHERE plan IS NULL) AS nobody FROM metrics",
        [(6, 4, 1)],
    ),
    (
        "SELECT plan, MEASURE(events) AS v, MEASURE(events) FILTER (WHERE event_name = 'buy') AS b "
        "FROM metrics GROUP BY plan ORDER BY plan",
        [("free", 1, 0), ("pro", 4, 1), (None, 1, 0)],
    ),
    (
        "SELECT MEASURE(twice) FILTER (WHERE plan = 'free') AS t, "
        "MEASURE(events) FILTER (WHERE metric_time >= '2026-01-12') AS late FROM metrics",
        [(2, 3)],
    ),
    (
        "SELECT MEASURE(events) FILTER (WHERE plan = 'pro') / MEASURE(events) AS share "
        "FROM metrics HAVING MEASURE(events) FILTER (WHERE plan = 'pro') > 1",
        [(4 / 6,)],
    ),
    (
        "SELECT plan, MEASURE(events) FROM metrics GROUP BY plan "
        "HAVING MEASURE(events) FILTER (WHERE event_name = 'buy') > 0",
        [("pro", 4)],
    ),
    (
        "SELECT plan FROM (SELECT plan, MEASURE(events) FROM metrics GROUP BY plan "
        "ORDER BY MEASURE(events) FILTER (WHERE event_name = 'open') DESC LIMIT 1) AS top",
        [("pro",)],
    ),
]


@pytest.mark.parametrize(("sql", "rows"), ANSWERED)
def test_a_statement_around_metrics_computes_what_it_says(
    ask: Ask, sql: str, rows: list[tuple[Any, ...]]
) -> None:
    found = [tuple(plain(one) for one in row) for row in ask(sql)]

    assert found == [
        tuple(pytest.approx(one) if isinstance(one, float) else one for one in row) for row in rows
    ]


def plain(value: Any) -> Any:
    """A day for an instant, a float for a decimal."""
    if isinstance(value, datetime):
        return value.date()
    return float(value) if isinstance(value, Decimal) else value


def test_a_plain_query_stays_one_metric_query(catalog: Catalog) -> None:
    assert isinstance(parse_sql(PLANS, catalog), MetricQuery)
    assert parse_metric_sql(PLANS, catalog) == parse_sql(PLANS, catalog)


def test_what_takes_one_metric_query_refuses_a_script(catalog: Catalog) -> None:
    with pytest.raises(QueryRefused, match="computes from metrics"):
        parse_metric_sql("SELECT MEASURE(events) + 1 AS n FROM metrics", catalog)


def test_the_same_metric_query_is_one_part(catalog: Catalog) -> None:
    script = parse_sql(
        f"SELECT a.v FROM ({PLANS}) AS a JOIN ({PLANS}) AS b ON a.plan = b.plan", catalog
    )

    assert isinstance(script, MetricScript)
    assert len(script.parts) == 1
    assert script.measured == ("events",)


def test_columns_of_a_script_say_what_is_behind_them(catalog: Catalog) -> None:
    compiled = compile_script(
        catalog, parse_sql(f"WITH w AS ({WEEKS}) SELECT week, v, v * 2 AS twice FROM w", catalog)
    )

    assert [(one.name, one.kind, one.source) for one in compiled.columns] == [
        ("week", "time", "metric_time"),
        ("v", "metric", "events"),
        ("twice", "computed", ""),
    ]
    assert compiled.models == {"fct_events"}


def test_a_script_knows_every_release_that_it_reads(catalog: Catalog) -> None:
    one = "SELECT variant, MEASURE(active_share) AS s FROM metrics WHERE release = 'new-start'"

    compiled = compile_script(
        catalog, parse_sql(f"SELECT max(s) - min(s) AS d FROM ({one} GROUP BY 1) AS r", catalog)
    )

    assert compiled.releases == {"new-start"}


def test_a_filtered_metric_reads_the_fact_once_beside_the_unfiltered_one(catalog: Catalog) -> None:
    sql = "SELECT MEASURE(events), MEASURE(events) FILTER (WHERE event_name = 'buy') AS b"

    compiled = compile_script(catalog, parse_sql(f"{sql} FROM metrics", catalog))

    assert compiled.sql.count('"fct_events"') == 1


def test_a_filtered_metric_is_a_value_of_a_metric_query(catalog: Catalog) -> None:
    query = parse_metric_sql(
        "SELECT MEASURE(events) FILTER (WHERE plan = 'pro') AS pro FROM metrics", catalog
    )

    assert query == MetricQuery(
        metrics=(),
        columns=(OutputColumn("events filter 1", "pro"),),
        filtered=(FilteredMetric("events filter 1", "events", ("\"plan\" = 'pro'",)),),
    )
    assert query.measured == ("events",)
    assert compile_query(catalog, query).columns[0].source == "events"


def test_two_values_of_one_name_are_refused(catalog: Catalog) -> None:
    one = FilteredMetric("errors", "events", ("plan = 'pro'",))

    with pytest.raises(QueryRefused, match="two values are called `errors`"):
        compile_query(catalog, MetricQuery(("events",), filtered=(one,)))


def test_current_date_means_nothing_without_a_day(catalog: Catalog) -> None:
    sql = "SELECT MEASURE(events) FROM metrics WHERE metric_time < current_date"

    with pytest.raises(QueryRefused, match="write DATE '2026-01-31'"):
        parse_sql(sql, catalog)
    assert "2026-01-15" in parse_metric_sql(sql, catalog, today=TODAY).where[0]
