{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {'unit_id': 'int_changed_unit_days'}}
) }}

with

changes as (select * from {{ ref('int_changed_unit_days') }}),

active_units as (

    select * from {{ ref('int_units') }}
    {{ "where unit_key in (select changes.unit_key from changes)" if is_incremental() }}

),

assignments as (

    select * from {{ ref('int_assignments') }}
    {{ "where unit_key in (select changes.unit_key from changes)" if is_incremental() }}

),

feedback as (

    select * from {{ ref('fct_feedback') }}
    {{ "where unit_id in (select changes.unit_id from changes)" if is_incremental() }}

),

sightings as (

    select unit_id, first_seen_at, last_seen_at from active_units

    union all

    select unit_id, exposed_at as first_seen_at, exposed_at as last_seen_at from assignments

    union all

    select unit_id, given_at as first_seen_at, given_at as last_seen_at from feedback

),

units as (

    select
        unit_id,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at

    from sightings

    where unit_id is not null

    group by unit_id

),

final as (

    select
        units.unit_id,
        active_units.first_app_version,
        active_units.country,
        active_units.platform,
        active_units.plan,
        {{ bot_reason('units', 'active_units') }} as bot_reason,
        bot_reason is not null as is_bot,
        units.first_seen_at,
        units.last_seen_at,
        active_units.signed_up_on

    from units

    left join active_units
        on units.unit_id = active_units.unit_id

)

select * from final
