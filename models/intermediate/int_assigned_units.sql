with

releases as (

    select * from {{ ref('stg_lake__releases') }}

),

events as (

    select * from {{ ref('fct_events') }}

),

exposure_events as (

    select * from {{ ref('int_exposure_events') }}

),

labels as (

    select
        releases.release,
        events.unit_id,
        {{ json_text('events.properties', json_pointer('releases.variant_property')) }} as variant,
        events.occurred_at as labelled_at

    from releases

    inner join events
        on releases.shipped_at <= events.occurred_at

    where
        releases.variant_property is not null
        and events.unit_id is not null

    union all

    select
        release,
        unit_id,
        variant,
        exposed_at as labelled_at

    from exposure_events

),

final as (

    select
        labels.release,
        labels.unit_id,
        labels.variant

    from labels

    inner join releases
        on labels.release = releases.release

    where
        array_contains(releases.variants, labels.variant)
        and (releases.cutoff_at is null or labels.labelled_at < releases.cutoff_at)

    group by labels.release, labels.unit_id, labels.variant

)

select * from final
