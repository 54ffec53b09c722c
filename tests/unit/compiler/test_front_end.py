from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest

from landed.catalog import Catalog
from landed.compiler import MetricQuery, OrderBy, OutputColumn, compile_query, parse_metric_sql
from landed.errors import QueryRefused

ASK = "select measure(events) from metrics"

BY_PLAN = "select measure(events), plan from metrics group by plan"

#: Query, the token its refusal must name, and (where there is one) the query that its fix gives.
REFUSED = [
    ("select measure(event) from metrics", "`event`", ASK),
    ("select measure(evnets) from metrics", "did you mean `events`", ASK),
    ("select events from metrics", "MEASURE(events)", ASK),
    ("select measure(events), plan from metrics", "GROUP BY plan", BY_PLAN),
    ("select measure(events), pln from metrics group by pln", "did you mean `plan`", None),
    ("select measure(events), platform from metrics group by 2", "`unit__platform`", None),
    ("select measure(errors), event_name from metrics group by 2", "`event_name`", None),
    ("select * from metrics", "`*`", None),
    ("select m.* from metrics", "`*`", None),
    ("select metrics.plan, measure(events) from metrics group by 1", "dot", None),
    ("select sum(events) from metrics", "aggregate `sum`", ASK),
    ("select count(*) from metrics", "aggregate `count`", ASK),
    ("select measure(sum(events)) from metrics", "does not take one metric", ASK),
    ("select measure(events, errors) from metrics", "does not take one metric", ASK),
    ("select measure() from metrics", "does not take one metric", ASK),
    ("select measure(events) + 1 from metrics", "is not allowed", None),
    ("select upper(plan), measure(events) from metrics group by plan", "`UPPER(plan)`", None),
    ("select plan from metrics group by plan", "no metric", None),
    ("select measure(events)", "FROM metrics", ASK),
    ("select measure(events) from fct_events", "`fct_events`", ASK),
    ("select measure(events) from main.metrics", "without schema", ASK),
    ("select measure(events) from metrics m", "without schema or alias", ASK),
    ("select measure(events) from metrics, metrics", "`JOIN`", ASK),
    ("select measure(events) from metrics join dim_units on true", "`JOIN`", ASK),
    ("select measure(events) from (select 1) as metrics", "subquery", ASK),
    ("select measure(events) from read_csv('/etc/passwd')", "READ_CSV", ASK),
    ("with x as (select 1) select measure(events) from metrics", "`WITH`", ASK),
    ("with x as (copy (select 1) to '/tmp/x') select 1", "`", None),
    ("select measure(events) from metrics union select 1", "`UNION`", ASK),
    ("select distinct measure(events) from metrics", "`DISTINCT`", ASK),
    ("select measure(events) from metrics offset 3", "`OFFSET`", ASK),
    ("select measure(events) from metrics for update", "`FOR UPDATE`", ASK),
    ("select measure(events) over () from metrics", "is not allowed", None),
    ("select measure(events) filter (where true) from metrics", "is not allowed", None),
    ("drop table metrics", "`DROP`", ASK),
    ("copy metrics to '/tmp/x'", "`COPY`", ASK),
    ("attach '/tmp/x.duckdb'", "`ATTACH`", ASK),
    ("insert into metrics values (1)", "`INSERT`", ASK),
    ("update metrics set plan = 1", "`UPDATE`", ASK),
    ("delete from metrics", "`DELETE`", ASK),
    ("set threads = 99", "`SET`", ASK),
    ("pragma version", "`PRAGMA`", ASK),
    ("select measure(events) from metrics; select 1", "not one statement", ASK),
    ("", "empty", ASK),
    (";", "not one statement", ASK),
    ("select measure(events from metrics", "cannot read", ASK),
    (f"select {'(' * 60}1{')' * 60}", "nests brackets", ASK),
    ("select measure(events) from metrics where plan = " + "'a'" * 2000, "characters", ASK),
    ("select measure(events) from metrics where " + "not " * 900 + "true", "nests too deeply", ASK),
    ("select measure(events) from metrics where measure(events) > 1", "HAVING", None),
    ("select measure(events) from metrics where events > 1", "is a metric", None),
    ("select measure(events) from metrics where plan in (select 1)", "subquery", ASK),
    ("select measure(events) from metrics where exists (select 1)", "subquery", ASK),
    ("select measure(events) from metrics where read_text('/etc/passwd') = 'x'", "read_text", ASK),
    ("select measure(events) from metrics where pg_sleep(9) is null", "pg_sleep", ASK),
    ("select measure(events) from metrics where plan like '%a'", "`like`", ASK),
    ("select measure(events) from metrics where 1", "no condition", ASK),
    ("select measure(events) from metrics where plan = $1", "placeholder", ASK),
    ("select measure(events) from metrics where plan = cast('1' as json)", "`JSON`", ASK),
    ("select measure(events) from metrics having plan = 'pro'", "HAVING", None),
    ("select measure(events) from metrics group by plan, measure(events)", "cannot group", None),
    ("select measure(events), plan from metrics group by 1", "cannot group", None),
    ("select measure(events), plan from metrics group by 7", "no column `7`", None),
    ("select measure(events), plan from metrics group by rollup (plan)", "`ROLLUP", None),
    ("select measure(events), plan from metrics group by grouping sets ((plan))", "GROUPING", None),
    ("select measure(events) from metrics order by plan", "cannot sort by `plan`", ASK),
    ("select measure(events) from metrics order by 9", "no column `9`", ASK),
    ("select measure(events) from metrics limit 1.5", "LIMIT 100", ASK),
    ("select measure(events) from metrics limit -1", "LIMIT 100", ASK),
    ("select measure(events), metric_time from metrics group by 2", "date_trunc('day'", None),
    (
        "select measure(events), date_trunc('minute', metric_time) from metrics group by 2",
        "`minute`",
        None,
    ),
    ("select measure(events), date_trunc('day', plan) from metrics group by 2", "`plan`", None),
    (
        "select measure(events), date_trunc('day', metric_time, 'Europe/Berlim') from metrics "
        "group by 2",
        "did you mean `Europe/Berlin`",
        "select measure(events), date_trunc('day', metric_time, 'Europe/Berlin') from metrics "
        "group by 2",
    ),
    (
        "select measure(events), date_trunc('day', metric_time, plan) from metrics group by 2",
        "`plan`",
        None,
    ),
    (
        "select measure(events), date_trunc('day', metric_time, 'Asia/Tokyo') from metrics "
        "where date_trunc('day', metric_time) > '2026-01-01' group by 2",
        "`Asia/Tokyo` and none",
        None,
    ),
    ("select measure(events) from metrics where date_trunc('day', plan) = 'a'", "no time", ASK),
    (
        "select measure(events) from metrics where date_trunc('minute', metric_time) > '2026'",
        "`minute`",
        None,
    ),
    (
        "select measure(errors), date_trunc('hour', metric_time) from metrics group by 2",
        "holds days, not hours",
        "select measure(errors), date_trunc('day', metric_time) from metrics group by 2",
    ),
    ("select measure(events) as a, measure(errors) as a from metrics", "called `a`", None),
    ("select measure(active_share), variant from metrics group by 2", "WHERE release", None),
    (
        "select measure(active_share) from metrics where release = 'nwe-start'",
        "did you mean `new-start`",
        None,
    ),
    (
        "select measure(active_share) from metrics where release in ('new-start')",
        "release = '",
        None,
    ),
    (
        "select measure(active_share) from metrics where release = 'new-start' or plan = 'x'",
        "`unit__plan`",
        None,
    ),
    (
        "select measure(active_share), plan from metrics where release = 'new-start' group by 2",
        "`unit__plan`",
        None,
    ),
    ("select measure(twice) from metrics where release = 'new-start'", "derived metric", None),
    ("select measure(errors) from metrics where release = 'new-start'", "knows the day", None),
]


