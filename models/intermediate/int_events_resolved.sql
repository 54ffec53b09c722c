with

event_units as (

    select * from {{ ref('int_event_units') }}

),

event_sessions as (

    select * from {{ ref('int_event_sessions') }}

),

final as (

    select
        event_units.event_id,
        event_units.unit_id,
        coalesce(event_units.given_session_id, event_sessions.session_id) as session_id

    from event_units

    left join event_sessions
        on event_units.event_id = event_sessions.event_id

)

select * from final
