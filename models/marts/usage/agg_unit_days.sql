with

unit_days as (

    select * from {{ ref('int_unit_days') }}

),

final as (

    select
        unit_id,
        event_on,
        event_count,
        session_count,
        error_count

    from unit_days

)

select * from final
