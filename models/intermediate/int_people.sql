with recursive

alias_pairs as (

    select anonymous_id as earlier_id, user_id

    from {{ ref('int_identity_pairs') }}

    where
        is_alias
        and anonymous_id <> user_id

    group by anonymous_id, user_id

),

-- an alias of an id that no event has as its user's says whose a device is, and merges nobody
merges as (

    select earlier_id, user_id

    from alias_pairs

    where earlier_id in (select pairs.user_id from {{ ref('int_identity_pairs') }} as pairs)

),

links as (

    select earlier_id as user_id, user_id as linked_id from merges

    union all

    select user_id, earlier_id as linked_id from merges

),

-- the least id spreads along the links until nothing changes: chains and circles come to an end
people (user_id, person_id) using key (user_id) as (

    select user_id, least(user_id, min(linked_id)) as person_id from links group by user_id

    union

    select links.user_id, min(people.person_id) as person_id

    from people

    inner join links
        on people.user_id = links.linked_id

    inner join recurring.people as known
        on links.user_id = known.user_id

    where people.person_id < known.person_id

    group by links.user_id

),

final as (

    select user_id, person_id from people

)

select * from final
