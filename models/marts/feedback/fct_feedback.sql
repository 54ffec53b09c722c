-- depends_on: {{ ref('int_moved_units') }}

with

feedback as (

    select * from {{ ref('stg_lake__feedback') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

final as (

    select
        feedback.feedback_id,
        coalesce(identities.unit_id, feedback.user_id) as unit_id,
        feedback.channel,
        feedback.text,
        feedback.app_version,
        feedback.product,
        feedback.kind,
        feedback.rating,
        feedback.given_at,
        feedback.given_on

    from feedback

    left join identities
        on feedback.user_id = identities.id and identities.kind = 'user'

)

select * from final
