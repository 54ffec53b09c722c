{# Text of one member of a JSON object, or null. `pointer` is SQL: a JSON pointer, which
   unlike a JSON path takes a key that holds dots (`/feature_flag.key`) as one name. #}
{% macro json_text(object, pointer) %}json_extract_string({{ object }}, {{ pointer }}){% endmacro %}

{# JSON pointer to the member whose name stands in a column. #}
{% macro json_pointer(name) %}'/' || replace(replace({{ name }}, '~', '~0'), '/', '~1'){% endmacro %}
