{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {'event_on': 'stg_lake__touched_event_days'}}
) }}

with

touched_days as (

    select * from {{ ref('stg_lake__touched_event_days') }}

),

all_events as (

    select * from {{ ref('stg_lake__events') }}

),

touched_events as (

    select * from {{ ref('stg_lake__touched_events') }}

),

final as (

    select
        user_id,
        anonymous_id,
        event_name in ('alias', '$create_alias', '$merge', '$merge_dangerously') as is_alias,
        event_name = '$identify' as is_identify,
        event_on

    from {{ 'touched_events' if is_incremental() else 'all_events' }}

    where user_id is not null

    group by user_id, anonymous_id, is_alias, is_identify, event_on

)

select * from final
