with

events as (

    select * from {{ ref('fct_events') }}

),

final as (

    select
        event_id as onboarding_event_id,
        unit_id,
        coalesce(json_extract_string(properties, '$.step'), 'completed') as step,
        event_name = 'onboarding_completed' as is_completion,
        occurred_at

    from events

    where event_name in ('onboarding_step_completed', 'onboarding_completed')

)

select * from final
