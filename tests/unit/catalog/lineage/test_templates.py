"""Templates of models, read without running them."""

from __future__ import annotations

import pytest

from landed.catalog.lineage_templates import UnreadError, read_macros, written_out

MACROS = read_macros(
    [
        "{# text of a member #}{% macro json_text(object, pointer) %}"
        "json_extract_string({{ object }}, {{ pointer }}){% endmacro %}",
        "{% macro flag(p) -%} coalesce({{ json_text(p, \"'/a'\") }}, 'x') {%- endmacro %}",
        "{% macro listed(unit) -%} case {%- for one in var('all') %}"
        " when {{ unit }}.id = '{{ one }}' then 1 {%- endfor %} end {%- endmacro %}",
        "{% macro round_about() %}{{ round_about() }}{% endmacro %}",
    ]
)


def read(text: str) -> str:
    return " ".join(written_out(text, "me", MACROS).split())


@pytest.mark.parametrize(
    ("template", "sql"),
    [
        ("from {{ ref('orders') }}", "from landed_ref.orders"),
        ('from {{ ref("core", "orders") }}', "from landed_ref.orders"),
        ("from {{ source('lake', 'events') }}", 'from landed_source."lake.events"'),
        ("{{ config(meta={'a': {'b': 'c'}}) }}select 1", "select 1"),
        ("{# a {{ comment }} #}select 1", "select 1"),
        (
            "select 1 {% if is_incremental() %}where a{% else %}limit 1{% endif %}",
            "select 1 limit 1",
        ),
        ("select 1 {% if not is_incremental() %}limit 1{% endif %}", "select 1 limit 1"),
        ("from {{ 'a' if is_incremental() else 'b' }}", "from b"),
        ("select 1 {{ 'where a' if is_incremental() }}", "select 1"),
        ("{{ 'a' ~ '~' ~ ref('x') }}", "a~landed_ref.x"),
        ("{% set c = ['a', 'b'] %}select {{ c | join(', ') }}", "select a, b"),
        ("select {{ json_text('p', \"'/x'\") }}", "select json_extract_string(p, '/x')"),
        ("select {{ flag('p') }}", "select coalesce(json_extract_string(p, '/a'), 'x')"),
        ("select {{ listed('units') }}", "select case when units.id = 'null' then 1 end"),
    ],
)
def test_a_model_is_read_as_a_whole_build_writes_it(template: str, sql: str) -> None:
    assert read(template) == sql


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ dbt_utils.star(ref('x')) }}", "the macro `dbt_utils.star` is known to dbt only"),
        ("{{ graph }}", "the name `graph` is known to dbt only"),
        ("{{ a | upper }}", "needs dbt|known to dbt only"),
        ("{% call statement() %}{% endcall %}", "the statement `call statement\\(\\)` needs dbt"),
        ("{% if a %}", "not closed"),
        ("{{ ref('x' }}", "not closed|needs dbt"),
        ("{{ round_about() }}", "circle"),
        ("{{ [x for x in y] }}", "needs dbt"),
        ("{{ ().__class__.__bases__[0]() }}", "known to dbt only"),
    ],
)
def test_what_only_dbt_can_evaluate_is_refused_with_the_reason(template: str, why: str) -> None:
    with pytest.raises(UnreadError, match=why):
        read(template)
