{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {'session_key': 'int_changed_sessions'}}
) }}

with

changed_sessions as (select * from {{ ref('int_changed_sessions') }}),

touched_days as (select * from {{ ref('stg_lake__touched_event_days') }}),

moved_units as (select * from {{ ref('int_moved_units') }}),

{% if is_incremental() %}
-- a session that a touched day changed can have begun before it, or run on after it
reaches as (

    select session_on, cast(ended_at as date) as ended_on from {{ this }}
    where
        session_key in (select changed_sessions.session_key from changed_sessions)
        and unit_id not in (select moved_units.unit_id from moved_units)
    group by session_on, ended_on

),

days as (

    select cast(unnest(generate_series(session_on, ended_on, interval '1' day)) as date) as event_on
    from reaches

    except

    select event_on from touched_days

),
{% endif %}

events as (

    select * from {{ changed_events('stg_lake__touched_event_days') }}
    {% if is_incremental() %}

    union all

    {{ rows_where(
        ref('fct_events'),
        'event_on in (select days.event_on from days)'
        ~ ' and unit_key not in (select moved_units.unit_key from moved_units)'
    ) }}
    {% endif %}

),

changed_events as (

    select events.* from events
    {% if is_incremental() %}
    inner join changed_sessions
        on
            events.session_id = changed_sessions.session_id
            and events.unit_id = changed_sessions.unit_id
    {% endif %}
    where events.session_id is not null and events.unit_id is not null

),

sessions as (

    select
        session_id, unit_id,
        {{ first_by('app_version', 'occurred_at', 'event_id') }} as app_version,
        {{ first_by('platform', 'occurred_at', 'event_id') }} as platform,
        {{ first_by('country', 'occurred_at', 'event_id') }} as country,
        count(*) as event_count,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at
    from changed_events
    group by session_id, unit_id

),

final as (

    select
        session_id, unit_id, app_version, platform, country, event_count,
        {{ key_of("session_id || '|' || unit_id") }} as session_key,
        started_at,
        ended_at,
        {{ seconds_between('started_at', 'ended_at') }} as duration_seconds,
        cast(started_at as date) as session_on
    from sessions

)

select * from final
