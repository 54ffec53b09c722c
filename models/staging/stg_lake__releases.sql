with

releases as (

    select * from {{ source('lake', 'releases') }}

),

final as (

    select
        release,
        owner,
        hypothesis,
        unit,
        kind,
        app_version,
        exposure_event,
        exposure_flag,
        variant_property,
        cluster_property,
        control,
        treatments,
        variants,
        shipped_at,
        exposure_ends_at,
        decides_at,
        cutoff_at

    from releases

)

select * from final
