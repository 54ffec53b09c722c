with

exposures as (

    select * from {{ ref('stg_lake__exposures') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

final as (

    select
        exposures.exposure_id,
        coalesce(exposures.user_id, identities.user_id, exposures.anonymous_id) as unit_id,
        exposures.flag,
        exposures.variant,
        exposures.exposed_at

    from exposures

    left join identities
        on exposures.anonymous_id = identities.anonymous_id

)

select * from final
