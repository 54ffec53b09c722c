with

pairs as (

    select * from {{ ref('int_identity_pairs') }}

),

-- two users on one anonymous id share a device: whose an event was can't be told
final as (

    select
        anonymous_id,
        min(user_id) as user_id

    from pairs

    group by anonymous_id

    having count(distinct user_id) = 1

)

select * from final
