{# How an event says of itself that a bot made it: 'declared' by a property, 'user_agent' by what
   its client calls itself; else null. What counts is declared in the project's `[bots]`. #}
{% macro bot_sign(properties) -%}
    case
        {%- for name in var('bot_properties') %}
        when {{ json_text(properties, "'/" ~ name ~ "'") }} = 'true' then 'declared'
        {%- endfor %}
        {%- if var('bot_user_agents') %}
        when regexp_matches(
            lower(coalesce(
                {{ json_text(properties, "'/user_agent'") }},
                {{ json_text(properties, "'/userAgent'") }},
                {{ json_text(properties, "'/useragent'") }},
                ''
            )),
            '{{ var('bot_user_agents') }}'
        ) then 'user_agent'
        {%- endif %}
        else cast(null as varchar)
    end
{%- endmacro %}
