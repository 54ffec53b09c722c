{{ config(materialized='incremental', unique_key='event_on') }}

with

all_events as (

    select * from {{ ref('stg_lake__events') }}

),

touched_events as (

    select * from {{ ref('stg_lake__touched_events') }}

),

final as (

    select
        anonymous_id,
        user_id,
        event_on

    from {{ 'touched_events' if is_incremental() else 'all_events' }}

    where
        anonymous_id is not null
        and user_id is not null

    group by anonymous_id, user_id, event_on

)

select * from final
