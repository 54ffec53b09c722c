with recursive

-- a device that identifies one user after the other is shared, and makes no person of them
identified_by_one as (

    select anonymous_id

    from {{ ref('int_identity_pairs') }}

    where is_identify

    group by anonymous_id

    having min(user_id) = max(user_id)

),

alias_pairs as (

    select anonymous_id as earlier_id, user_id

    from {{ ref('int_identity_pairs') }}

    where
        (
            is_alias
            or (
                is_identify
                and anonymous_id in (select one.anonymous_id from identified_by_one as one)
            )
        )
        and anonymous_id <> user_id

    group by anonymous_id, user_id

),

-- an alias of an id that no event has as its user's says whose a device is, and merges nobody
merged_ids as (

    select earlier_id, user_id

    from alias_pairs

    where earlier_id in (select pairs.user_id from {{ ref('int_identity_pairs') }} as pairs)

),

links as (

    select earlier_id as user_id, user_id as linked_id from merged_ids

    union all

    select user_id, earlier_id as linked_id from merged_ids

),

-- the least id spreads along the links; chains and circles end where no id is new to a user
spread as (

    select
        user_id,
        least(user_id, min(linked_id)) as person_id

    from links

    group by user_id

    union

    select
        links.user_id,
        min(spread.person_id) as person_id

    from spread

    inner join links
        on spread.user_id = links.linked_id

    where spread.person_id < links.user_id

    group by links.user_id

),

final as (

    select
        user_id,
        min(person_id) as person_id

    from spread

    group by user_id

)

select * from final
