{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {
        'event_on': 'stg_lake__touched_event_days', 'unit_key': 'int_moved_units'
    }}
) }}
-- depends_on: {{ ref('stg_lake__touched_event_days') }}, {{ ref('int_moved_units') }},
-- {{ ref('int_changed_unit_days') }}, {{ ref('int_changed_sessions') }}

with

all_events as (select * from {{ ref('stg_lake__events') }}),

touched_events as (select * from {{ ref('stg_lake__touched_events') }}),

moved_events as (select * from {{ ref('int_moved_events') }}),

event_units as (select * from {{ ref('int_event_units') }}),

event_sessions as (select * from {{ ref('int_event_sessions') }}),

events as (

    select
        *,
        {{ json_text('properties', "'/platform'") }} as platform,
        {{ json_text('properties', "'/country'") }} as country

    from {{ 'touched_events' if is_incremental() else 'all_events' }}

),

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

    {% if is_incremental() %}
    union all

    select
        event_id, event_name, unit_id, user_id, anonymous_id, session_id, is_gap_session,
        app_version, platform, country, properties, source, clock_status, unit_key,
        occurred_at, received_at, event_on
    from moved_events
    {% endif %}

)

select * from final
