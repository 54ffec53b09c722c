{{ config(materialized='incremental', unique_key='event_id') }}

with

all_events as (

    select * from {{ ref('stg_lake__events') }}

),

touched_events as (

    select * from {{ ref('stg_lake__touched_events') }}

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

    -- a touched day can tell whose an anonymous id is, or that two users share it, and
    -- so move events of any earlier day; events with a user id never move
    select
        stored.event_id,
        stored.user_id,
        stored.anonymous_id,
        stored.given_session_id,
        stored.occurred_at,
        stored.event_on

    from {{ this }} as stored

    left join identities
        on stored.anonymous_id = identities.anonymous_id

    where
        stored.user_id is null
        and stored.unit_id <> coalesce(identities.user_id, stored.anonymous_id)
        and stored.event_on not in (select touched_events.event_on from touched_events)

    {% endif %}

),

final as (

    select
        events.event_id,
        coalesce(events.user_id, identities.user_id, events.anonymous_id) as unit_id,
        events.user_id,
        events.anonymous_id,
        events.given_session_id,
        events.occurred_at,
        events.event_on

    from events

    left join identities
        on events.anonymous_id = identities.anonymous_id

)

select * from final
