{{ config(materialized='incremental', incremental_strategy='refill') }}
-- depends_on: {{ ref('int_identity_pairs') }}

with

people as (select * from {{ ref('int_people') }}),

touched_days as (select * from {{ ref('stg_lake__touched_event_days') }}),

{% if is_incremental() %}
known as (select * from {{ stored('int_identities') }}),

touched_pairs as (

    select anonymous_id, user_id, event_on from {{ ref('int_identity_pairs') }}
    where event_on in (select touched_days.event_on from touched_days)

),

lost_pairs as (

    select anonymous_id, user_id, event_on from {{ stored('fct_events') }}
    where event_on in (select touched_days.event_on from touched_days)

    except

    select anonymous_id, user_id, event_on from touched_pairs

),

known_people as (

    select id as user_id, unit_id as person_id from known where kind = 'user'

),

changed_people as (

    select coalesce(people.user_id, known_people.user_id) as user_id
    from people

    full outer join known_people
        on people.user_id = known_people.user_id

    where people.person_id is distinct from known_people.person_id

),

-- most pairs of a day only say again whose an id is
news as (

    select touched_pairs.anonymous_id
    from touched_pairs
    left join people
        on touched_pairs.user_id = people.user_id
    left join known
        on touched_pairs.anonymous_id = known.id and known.kind = 'anonymous'
    where known.unit_id is distinct from coalesce(people.person_id, touched_pairs.user_id)

),

ids as (

    select 'anonymous' as kind, anonymous_id as id from news

    union

    select 'anonymous' as kind, anonymous_id as id from lost_pairs where user_id is not null

    union

    select 'anonymous' as kind, anonymous_id as id from {{ ref('int_identity_pairs') }}
    where user_id in (select changed_people.user_id from changed_people)

    union

    select unnest(['anonymous', 'user']) as kind, user_id as id from changed_people

),

final as (

    select ids.kind || ':' || ids.id as identity, ids.kind, ids.id, known.unit_id as old_unit_id
    from ids
    left join known
        on ids.kind = known.kind and ids.id = known.id
    where ids.id is not null

)
{% else %}
-- a whole build knows no earlier one that anything could differ from
final as (

    select '' as identity, '' as kind, user_id as id, person_id as old_unit_id from people
    where false

)
{% endif %}

select * from final
