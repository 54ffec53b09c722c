{{ config(materialized='incremental', incremental_strategy='refill') }}
-- depends_on: {{ ref('int_moved_units') }}

with

all_events as (select * from {{ ref('stg_lake__events') }}),

touched_events as (select * from {{ ref('stg_lake__touched_events') }}),

touched_days as (select * from {{ ref('stg_lake__touched_event_days') }}),

{% if is_incremental() %}
events_of_moved_units as (

    {{ rows_of_moved_units(stored('fct_events')) }}

),
{% endif %}

identities as (select * from {{ ref('int_identities') }}),

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

    from events_of_moved_units

    where event_on not in (select touched_days.event_on from touched_days)
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
