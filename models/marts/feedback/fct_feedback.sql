with

feedback as (

    select * from {{ ref('stg_lake__feedback') }}

),

final as (

    select
        feedback_id,
        user_id as unit_id,
        channel,
        text,
        app_version,
        product,
        kind,
        rating,
        given_at,
        given_on

    from feedback

)

select * from final
