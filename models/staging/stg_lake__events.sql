with

events as (

    select * from {{ source('lake', 'events') }}

),

final as (

    select
        -- an id is unique in its source only: two products may both count from 1
        source || ':' || event_id as event_id,
        event_name,
        nullif(user_id, '') as user_id,
        nullif(anonymous_id, '') as anonymous_id,
        nullif(session_id, '') as session_id,
        app_version,
        properties,
        source,
        clock_status,
        occurred_at,
        received_at,
        event_on

    from events

)

select * from final
