{# Key of the flag and variant that an evaluation event names. OpenTelemetry renamed the variant's
   attribute; products send either. #}
{% macro flag_key(properties) -%}
    coalesce(
        {{ json_text(properties, "'/feature_flag.key'") }},
        {{ json_text(properties, "'/$feature_flag'") }},
        {{ json_text(properties, "'/flag'") }}
    )
{%- endmacro %}

{% macro flag_variant(properties) -%}
    coalesce(
        {{ json_text(properties, "'/feature_flag.result.variant'") }},
        {{ json_text(properties, "'/feature_flag.variant'") }}
    )
{%- endmacro %}
