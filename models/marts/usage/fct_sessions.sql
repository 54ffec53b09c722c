with

events as (

    select * from {{ ref('fct_events') }}

),

sessions as (

    select
        session_id,
        unit_id,
        {{ first_by('app_version', 'occurred_at', 'event_id') }} as app_version,
        {{ first_by('platform', 'occurred_at', 'event_id') }} as platform,
        {{ first_by('country', 'occurred_at', 'event_id') }} as country,
        count(*) as event_count,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at

    from events

    where
        session_id is not null
        and unit_id is not null

    group by session_id, unit_id

),

final as (

    select
        session_id,
        unit_id,
        app_version,
        platform,
        country,
        event_count,
        started_at,
        ended_at,
        {{ seconds_between('started_at', 'ended_at') }} as duration_seconds,
        cast(started_at as date) as session_on

    from sessions

)

select * from final
