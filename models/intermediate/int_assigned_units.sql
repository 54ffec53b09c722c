with

releases as (

    select * from {{ ref('stg_lake__releases') }}

),

labels as (

    select * from {{ ref('int_labels') }}

),

exposure_events as (

    select * from {{ ref('int_exposure_events') }}

),

named as (

    select release, unit_id, variant, labelled_at from labels

    union all

    select release, unit_id, variant, exposed_at as labelled_at from exposure_events

),

final as (

    select
        named.release,
        named.unit_id,
        named.variant

    from named

    inner join releases
        on named.release = releases.release

    where
        array_contains(releases.variants, named.variant)
        and (releases.cutoff_at is null or named.labelled_at < releases.cutoff_at)
        -- whoever meets the change later is in no exposure, and lost to none
        and named.labelled_at < coalesce(releases.exposure_ends_at, timestamp '9999-12-31')

    group by named.release, named.unit_id, named.variant

)

select * from final
