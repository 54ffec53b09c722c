"""Changes in the SQL that metrics are computed from."""

from __future__ import annotations

from pathlib import Path

import pytest
from edited import TODAY, version

from landed.catalog.diff import Diff, diff

ORDERS = """\
with

events as (

    select * from {{ ref('stg_events') }}

),

final as (

    select
        event_id as order_id,
        cast({{ text_of('amount') }} as double) as amount_usd,
        occurred_at as ordered_at

    from events

    where event_name = 'ordered' and not is_test

)

select * from final
"""
STAGED = "select id as event_id, name as event_name, * from {{ source('lake', 'events') }}\n"
MACROS = "{% macro text_of(name) %}json_extract_string(p, '$.{{ name }}'){% endmacro %}\n"


def compared(tmp_path: Path, file: str = "", old: str = "", new: str = "") -> Diff:
    files = {
        "models/fct_orders.sql": ORDERS,
        "models/stg_events.sql": STAGED,
        "models/macros/text_of.sql": MACROS,
    }
    base = version(tmp_path / "base", files=files)
    edits = ((f"models/{file}", old, new),) if file else ()
    return diff(base, version(tmp_path / "head", edits, files=files), as_of=TODAY)


@pytest.mark.parametrize(
    ("file", "old", "new", "rule"),
    [
        ("fct_orders.sql", "'ordered' and not is_test", "'ordered'", "model_sql"),
        ("fct_orders.sql", "as double", "as decimal(10, 2)", "model_sql"),
        ("fct_orders.sql", "occurred_at as", "now() as", "model_sql"),
        ("fct_orders.sql", "ordered_at\n", "ordered_at,\n        shop_id\n", "model_columns"),
        (
            "fct_orders.sql",
            "    from events",
            "    -- all of them\n    from events",
            "written_otherwise",
        ),
        (
            "fct_orders.sql",
            "'ordered' and not is_test",
            "'ordered'\n        AND NOT is_test",
            "written_otherwise",
        ),
        (
            "fct_orders.sql",
            "event_name = 'ordered' and not is_test",
            "not is_test and event_name = 'ordered'",
            "written_otherwise",
        ),
        ("macros/text_of.sql", "json_extract_string(p,", "json_extract_string(q,", "model_sql"),
        ("fct_orders.sql", "select * from final", "{{ dbt_utils.all() }}", "model_sql"),
    ],
)
def test_a_model_is_compared_by_what_it_selects(
    tmp_path: Path, file: str, old: str, new: str, rule: str
) -> None:
    found = compared(tmp_path, file, old, new)

    assert [(one.rule, one.subject, one.name) for one in found.changes] == [
        (rule, "model", "fct_orders")
    ]
    assert found.unanswered == ()


def test_a_model_touches_the_metrics_behind_all_that_is_built_from_it(tmp_path: Path) -> None:
    (found,) = compared(tmp_path, "stg_events.sql", "id as event_id", "uid as event_id").changes

    assert (found.name, found.severity) == ("stg_events", "breaking")
    assert {"revenue", "orders", "revenue_per_order"} <= set(found.touches.metrics)
    assert "weekly_visitors" not in found.touches.metrics
    assert found.touches.releases == ("new-shop",)


def test_the_same_sql_is_no_change(tmp_path: Path) -> None:
    assert compared(tmp_path).changes == ()
