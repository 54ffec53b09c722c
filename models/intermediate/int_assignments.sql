{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {
        'exposed_on': 'stg_lake__touched_exposure_days', 'unit_key': 'int_moved_units'
    }}
) }}
-- depends_on: {{ ref('int_moved_units') }}

with

touched_days as (

    select * from {{ ref('stg_lake__touched_exposure_days') }}

),

{% if is_incremental() %}
exposures_of_moved_units as (

    {{ rows_of_moved_units(this) }}

),
{% endif %}

identities as (

    select * from {{ ref('int_identities') }}

),

{% set columns = ['exposure_id', 'user_id', 'anonymous_id', 'flag', 'variant', 'properties',
    'exposed_at', 'exposed_on'] | join(', ') %}
exposures as (

    select {{ columns }} from {{ ref('stg_lake__exposures') }}
    {% if is_incremental() %}
    where exposed_on in (select touched_days.exposed_on from touched_days)

    union all

    select {{ columns }} from exposures_of_moved_units
    where exposed_on not in (select touched_days.exposed_on from touched_days)
    {% endif %}

),

resolved as (

    select
        exposures.*,
        coalesce(
            users.unit_id, exposures.user_id, devices.unit_id, exposures.anonymous_id
        ) as unit_id

    from exposures

    left join identities as users
        on exposures.user_id = users.id and users.kind = 'user'

    left join identities as devices
        on
            exposures.user_id is null
            and exposures.anonymous_id = devices.id
            and devices.kind = 'anonymous'

),

final as (

    select
        exposure_id,
        unit_id,
        {{ key_of('unit_id') }} as unit_key,
        user_id,
        anonymous_id,
        flag,
        variant,
        properties,
        exposed_at,
        exposed_on

    from resolved

)

select * from final
