{# Rows that a data test looks at. Where its `where` is a name of `touched_rows`, a build of touched
   days judges those: the others were judged when they were built. A test whose name is in
   `tested_whole`, or any test where that holds '*', judges all rows: after a whole build, and until
   a fault is gone. Any other `where` is the test's own, and always holds. #}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') -%}
    {%- set tested_whole = var('tested_whole', ['*']) -%}
    {%- if where in touched_rows() -%}
        {%- set is_whole = '*' in tested_whole or model.name in tested_whole -%}
        {%- set where = 'true' if is_whole else touched_rows()[where] -%}
    {%- endif -%}
    {%- if where -%}
        {%- do return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as tested_rows') -%}
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
