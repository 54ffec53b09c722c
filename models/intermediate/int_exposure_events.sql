{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {'exposed_on': 'int_exposure_days', 'unit_key': 'int_moved_units'}}
) }}
-- depends_on: {{ ref('int_exposure_days') }}, {{ ref('int_moved_units') }}

with

releases as (select * from {{ ref('stg_lake__releases') }}),

events as (

    select * from {{ changed_events('int_exposure_days') }}

),

assignments as (

    select * from {{ changed_rows(ref('int_assignments'), 'exposed_on', 'int_exposure_days') }}

),

labelled_events as (

    select
        releases.release, events.unit_id, events.unit_key, events.event_id as exposure_id,
        case
            when releases.variant_property is not null
                then {{ json_text('events.properties', json_pointer('releases.variant_property')) }}
            when releases.exposure_event = 'feature_flag.evaluation'
                then {{ flag_variant('events.properties') }}
            else 'released'
        end as variant,
        {{ json_text('events.properties', json_pointer('releases.cluster_property')) }}
            as cluster_id,
        events.occurred_at as exposed_at,
        events.event_on as exposed_on
    from releases
    inner join events
        on
            releases.exposure_event = events.event_name
            and releases.shipped_at <= events.occurred_at
    where
        releases.exposure_flag is null
        or releases.exposure_flag = {{ flag_key('events.properties') }}

),

labelled_assignments as (

    select
        releases.release, assignments.unit_id, assignments.unit_key, assignments.exposure_id,
        assignments.variant,
        {{ json_text('assignments.properties', json_pointer('releases.cluster_property')) }}
            as cluster_id,
        assignments.exposed_at, assignments.exposed_on
    from releases
    inner join assignments
        on
            coalesce(releases.exposure_flag, releases.release) = assignments.flag
            and releases.shipped_at <= assignments.exposed_at

),

-- a release to everyone names no exposure event: a unit meets it with its first event, and one
-- sign a day is enough to find that
first_events as (

    select
        releases.release, events.unit_id, events.unit_key,
        min_by(events.event_id, (events.occurred_at, events.event_id)) as exposure_id,
        'released' as variant,
        cast(null as varchar) as cluster_id,
        min(events.occurred_at) as exposed_at,
        events.event_on as exposed_on
    from releases
    inner join events
        on releases.shipped_at <= events.occurred_at
    where
        releases.exposure_event is null
        and (
            releases.kind = 'everyone'
            or (releases.kind = 'version' and releases.app_version = events.app_version)
        )
    group by releases.release, events.unit_id, events.unit_key, events.event_on

),

final as (

    select * from labelled_events where unit_id is not null
    union all
    select * from labelled_assignments where unit_id is not null
    union all
    select * from first_events where unit_id is not null

)

select * from final
