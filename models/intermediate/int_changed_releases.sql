{{ config(materialized='incremental', incremental_strategy='refill') }}

with

{% set rule = "md5(concat_ws('|', kind, coalesce(app_version, '-'), coalesce(exposure_event, '-'),
            coalesce(exposure_flag, '-'), coalesce(variant_property, '-'),
            coalesce(cluster_property, '-'), cast(variants as varchar), cast(shipped_at as varchar),
            coalesce(cast(exposure_ends_at as varchar), '-')))" %}
releases as (

    select * from {{ ref('stg_lake__releases') }}

),

rules as (

    select
        release,
        {{ rule }} as rule,
        shipped_at

    from releases
    {% if is_incremental() %}

    union all

    select
        release,
        {{ rule }} as rule,
        shipped_at

    from {{ stored('dim_releases') }}
    {% endif %}

),

-- a rule that stayed as it was is there twice
final as (

    select
        release,
        cast(min(shipped_at) as date) as counts_from_on

    from rules

    group by release

    having
        count(*) = 1
        or min(rule) <> max(rule)

)

select * from final
