with

touched_days as (

    select * from {{ source('lake', 'touched_days') }}

),

final as (

    select day as given_on from touched_days where kind = 'feedback'

)

select * from final
