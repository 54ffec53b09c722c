with

events as (

    select * from {{ ref('fct_events') }}

),

final as (

    select
        event_id as payment_event_id,
        unit_id,
        event_name = 'refund_issued' as is_refund,
        cast(json_extract_string(properties, '$.amount_usd') as double) as amount_usd,
        occurred_at

    from events

    where event_name in ('payment_succeeded', 'refund_issued')

)

select * from final
