with

touched_days as (

    select * from {{ source('lake', 'touched_days') }}

),

-- an event can be a sign of exposure as well as a record of one
final as (

    select day as exposed_on from touched_days where kind in ('events', 'exposures') group by day

)

select * from final
