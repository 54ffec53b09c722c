{{ config(materialized='incremental', incremental_strategy='refill') }}
-- depends_on: {{ ref('int_moved_units') }}

with

{% if is_incremental() %}
-- few rows: else the join would be planned for all of history
events as {{ computed_first() }}(

    {{ rows_of_moved_units(stored('fct_events')) }}

),
{% else %}
-- a whole build reads every event from the lake
events as (

    select
        *,
        cast(null as varchar) as platform,
        cast(null as varchar) as country

    from {{ ref('stg_lake__events') }}

    where false

),
{% endif %}

event_units as (

    select * from {{ ref('int_event_units') }}

),

event_sessions as (

    select * from {{ ref('int_event_sessions') }}

),

touched_days as (

    select * from {{ ref('stg_lake__touched_event_days') }}

),

-- the columns of `fct_events`, in its order: models read both as one
final as (

    select
        events.event_id,
        events.event_name,
        event_units.unit_id,
        events.user_id,
        events.anonymous_id,
        coalesce(event_units.given_session_id, event_sessions.session_id) as session_id,
        event_sessions.session_id is not null as is_gap_session,
        events.app_version,
        events.platform,
        events.country,
        events.properties,
        events.source,
        events.clock_status,
        event_units.unit_key,
        events.occurred_at,
        events.received_at,
        events.event_on

    from events

    inner join event_units
        on events.event_id = event_units.event_id

    left join event_sessions
        on events.event_id = event_sessions.event_id

    where events.event_on not in (select touched_days.event_on from touched_days)

)

select * from final
