{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {'release': 'int_changed_releases', 'unit_key': 'int_changed_unit_days'}}
) }}

with

releases as (select * from {{ ref('dim_releases') }}),

changed_releases as (select * from {{ ref('int_changed_releases') }}),

changes as (select * from {{ ref('int_changed_unit_days') }}),

exposure_events as (select * from {{ ref('int_exposure_events') }}),

-- as in int_units: who only gained days is added to, whoever else changed is made anew
signs as (

    {% if not is_incremental() %}
    select * from exposure_events
    {% else %}
    {{ rows_where(
        ref('int_exposure_events'),
        'unit_key in (select changes.unit_key from changes where not changes.is_grown)'
        ~ ' or release in (select changed_releases.release from changed_releases)'
    ) }}

    union all

    select exposure_events.* from exposure_events
    inner join changes
        on
            exposure_events.unit_key = changes.unit_key
            and exposure_events.exposed_on = changes.event_on
    where
        changes.is_grown
        and exposure_events.release not in (select found.release from changed_releases as found)
    {% endif %}

),

parts as (

    select
        signs.release, signs.unit_id, signs.unit_key, signs.variant, signs.exposure_id,
        nullif(signs.cluster_id, '') as cluster_id, false as is_in_two_clusters,
        false as is_crossover, 1 as exposure_count, signs.exposed_at
    from signs
    inner join releases
        on signs.release = releases.release
    where
        array_contains(releases.variants, signs.variant)
        and signs.exposed_at < coalesce(releases.exposure_ends_at, timestamp '9999-12-31')
    {% if is_incremental() %}

    union all

    select
        release, unit_id, unit_key, variant, '' as exposure_id,
        cluster_id, is_in_two_clusters, is_crossover, exposure_count, exposed_at
    from {{ this }}
    where
        unit_key in (select changes.unit_key from changes where changes.is_grown)
        and release not in (select changed_releases.release from changed_releases)
    {% endif %}

),

final as (

    select
        release, unit_id, unit_key,
        min_by(variant, (exposed_at, exposure_id)) as variant,
        -- of two neither: which was first is not known of rows that are only added to
        case
            when not bool_or(is_in_two_clusters) and min(cluster_id) = max(cluster_id)
                then min(cluster_id)
        end as cluster_id,
        bool_or(is_in_two_clusters)
        or coalesce(min(cluster_id) <> max(cluster_id), false) as is_in_two_clusters,
        bool_or(is_crossover) or min(variant) <> max(variant) as is_crossover,
        cast(sum(exposure_count) as bigint) as exposure_count,
        min(exposed_at) as exposed_at,
        cast(min(exposed_at) as date) as exposed_on

    from parts

    group by release, unit_id, unit_key

)

select * from final
