{{ config(materialized='incremental', incremental_strategy='refill') }}

with

{% set rule = ['release', 'kind', 'app_version', 'exposure_event', 'exposure_flag',
    'variant_property', 'variants', 'shipped_at', 'exposure_ends_at'] | join(', ') %}
rules_now as (

    select {{ rule }} from {{ ref('stg_lake__releases') }}

),

rules_before as (

    {% if is_incremental() %}
    select {{ rule }} from {{ stored('dim_releases') }}
    {% else %}
    select * from rules_now where false
    {% endif %}

),

changed as (

    (select * from rules_now except select * from rules_before)

    union all

    (select * from rules_before except select * from rules_now)

),

final as (

    select
        release,
        cast(min(shipped_at) as date) as counts_from_on

    from changed

    group by release

)

select * from final
