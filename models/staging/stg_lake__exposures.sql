with

exposures as (

    select * from {{ source('lake', 'exposures') }}

),

final as (

    select
        source || ':' || exposure_id as exposure_id,
        flag,
        variant,
        nullif(user_id, '') as user_id,
        nullif(anonymous_id, '') as anonymous_id,
        properties,
        exposed_at,
        exposed_on

    from exposures

)

select * from final
