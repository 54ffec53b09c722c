{{ config(materialized='incremental', unique_key='event_on') }}

with

all_events as (

    select * from {{ ref('stg_lake__events') }}

),

touched_events as (

    select * from {{ ref('stg_lake__touched_events') }}

),

attributes as (

    select
        event_id,
        {{ json_text('properties', "'/plan'") }} as plan,
        coalesce({{ json_text('properties', "'/is_bot'") }} = 'true', false)
        or regexp_matches(
            lower(coalesce(
                {{ json_text('properties', "'/user_agent'") }},
                {{ json_text('properties', "'/userAgent'") }},
                {{ json_text('properties', "'/useragent'") }},
                ''
            )),
            'bot|crawler|spider'
        ) as is_bot,
        event_on

    from {{ 'touched_events' if is_incremental() else 'all_events' }}

),

final as (

    select
        event_id,
        plan,
        is_bot,
        event_on

    from attributes

    where
        plan is not null
        or is_bot

)

select * from final
