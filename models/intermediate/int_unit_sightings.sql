with

events as (

    select * from {{ ref('fct_events') }}

),

assignments as (

    select * from {{ ref('int_assignments') }}

),

feedback as (

    select * from {{ ref('fct_feedback') }}

),

sightings as (

    select unit_id, occurred_at as seen_at from events

    union all

    select unit_id, exposed_at as seen_at from assignments

    union all

    select unit_id, given_at as seen_at from feedback

),

final as (

    select
        unit_id,
        min(seen_at) as first_seen_at,
        max(seen_at) as last_seen_at

    from sightings

    where unit_id is not null

    group by unit_id

)

select * from final
