{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {'event_on': 'stg_lake__touched_event_days'}}
) }}

with

touched_days as (

    select * from {{ ref('stg_lake__touched_event_days') }}

),

-- nothing here depends on whose an event is: units that move touch no other day
events as (

    select * from {{ ref('fct_events') }}
    {{ "where event_on in (select touched_days.event_on from touched_days)" if is_incremental() }}

),

-- who, when and properties: rows that agree in them are copies, under whatever ids
alike as (

    select
        event_on,
        source,
        event_name,
        app_version,
        date_trunc('hour', occurred_at) as hour_at,
        hash(user_id, anonymous_id, occurred_at, properties) as likeness,
        min({{ person_group(person_of()) }}) as person_group,
        count(*) as event_count,
        count(*) filter (where clock_status = 'ahead') as ahead_count,
        count(*) filter (where clock_status = 'corrected') as corrected_count,
        count(*) filter (where {{ is_late('received_at', 'occurred_at') }}) as late_count,
        count(*) filter (where {{ is_local_time('received_at', 'occurred_at') }}) as local_count,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at

    from events

    group by event_on, source, event_name, app_version, hour_at, likeness

),

final as (

    select
        event_on,
        source,
        event_name,
        app_version,
        hour_at,
        sum(event_count)::bigint as event_count,
        sum(ahead_count)::bigint as ahead_count,
        sum(corrected_count)::bigint as corrected_count,
        sum(event_count - 1)::bigint as copied_count,
        sum(late_count)::bigint as late_count,
        sum(local_count)::bigint as local_count,
        {{ copies_by_group('person_group', 'event_count') }} as copied_groups,
        min(first_at) as first_at,
        max(last_at) as last_at

    from alike

    group by event_on, source, event_name, app_version, hour_at

)

select * from final
