{{ config(materialized='incremental', unique_key='event_id') }}

with

event_units as (

    select * from {{ ref('int_event_units') }}

),

events as (

    select
        event_units.event_id,
        event_units.unit_id,
        {{ 'stored.unit_id' if is_incremental() else 'cast(null as varchar)' }} as old_unit_id,
        {{ 'stored.session_id' if is_incremental() else 'cast(null as varchar)' }} as old_session,
        event_units.occurred_at,
        event_units.event_on

    from event_units
    {% if is_incremental() %}

    left join {{ this }} as stored
        on event_units.event_id = stored.event_id
    {% endif %}

    where
        event_units.given_session_id is null
        and event_units.unit_id is not null

),

-- an event that arrived, came from another unit or left for one
moves as (

    select unit_id, occurred_at from events where old_unit_id is distinct from unit_id

    union all

    select old_unit_id as unit_id, occurred_at from events where old_unit_id <> unit_id

),

restarts as (

    select unit_id, min(occurred_at) as restarts_at from moves group by unit_id

),

-- what comes earlier than a move stays as it is; its last half hour may run on into the move
events_from_restart as (

    select
        events.*,
        events.occurred_at < restarts.restarts_at as is_settled,
        lag(events.occurred_at) over (
            partition by events.unit_id order by events.occurred_at, events.event_id
        ) as previous_at

    from events

    inner join restarts
        on
            events.unit_id = restarts.unit_id
            and events.occurred_at >= restarts.restarts_at - interval '30' minute

),

session_starts as (

    select
        *,
        case
            when is_settled then old_session
            when previous_at is null or occurred_at - previous_at > interval '30' minute
                then 'gap-' || md5(unit_id || '|' || cast(occurred_at as varchar))
        end as started_session_id

    from events_from_restart

),

final as (

    select
        event_id,
        unit_id,
        last_value(started_session_id ignore nulls) over (
            partition by unit_id order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as session_id,
        occurred_at,
        event_on

    from session_starts

)

select * from final
