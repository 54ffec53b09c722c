"""Saved queries: how they are read, what is wrong with them, what they ask."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from written import faults, load, metric

from landed.catalog import Catalog
from landed.compiler import compile_query, parse_metric_sql
from landed.compiler.saved import saved_query, saved_sql

HEADER = "saved_queries:\n  - name: daily\n    query_params:\n      metrics: [events]\n"


def saved(tmp_path: Path, params: str) -> Catalog:
    text = HEADER + textwrap.indent(textwrap.dedent(params), "      ")
    return load(tmp_path, metric(), metrics__saved=text)


def wrong(tmp_path: Path, params: str) -> list[str]:
    text = HEADER + textwrap.indent(textwrap.dedent(params), "      ")
    return faults(tmp_path, metric(), metrics__saved=text)


def test_groups_conditions_order_and_limit_are_read_as_dbt_writes_them(tmp_path: Path) -> None:
    catalog = saved(
        tmp_path,
        """
        group_by: ["TimeDimension('metric_time', 'week')", "Dimension('unit__plan')"]
        where: "{{ Dimension('event__event_name') }} <> 'ping'"
        order_by: ["Metric('events').descending(True)", "Dimension('unit__plan')"]
        limit: 10
        """,
    )

    one = catalog.saved_queries["daily"]

    assert (one.group_by, one.grain) == (("metric_time", "unit__plan"), "week")
    assert one.order_by == (("events", True), ("unit__plan", False))
    assert (one.where, one.limit) == (("{{ Dimension('event__event_name') }} <> 'ping'",), 10)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ("group_by: [\"Dimension('unit__plna')\"]", "did you mean `unit__plan`?"),
        ("group_by: [\"TimeDimension('metric_time')\"]", "has no grain"),
        ("group_by: [metric_time]", "has no grain"),
        ("group_by: [\"TimeDimension('event__occurred_at', 'day')\"]", "only metric_time takes"),
        ("group_by: ['plan; drop table x']", "is no dimension"),
        ("where: \"{{ Dimension('unit__nothing') }} = 1\"", "unknown dimension `unit__nothing`"),
        ("where: \"{{ Entity('unit') }} = 'u'\"", "names the entity `unit`"),
        ("where: \"plan = 'pro'\"", "`plan` is no template"),
        ("order_by: [\"Dimension('unit__plan')\"]", "cannot sort by `unit__plan`"),
        ("order_by: ['events desc']", "is no order"),
    ],
)
def test_what_its_metrics_do_not_have_is_a_fault(tmp_path: Path, params: str, said: str) -> None:
    found = wrong(tmp_path, params)

    assert any(said in one for one in found), found
    assert all("metrics/saved.yml" in one for one in found)


@pytest.mark.parametrize(
    "params",
    [
        "{}",
        "group_by: [\"TimeDimension('metric_time', 'month')\"]",
        "group_by: [\"Dimension('unit__plan')\"]\nlimit: 3\norder_by: [-events]",
        "where: [\"{{ Dimension('unit__plan') }} in ('a', 'it''s')\","
        " \"{{ Dimension('event__event_name') }} is not null\"]",
        "where: \"{{ TimeDimension('metric_time', 'day') }} >= '2026-01-01'\"",
    ],
)
def test_its_sql_for_the_door_compiles_to_the_very_same_statement(
    tmp_path: Path, params: str
) -> None:
    catalog = saved(tmp_path, "" if params == "{}" else params)
    one = catalog.saved_queries["daily"]

    asked = compile_query(catalog, saved_query(one))
    typed = compile_query(catalog, parse_metric_sql(saved_sql(one), catalog))

    assert typed.sql == asked.sql
