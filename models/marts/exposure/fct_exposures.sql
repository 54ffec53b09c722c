{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {'release': 'int_changed_releases', 'unit_id': 'int_changed_unit_days'}}
) }}

with

exposures as (select * from {{ ref('int_exposures') }}),

attributes as (select * from {{ ref('int_exposure_attributes') }}),

units as (select * from {{ ref('dim_units') }}),

changes as (select * from {{ ref('int_changed_unit_days') }}),

changed_releases as (select * from {{ ref('int_changed_releases') }}),

{% if is_incremental() %}
changed_exposures as (

    select * from exposures
    where
        unit_key in (select changes.unit_key from changes)
        or release in (select changed_releases.release from changed_releases)

),

-- what was not sought anew is as it was
described_units as (

    select * from attributes

    union all

    select
        known.release, known.unit_id, known.first_app_version,
        known.country, known.platform, known.plan, known.signed_up_on

    from {{ this }} as known

    left join attributes
        on known.release = attributes.release and known.unit_id = attributes.unit_id

    where
        attributes.unit_id is null
        and known.unit_id in (select changes.unit_id from changes where changes.is_grown)

),
{% else %}
changed_exposures as (select * from exposures),

described_units as (select * from attributes),
{% endif %}

final as (

    select
        changed_exposures.release,
        changed_exposures.unit_id,
        changed_exposures.variant,
        described_units.first_app_version,
        described_units.country,
        described_units.platform,
        described_units.plan,
        changed_exposures.cluster_id,
        changed_exposures.is_in_two_clusters,
        changed_exposures.is_crossover,
        coalesce(units.is_bot, false) as is_bot,
        changed_exposures.exposure_count,
        changed_exposures.exposed_at,
        changed_exposures.exposed_on,
        described_units.signed_up_on

    from changed_exposures

    left join described_units
        on
            changed_exposures.release = described_units.release
            and changed_exposures.unit_id = described_units.unit_id

    left join units
        on changed_exposures.unit_id = units.unit_id

)

select * from final
