with

touched_days as (

    select * from {{ source('lake', 'touched_days') }}

),

final as (

    select day as event_on from touched_days where kind = 'events'

)

select * from final
