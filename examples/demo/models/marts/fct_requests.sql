with

events as (

    select * from {{ ref('fct_events') }}

),

requests as (

    select
        event_id as request_id,
        unit_id,
        app_version,
        json_extract_string(properties, '$.endpoint') as endpoint,
        cast(json_extract_string(properties, '$.status') as integer) as status,
        cast(json_extract_string(properties, '$.latency_ms') as double) as latency_ms,
        occurred_at

    from events

    where event_name = 'request_served'

),

final as (

    select
        request_id,
        unit_id,
        app_version,
        endpoint,
        status,
        status >= 500 as is_failed,
        latency_ms,
        occurred_at

    from requests

)

select * from final
