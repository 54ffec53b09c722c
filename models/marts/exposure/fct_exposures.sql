with

releases as (

    select * from {{ ref('dim_releases') }}

),

exposure_events as (

    select * from {{ ref('int_exposure_events') }}

),

units as (

    select * from {{ ref('dim_units') }}

),

exposures as (

    select
        exposure_events.release,
        exposure_events.unit_id,
        min_by(
            exposure_events.variant, (exposure_events.exposed_at, exposure_events.exposure_id)
        ) as variant,
        min(exposure_events.exposed_at) as exposed_at,
        count(distinct exposure_events.variant) > 1 as is_crossover,
        count(*) as exposure_count

    from exposure_events

    inner join releases
        on exposure_events.release = releases.release

    where
        array_contains(releases.variants, exposure_events.variant)
        and (
            releases.exposure_ends_at is null
            or exposure_events.exposed_at < releases.exposure_ends_at
        )

    group by exposure_events.release, exposure_events.unit_id

),

final as (

    select
        exposures.release,
        exposures.unit_id,
        exposures.variant,
        exposures.is_crossover,
        coalesce(units.is_bot, false) as is_bot,
        exposures.exposure_count,
        exposures.exposed_at,
        cast(exposures.exposed_at as date) as exposed_on

    from exposures

    left join units
        on exposures.unit_id = units.unit_id

)

select * from final
