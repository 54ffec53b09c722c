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
    delete from {{ arguments['target_relation'] }};
    {{ insert_all(arguments) }}
{% endmacro %}

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

{% macro rows_of_moved_units(table) -%}
    {{ rows_where(table, 'unit_key in (select unit_key from ' ~ ref('int_moved_units') ~ ')') }}
{%- endmacro %}

{# Rows of a table that a model reads anew: all in a whole build, else those of listed days and of
   the units that moved. `days` has one column, the day. #}
{% macro changed_rows(table, day, days) -%}
    {% if is_incremental() %}(
        select * from {{ table }}
        where {{ day }} in (select * from {{ ref(days) }})

        union all

        select * from ({{ rows_of_moved_units(table) }}) as rows_of_moved_units
        where {{ day }} not in (select * from {{ ref(days) }})
    ) as changed_rows{% else %}{{ table }}{% endif %}
{%- endmacro %}
