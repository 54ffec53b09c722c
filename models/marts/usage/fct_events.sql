{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {
        'event_on': 'stg_lake__touched_event_days', 'unit_key': 'int_moved_units'
    }}
) }}
-- depends_on: {{ ref('int_moved_units') }},
-- {{ ref('int_changed_unit_days') }}, {{ ref('int_changed_sessions') }}

with

all_events as (select * from {{ ref('stg_lake__events') }}),

touched_events as (select * from {{ ref('stg_lake__touched_events') }}),

touched_days as (select * from {{ ref('stg_lake__touched_event_days') }}),

{% if is_incremental() %}
events_of_moved_units as (

    {{ rows_of_moved_units(this) }}

),
{% endif %}

event_units as (select * from {{ ref('int_event_units') }}),

event_sessions as (select * from {{ ref('int_event_sessions') }}),

{% set columns = ['event_id', 'event_name', 'user_id', 'anonymous_id', 'app_version',
    'properties', 'source', 'clock_status', 'occurred_at', 'received_at', 'event_on'] %}
events as (

    select
        {{ columns | join(', ') }},
        {{ json_text('properties', "'/platform'") }} as platform,
        {{ json_text('properties', "'/country'") }} as country

    from {{ 'touched_events' if is_incremental() else 'all_events' }}
    {% if is_incremental() %}

    union all

    select
        {{ columns | join(', ') }},
        platform,
        country

    from events_of_moved_units

    where event_on not in (select touched_days.event_on from touched_days)
    {% endif %}

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

)

select * from final
