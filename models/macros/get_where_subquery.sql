{# Rows that a data test looks at. A build of touched days judges the rows that its `where` names:
   the others were judged when they were built. A test whose name is in `tested_whole`, or any test
   where that holds '*', judges all rows: after a whole build, and until a fault is gone. #}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') -%}
    {%- set tested_whole = var('tested_whole', ['*']) -%}
    {%- if where and '*' not in tested_whole and model.name not in tested_whole -%}
        {%- set touched = touched_rows().get(where, where) -%}
        {%- do return('(select * from ' ~ relation ~ ' where ' ~ touched ~ ') as touched_rows') -%}
    {%- else -%}
        {%- do return(relation) -%}
    {%- endif -%}
{%- endmacro %}

{# Rows of the touched days, by the name a test's `where` gives them. #}
{% macro touched_rows() -%}
    {%- set days = "(select day as event_on from lake.touched_days where kind = 'events')" -%}
    {%- do return({
        'touched_events': 'event_on in (select event_on from ' ~ days ~ ')',
        'touched_sessions':
            'session_on <= (select max(event_on) from ' ~ days ~ ')'
            ~ ' and ended_at >= (select min(event_on) from ' ~ days ~ ')',
    }) -%}
{%- endmacro %}
