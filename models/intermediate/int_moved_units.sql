{{ config(materialized='incremental', incremental_strategy='refill') }}

with

touched_days as (select * from {{ ref('stg_lake__touched_event_days') }}),

touched as (select * from {{ source('lake', 'touched_days') }}),

changed_ids as (select * from {{ ref('int_changed_ids') }}),

identities as (select * from {{ ref('int_identities') }}),

{% if is_incremental() %}
moves as (

    select
        coalesce(changed_ids.old_unit_id, changed_ids.id) as old_unit_id,
        coalesce(identities.unit_id, changed_ids.id) as unit_id

    from changed_ids

    left join identities
        on changed_ids.identity = identities.identity

    where changed_ids.old_unit_id is distinct from identities.unit_id

),

-- only who has something on days that stay as they are takes anything along
seen as (

    select unit_key from {{ stored('int_unit_days') }}
    where event_on not in (select touched_days.event_on from touched_days)

    union all

    select unit_key from {{ stored('int_assignments') }}

    union all

    select {{ key_of('unit_id') }} as unit_key from {{ stored('fct_feedback') }}

),

movers as (

    select * from moves
    where {{ key_of('old_unit_id') }} in (select seen.unit_key from seen)

),

units as (

    select unnest([old_unit_id, unit_id]) as unit_id from movers

    union

    -- a session of a touched day may run on into the next one, and lend it its id
    select unit_id from {{ stored('fct_events') }}
    where
        event_on in (select touched_days.event_on + 1 from touched_days)
        and event_on not in (select touched_days.event_on from touched_days)
        and is_gap_session
        and occurred_at <= event_on + interval '30' minute

    union

    -- of records and feedback there are few: their units are built anew, not added to
    select unit_id from {{ stored('int_assignments') }}
    where exposed_on in (select touched.day from touched where touched.kind = 'exposures')

    union

    select unit_id from {{ stored('fct_feedback') }}
    where given_on in (select touched.day from touched where touched.kind = 'feedback')

),
{% else %}
units as (

    select cast(null as varchar) as unit_id from touched_days where false

),
{% endif %}

final as (

    select
        unit_id,
        {{ key_of('unit_id') }} as unit_key

    from units

    where unit_id is not null

)

select * from final
