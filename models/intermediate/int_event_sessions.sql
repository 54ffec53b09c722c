{{ config(materialized='incremental', incremental_strategy='refill') }}

with

event_units as (select * from {{ ref('int_event_units') }}),

touched_days as (select * from {{ ref('stg_lake__touched_event_days') }}),

moved_units as (select * from {{ ref('int_moved_units') }}),

events as (

    select
        event_id,
        unit_id,
        cast(null as varchar) as known_session_id,
        occurred_at

    from event_units

    where
        given_session_id is null
        and unit_id is not null
    {% if is_incremental() %}

    union all

    -- the half hour before a touched day stays as it is, and may run on into it
    select
        event_id,
        unit_id,
        session_id as known_session_id,
        occurred_at

    from {{ stored('fct_events') }}

    where
        event_on in (select touched_days.event_on - 1 from touched_days)
        and event_on not in (select touched_days.event_on from touched_days)
        and occurred_at >= event_on + interval '1410' minute
        and is_gap_session
        and unit_key not in (select moved_units.unit_key from moved_units)
    {% endif %}

),

in_order as (

    select
        *,
        lag(occurred_at) over (
            partition by unit_id order by occurred_at, event_id
        ) as previous_at

    from events

),

session_starts as (

    select
        *,
        case
            when known_session_id is not null then known_session_id
            when previous_at is null or occurred_at - previous_at > interval '30' minute
                then 'gap-' || md5(unit_id || '|' || cast(occurred_at as varchar))
        end as started_session_id

    from in_order

),

gap_sessions as (

    select
        event_id,
        known_session_id,
        last_value(started_session_id ignore nulls) over (
            partition by unit_id order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as session_id

    from session_starts

),

final as (

    select
        event_id,
        session_id

    from gap_sessions

    where known_session_id is null

)

select * from final
