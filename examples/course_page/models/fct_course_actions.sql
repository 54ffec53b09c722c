with

events as (

    select * from {{ ref('fct_events') }}

),

final as (

    select
        event_id as action_id,
        unit_id,
        event_name as action,
        try_cast(
            json_extract_string(properties, '$.duration_seconds') as double
        ) as duration_seconds,
        occurred_at

    from events

    where event_name in ('view', 'enroll')

)

select * from final
