{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {
        'event_on': 'stg_lake__touched_event_days', 'unit_key': 'int_moved_units'
    }}
) }}

-- depends_on: {{ ref('stg_lake__touched_event_days') }}, {{ ref('int_moved_units') }}

with

events as (

    select * from {{ changed_events('stg_lake__touched_event_days') }}

),

described_events as (

    select
        *,
        {{ json_text('properties', "'/plan'") }} as plan,
        {{ bot_sign('properties') }} as bot_sign

    from events

    where unit_id is not null

),

minutes as (

    select
        unit_id,
        event_on,
        date_trunc('minute', occurred_at) as minute_at,
        count(*) as event_count

    from described_events

    group by unit_id, event_on, minute_at

),

peaks as (

    select unit_id, event_on, max(event_count) as peak_minute_events
    from minutes

    group by unit_id, event_on

),

days as (

    select
        unit_id,
        unit_key,
        event_on,
        count(*) as event_count,
        {{ digest_of('event_id') }} as event_digest,
        count(distinct session_id) as session_count,
        count(*) filter (where {{ is_error_event('event_name') }}) as error_count,
        {{ first_by('app_version', 'occurred_at', 'event_id') }} as first_app_version,
        {{ last_by('country', 'occurred_at', 'event_id') }} as country,
        {{ last_by('platform', 'occurred_at', 'event_id') }} as platform,
        {{ last_by('plan', 'occurred_at', 'event_id') }} as plan,
        min(bot_sign) as bot_sign,
        min(event_on) filter (where {{ is_sign_up_event('event_name') }}) as signed_up_on,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at

    from described_events

    group by unit_id, unit_key, event_on

),

final as (

    select
        days.*,
        peaks.peak_minute_events

    from days

    inner join peaks
        on days.unit_id = peaks.unit_id and days.event_on = peaks.event_on

)

select * from final
