{# The earliest (latest) value that is not null. Ties of time go to the lower (higher) id, so
   that two runs over the same rows give the same value. #}
{% macro first_by(value, at, id) %}min_by({{ value }}, ({{ at }}, {{ id }})) filter (where {{ value }} is not null){% endmacro %}

{% macro last_by(value, at, id) %}max_by({{ value }}, ({{ at }}, {{ id }})) filter (where {{ value }} is not null){% endmacro %}
