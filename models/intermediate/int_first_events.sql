with

releases as (

    select * from {{ ref('stg_lake__releases') }}

),

events as (

    select * from {{ ref('fct_events') }}

),

-- a release to everyone names no exposure event: a unit meets it with its first event
final as (

    select
        releases.release,
        events.unit_id,
        min_by(events.event_id, (events.occurred_at, events.event_id)) as exposure_id,
        'released' as variant,
        min(events.occurred_at) as exposed_at

    from releases

    inner join events
        on releases.shipped_at <= events.occurred_at

    where
        events.unit_id is not null
        and releases.exposure_event is null
        and (
            releases.kind = 'everyone'
            or (releases.kind = 'version' and releases.app_version = events.app_version)
        )

    group by releases.release, events.unit_id

)

select * from final
