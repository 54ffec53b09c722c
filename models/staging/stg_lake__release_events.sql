with

release_events as (

    select * from {{ source('lake', 'release_events') }}

),

final as (

    select
        -- an id is unique in its source only: two repositories may both count from 1
        source || ':' || release_id as release_event_id,
        name,
        version,
        environment,
        status,
        {{ json_text('properties', "'/product'") }} as product,
        url,
        notes,
        properties,
        source,
        -- what was asked for, failed or is tried out has not shipped
        coalesce(status, 'released') in ('released', 'success', 'deployed', 'upgraded', 'published')
        and coalesce(lower(environment), 'production') in ('production', 'prod') as is_shipped,
        released_at,
        released_on

    from release_events

)

select * from final
