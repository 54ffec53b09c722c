{# Event names that count as an error. The measure `error_count` repeats the list, because
   semantic models take no macro; a test keeps the two equal. #}
{% macro is_error_event(event_name) %}{{ event_name }} in ('error', 'app_error', 'exception', 'crash'){% endmacro %}