@pytest.mark.parametrize(("sql", "token", "fixed"), REFUSED)
def test_wrong_queries_are_refused_in_one_line(
    catalog: Catalog, sql: str, token: str, fixed: str | None
) -> None:
    started = time.perf_counter()

    with pytest.raises(QueryRefused) as refusal:
        compile_query(catalog, parse_metric_sql(sql, catalog))

    message = str(refusal.value)
    assert time.perf_counter() - started < 2
    assert token.lower() in message.lower()
    assert "\n" not in message
    assert len(message) < 400
    assert len(refusal.value.faults) == 1
    assert re.search(r": |did you mean|use one of", message), "it has no fix"
    if fixed:
        compile_query(catalog, parse_metric_sql(fixed, catalog))


def test_a_time_zone_and_weeks_from_sunday_are_read(catalog: Catalog) -> None:
    week = "date_trunc('us_week', metric_time, 'Europe/Berlin')"
    sql = (
        f"select {week} as w, measure(events) from metrics where {week} >= '2026-01-04' group by 1"
    )

    query = parse_metric_sql(sql, catalog)
    compiled = compile_query(catalog, query).sql

    assert (query.grain, query.time_zone) == ("us_week", "Europe/Berlin")
    assert compiled.count("'Europe/Berlin'") == 2  # of the periods and of the condition
    assert "US_WEEK" not in compiled


def test_in_release_scope_a_time_zone_changes_nothing(catalog: Catalog) -> None:
    asked = MetricQuery(("active_share",), ("variant",), where=("release = 'new-start'",))

    plain = compile_query(catalog, asked)
    zoned = compile_query(catalog, replace(asked, time_zone="Asia/Tokyo"))

    assert zoned.sql == plain.sql


def test_names_aliases_positions_and_case_are_read(catalog: Catalog) -> None:
    query = parse_metric_sql(
        'SELECT PLAN AS "Plan", Measure(EVENTS) "How many", '
        "date_trunc('month', metric_time) AS m "
        "FROM metrics WHERE plan IS NOT NULL GROUP BY 1, m HAVING Measure(active_units) > 2 "
        "ORDER BY 2 DESC, m LIMIT 10",
        catalog,
    )

    assert query == MetricQuery(
        metrics=("events", "active_units"),
        group_by=("plan", "metric_time"),
        grain="month",
        where=("plan IS NOT NULL",),
        having=('"active_units" > 2',),
        order_by=(OrderBy("events", descending=True), OrderBy("metric_time")),
        limit=10,
        columns=(
            OutputColumn("plan", "Plan"),
            OutputColumn("events", "How many"),
            OutputColumn("metric_time", "m"),
        ),
    )


def test_a_trailing_semicolon_is_harmless(catalog: Catalog) -> None:
    assert parse_metric_sql(ASK + ";", catalog) == parse_metric_sql(ASK, catalog)


def test_comments_never_reach_the_statement(catalog: Catalog) -> None:
    sql = "select measure(events) /* drop */ from metrics -- table\nwhere plan /* x */ = 'a'"

    compiled = compile_query(catalog, parse_metric_sql(sql, catalog))

    assert "drop" not in compiled.sql
    assert "/*" not in compiled.sql
    assert "--" not in compiled.sql


def test_a_dimension_grouped_by_but_not_selected_is_allowed(catalog: Catalog) -> None:
    query = parse_metric_sql(ASK + " group by plan", catalog)

    assert [column.alias for column in query.columns] == ["events"]
    assert query.group_by == ("plan",)
