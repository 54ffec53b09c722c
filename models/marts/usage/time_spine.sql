with

days as (

    select
        unnest(generate_series(date '2015-01-01', date '2035-12-31', interval '1' day)) as day

),

final as (

    select cast(day as date) as date_day from days

)

select * from final
