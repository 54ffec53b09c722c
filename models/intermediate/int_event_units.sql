{{ config(materialized='incremental', incremental_strategy='refill') }}

with

all_events as (

    select * from {{ ref('stg_lake__events') }}

),

touched_events as (

    select * from {{ ref('stg_lake__touched_events') }}

),

touched_days as (

    select * from {{ ref('stg_lake__touched_event_days') }}

),

moved_units as (

    select * from {{ ref('int_moved_units') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

events as (

    select
        event_id,
        user_id,
        anonymous_id,
        session_id as given_session_id,
        occurred_at,
        event_on

    from {{ 'touched_events' if is_incremental() else 'all_events' }}
    {% if is_incremental() %}

    union all

    select
        event_id,
        user_id,
        anonymous_id,
        case when not is_gap_session then session_id end as given_session_id,
        occurred_at,
        event_on

    from {{ stored('fct_events') }}

    where
        unit_key in (select moved_units.unit_key from moved_units)
        and event_on not in (select touched_days.event_on from touched_days)
    {% endif %}

),

resolved as (

    select
        events.event_id,
        coalesce(
            users.unit_id, events.user_id, devices.unit_id, events.anonymous_id
        ) as unit_id,
        events.given_session_id,
        events.occurred_at,
        events.event_on

    from events

    left join identities as users
        on events.user_id = users.id and users.kind = 'user'

    left join identities as devices
        on
            events.user_id is null
            and events.anonymous_id = devices.id
            and devices.kind = 'anonymous'

),

final as (

    select
        event_id,
        unit_id,
        {{ key_of('unit_id') }} as unit_key,
        given_session_id,
        occurred_at,
        event_on

    from resolved

)

select * from final
