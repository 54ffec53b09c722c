{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {'exposed_on': 'int_exposure_days', 'unit_key': 'int_moved_units'}}
) }}
-- depends_on: {{ ref('int_exposure_days') }}, {{ ref('int_moved_units') }}

with

releases as (

    select * from {{ ref('stg_lake__releases') }}

),

events as (

    select * from {{ changed_events('int_exposure_days') }}

),

labelled_events as (

    select
        releases.release,
        events.unit_id,
        events.unit_key,
        {{ json_text('events.properties', json_pointer('releases.variant_property')) }} as variant,
        events.occurred_at,
        events.event_on as exposed_on

    from releases

    inner join events
        on releases.shipped_at <= events.occurred_at

    where
        releases.variant_property is not null
        and events.unit_id is not null

),

final as (

    select
        release,
        unit_id,
        unit_key,
        variant,
        min(occurred_at) as labelled_at,
        exposed_on

    from labelled_events

    where variant is not null

    group by release, unit_id, unit_key, variant, exposed_on

)

select * from final
