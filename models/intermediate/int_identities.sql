{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {'identity': 'int_changed_ids'}}
) }}

with

changed_ids as (

    select * from {{ ref('int_changed_ids') }}

),

pairs as (

    select * from {{ ref('int_identity_pairs') }}

),

people as (

    select * from {{ ref('int_people') }}

),

claims as (

    select
        'anonymous' as kind,
        pairs.anonymous_id as id,
        coalesce(people.person_id, pairs.user_id) as unit_id

    from pairs

    left join people
        on pairs.user_id = people.user_id

    where
        pairs.anonymous_id is not null
        {{ "and pairs.anonymous_id in (select changed_ids.id from changed_ids)"
            if is_incremental() }}

    union all

    -- what was sent as an anonymous id can be the user id of a merged person
    select
        unnest(['anonymous', 'user']) as kind,
        user_id as id,
        person_id as unit_id

    from people

),

-- two persons on one anonymous id share a device: whose an event was can't be told
final as (

    select
        kind || ':' || id as identity,
        kind,
        id,
        min(unit_id) as unit_id

    from claims

    {{ "where kind || ':' || id in (select changed_ids.identity from changed_ids)"
        if is_incremental() }}

    group by kind, id

    having min(unit_id) = max(unit_id)

)

select * from final
