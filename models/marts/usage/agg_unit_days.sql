with

events as (

    select * from {{ ref('fct_events') }}

),

final as (

    select
        unit_id,
        event_on,
        count(*) as event_count,
        count(distinct session_id) as session_count,
        count(*) filter (where {{ is_error_event('event_name') }}) as error_count

    from events

    where unit_id is not null

    group by unit_id, event_on

)

select * from final
