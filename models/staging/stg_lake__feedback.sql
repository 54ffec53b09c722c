with

feedback as (

    select * from {{ source('lake', 'feedback') }}

),

final as (

    select
        source || ':' || feedback_id as feedback_id,
        nullif(user_id, '') as user_id,
        channel,
        text,
        app_version,
        {{ json_text('properties', "'/product'") }} as product,
        {{ json_text('properties', "'/type'") }} as kind,
        rating,
        given_at,
        given_on

    from feedback

)

select * from final
