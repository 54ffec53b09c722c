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

{# Why a unit is a bot: by its id, by what its events say, by more of them than a person makes. #}
{% macro bot_reason(unit, active) -%}
    case
        {%- for pattern in var('bot_units') %}
        when regexp_full_match({{ unit }}.unit_id, '{{ pattern }}') then 'listed'
        {%- endfor %}
        when {{ active }}.bot_sign is not null then {{ active }}.bot_sign
        {%- if var('bot_events_a_minute') %}
        when {{ active }}.peak_minute_events > {{ var('bot_events_a_minute') }}
            then 'pace_a_minute'
        {%- endif %}
        {%- if var('bot_events_a_day') %}
        when {{ active }}.peak_day_events > {{ var('bot_events_a_day') }} then 'pace_a_day'
        {%- endif %}
    end
{%- endmacro %}
