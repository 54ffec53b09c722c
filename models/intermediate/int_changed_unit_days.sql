{{ config(materialized='incremental', incremental_strategy='refill') }}

with

event_units as (select * from {{ ref('int_event_units') }}),

moved_units as (select * from {{ ref('int_moved_units') }}),

touched_days as (select * from {{ ref('stg_lake__touched_event_days') }}),

new_assignments as (

    select unit_id, unit_key from {{ ref('int_assignments') }}
    where exposed_on in (
        select days.exposed_on from {{ ref('stg_lake__touched_exposure_days') }} as days
    )

),

new_feedback as (

    select unit_id, {{ key_of('unit_id') }} as unit_key from {{ ref('fct_feedback') }}
    where given_on in (
        select days.given_on from {{ ref('stg_lake__touched_feedback_days') }} as days
    )

),

{% if is_incremental() %}
days_now as (

    select unit_id, unit_key, event_on, {{ digest_of('event_id') }} as event_digest
    from event_units

    where
        unit_id is not null
        and event_on in (select touched_days.event_on from touched_days)

    group by unit_id, unit_key, event_on

),

days_before as (

    select * from {{ stored('int_unit_days') }}
    where event_on in (select touched_days.event_on from touched_days)

),

changes as (

    select
        coalesce(days_now.unit_id, days_before.unit_id) as unit_id,
        coalesce(days_now.unit_key, days_before.unit_key) as unit_key,
        days_now.event_on,
        days_before.unit_id is null as is_new

    from days_now

    full outer join days_before
        on days_now.unit_id = days_before.unit_id and days_now.event_on = days_before.event_on

    where days_now.event_digest is distinct from days_before.event_digest

    union all

    select unit_id, unit_key, null as event_on, false as is_new from moved_units

    union all

    select unit_id, unit_key, null as event_on, false as is_new from new_assignments

    union all

    select unit_id, unit_key, null as event_on, false as is_new from new_feedback

),
{% else %}
changes as (

    select unit_id, unit_key, event_on, true as is_new from event_units where false

),
{% endif %}

final as (

    select
        unit_id,
        unit_key,
        event_on,
        bool_and(is_new) over (partition by unit_id) as is_grown

    from changes

    where unit_id is not null

)

select * from final
