{# Seconds from one timestamp to a later one, with the part below a second. #}
{% macro seconds_between(earlier, later) %}date_diff('microsecond', {{ earlier }}, {{ later }}) / 1e6{% endmacro %}
