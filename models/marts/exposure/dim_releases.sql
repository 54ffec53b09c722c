-- depends_on: {{ ref('int_changed_releases') }}

with

releases as (

    select * from {{ ref('stg_lake__releases') }}

),

release_events as (

    select * from {{ ref('stg_lake__release_events') }}

),

observed as (

    select
        releases.release,
        min(release_events.released_at) as observed_at

    from releases

    inner join release_events
        on release_events.version in (releases.app_version, 'v' || releases.app_version)

    where release_events.is_shipped

    group by releases.release

),

final as (

    select
        releases.release,
        releases.owner,
        releases.hypothesis,
        releases.unit,
        releases.kind,
        releases.app_version,
        releases.exposure_event,
        releases.exposure_flag,
        releases.variant_property,
        releases.cluster_property,
        releases.control,
        releases.treatments,
        releases.variants,
        releases.shipped_at,
        observed.observed_at,
        releases.exposure_ends_at,
        releases.decides_at,
        releases.cutoff_at

    from releases

    left join observed
        on releases.release = observed.release

)

select * from final
