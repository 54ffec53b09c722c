with

releases as (

    select * from {{ ref('stg_lake__releases') }}

),

events as (

    select * from {{ ref('fct_events') }}

),

assignments as (

    select * from {{ ref('int_assignments') }}

),

first_events as (

    select * from {{ ref('int_first_events') }}

),

-- OpenTelemetry renamed the variant's attribute; products send either
labelled_events as (

    select
        releases.release,
        events.unit_id,
        events.event_id as exposure_id,
        case
            when releases.variant_property is not null
                then {{ json_text('events.properties', json_pointer('releases.variant_property')) }}
            when releases.exposure_event = 'feature_flag.evaluation'
                then coalesce(
                    {{ json_text('events.properties', "'/feature_flag.result.variant'") }},
                    {{ json_text('events.properties', "'/feature_flag.variant'") }}
                )
            else 'released'
        end as variant,
        events.occurred_at as exposed_at

    from releases

    inner join events
        on
            releases.exposure_event = events.event_name
            and releases.shipped_at <= events.occurred_at

    where
        releases.exposure_flag is null
        or releases.exposure_flag = coalesce(
            {{ json_text('events.properties', "'/feature_flag.key'") }},
            {{ json_text('events.properties', "'/$feature_flag'") }},
            {{ json_text('events.properties', "'/flag'") }}
        )

),

labelled_assignments as (

    select
        releases.release,
        assignments.unit_id,
        assignments.exposure_id,
        assignments.variant,
        assignments.exposed_at

    from releases

    inner join assignments
        on
            coalesce(releases.exposure_flag, releases.release) = assignments.flag
            and releases.shipped_at <= assignments.exposed_at

),

final as (

    select * from labelled_events where unit_id is not null

    union all

    select * from labelled_assignments where unit_id is not null

    union all

    select release, unit_id, exposure_id, variant, exposed_at from first_events

)

select * from final
