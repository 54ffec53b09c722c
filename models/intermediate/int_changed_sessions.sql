{{ config(materialized='incremental', incremental_strategy='refill') }}
-- depends_on: {{ ref('int_moved_units') }}

with

event_units as (

    select * from {{ ref('int_event_units') }}

),

event_sessions as (

    select * from {{ ref('int_event_sessions') }}

),

touched_days as (

    select * from {{ ref('stg_lake__touched_event_days') }}

),

{% if is_incremental() %}
events_of_moved_units as (

    {{ rows_of_moved_units(stored('fct_events')) }}

),
{% endif %}

sessions as (

    select
        event_units.unit_id,
        coalesce(event_units.given_session_id, event_sessions.session_id) as session_id

    from event_units

    left join event_sessions
        on event_units.event_id = event_sessions.event_id
    {% if is_incremental() %}

    union all

    select unit_id, session_id from {{ stored('fct_events') }}
    where event_on in (select touched_days.event_on from touched_days)

    union all

    select unit_id, session_id from events_of_moved_units
    {% else %}

    where false
    {% endif %}

),

final as (

    select
        session_id,
        unit_id,
        {{ key_of("session_id || '|' || unit_id") }} as session_key

    from sessions

    where
        session_id is not null
        and unit_id is not null

    group by session_id, unit_id

)

select * from final
