with

events as (

    select * from {{ ref('fct_events') }}

),

final as (

    select
        event_id as search_id,
        unit_id,
        cast(json_extract_string(properties, '$.has_click') as boolean) as has_click,
        cast(json_extract_string(properties, '$.result_count') as integer) as result_count,
        occurred_at

    from events

    where event_name = 'search_performed'

)

select * from final
