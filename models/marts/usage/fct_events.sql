{{ config(materialized='incremental', unique_key='event_id') }}

with

all_events as (

    select * from {{ ref('stg_lake__events') }}

),

touched_events as (

    select * from {{ ref('stg_lake__touched_events') }}

),

events_resolved as (

    select * from {{ ref('int_events_resolved') }}

),

events as (

    select
        event_id,
        event_name,
        user_id,
        anonymous_id,
        app_version,
        {{ json_text('properties', "'/platform'") }} as platform,
        {{ json_text('properties', "'/country'") }} as country,
        properties,
        source,
        occurred_at,
        received_at,
        event_on

    from {{ 'touched_events' if is_incremental() else 'all_events' }}
    {% if is_incremental() %}

    union all

    -- days that were not touched, where a touched day moved an event to another unit or session
    select
        stored.event_id,
        stored.event_name,
        stored.user_id,
        stored.anonymous_id,
        stored.app_version,
        stored.platform,
        stored.country,
        stored.properties,
        stored.source,
        stored.occurred_at,
        stored.received_at,
        stored.event_on

    from {{ this }} as stored

    inner join events_resolved
        on
            stored.event_id = events_resolved.event_id
            and (
                stored.unit_id <> events_resolved.unit_id
                or stored.session_id <> events_resolved.session_id
            )

    where stored.event_on not in (select touched_events.event_on from touched_events)
    {% endif %}

),

final as (

    select
        events.event_id,
        events.event_name,
        events_resolved.unit_id,
        events.user_id,
        events.anonymous_id,
        events_resolved.session_id,
        events.app_version,
        events.platform,
        events.country,
        events.properties,
        events.source,
        events.occurred_at,
        events.received_at,
        events.event_on

    from events

    inner join events_resolved
        on events.event_id = events_resolved.event_id

)

select * from final
