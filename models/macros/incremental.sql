{# What a build without `--full-refresh` does with rows that are there already.

   `replace`: rows whose column stands in the same column of a listed model go, whether or not
   others take their place: a day that lost all its events must not keep them.

       config(incremental_strategy='replace', replaces={'event_on': 'stg_lake__touched_event_days'})

   `refill`: all rows go. For models that say what changed in this build. -#}
{% macro get_incremental_replace_sql(arguments) %}
    {%- for column, listed_in in config.require('meta')['replaces'].items() %}
    delete from {{ arguments['target_relation'] }}
    where {{ column }} in (select {{ column }} from {{ ref(listed_in) }});
    {%- endfor %}
    {{ insert_all(arguments) }}
{% endmacro %}

{% macro get_incremental_refill_sql(arguments) %}
    {{ return(adapter.dispatch('refill', 'landed_core')(arguments)) }}
{% endmacro %}

{% macro default__refill(arguments) %}
    delete from {{ arguments['target_relation'] }};
    {{ insert_all(arguments) }}
{% endmacro %}

{# The rows live for a build or two and are read a few times: to compress them, or to mark those
   before them as deleted, costs more than it saves. #}
{% macro duckdb__refill(arguments) %}
    {%- set columns = [] %}
    {%- for column in arguments['dest_columns'] %}
    {%- do columns.append(column.quoted ~ ' ' ~ column.dtype ~ ' using compression uncompressed') %}
    {%- endfor %}
    create or replace table {{ arguments['target_relation'] }} ({{ columns | join(', ') }});
    {{ insert_all(arguments) }}
{% endmacro %}

{# The new rows go into their table straight from the model's query, without a table in between;
   only a query that reads what it replaces has to have run before. #}
{% macro duckdb__create_table_as(temporary, relation, compiled_code) -%}
    {%- set strategy = config.get('incremental_strategy') -%}
    {%- if temporary and strategy in ('replace', 'refill') and this.render() not in compiled_code -%}
        create temporary view {{ relation.include(database=false, schema=false) }} as (
            {{ compiled_code }}
        )
    {%- else -%}
        {{ dbt.duckdb__create_table_as(temporary, relation, compiled_code, *varargs, **kwargs) }}
    {%- endif -%}
{%- endmacro %}

{% macro insert_all(arguments) %}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') %}
    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }};
{% endmacro %}

{# A model that is built later, as the build before this one left it: a model that says what
   changed cannot `ref` what is built from it. The later model has to come after this one. #}
{% macro stored(model) %}{{ target.schema }}.{{ model }}{% endmacro %}

{# A number that stands for a text: comparing it costs a tenth of comparing ids, and every build
   looks for some units among all events. Two ids of one number are built anew together. #}
{% macro key_of(text) %}hash({{ text }}){% endmacro %}

{# A number that is the same for the same ids, in whatever order they come. #}
{% macro digest_of(id) %}sum(hash({{ id }})){% endmacro %}

{# Rows of a table that meet a condition on narrow columns. Which rows they are is found first: else
   all columns of all history would be read to keep a few rows of them. #}
{% macro rows_where(table, condition) -%}
    select * from {{ table }}
    where {% if target.type == 'duckdb' -%}
        rowid in (select rowid from {{ table }} where {{ condition }})
    {%- else %}{{ condition }}{% endif %}
{%- endmacro %}

{# A CTE whose rows are found before anything is joined to them. #}
{% macro computed_first() %}{{ 'materialized ' if target.type == 'duckdb' }}{% endmacro %}

{% macro rows_of_moved_units(table) -%}
    {{ rows_where(table, 'unit_key in (select unit_key from ' ~ ref('int_moved_units') ~ ')') }}
{%- endmacro %}

{# Rows of a table that a model reads anew: all in a whole build, else those of listed days and of
   the units that moved. `days` has one column, the day. `moved` has the rows of moved units, where
   a model holds them: all of history would be searched for them. #}
{% macro changed_rows(table, day, days, moved=none) -%}
    {% if is_incremental() %}(
        select * from {{ table }}
        where {{ day }} in (select * from {{ ref(days) }})

        union all

        select * from ({{ moved or rows_of_moved_units(table) }}) as rows_of_moved_units
        where {{ day }} not in (select * from {{ ref(days) }})
    ) as changed_rows{% else %}{{ table }}{% endif %}
{%- endmacro %}

{% macro changed_events(days) -%}
    {{ changed_rows(ref('fct_events'), 'event_on', days, moved=ref('int_moved_events')) }}
{%- endmacro %}
