{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {'event_on': 'stg_lake__touched_event_days'}}
) }}

{%- set event_days = 'event_on, source, event_name' %}
{%- set versions = event_days ~ ', app_version' %}

with

touched_days as (select * from {{ ref('stg_lake__touched_event_days') }}),

events as (

    select * from {{ ref('fct_events') }}
    where
        length(properties) <= {{ longest_properties() }}
        {{ 'and event_on in (select touched_days.event_on from touched_days)' if is_incremental() }}

),

shares as (

    select
        {{ event_days }},
        {{ sampled_rows() }} / count(*) as wanted_share,
        {{ sampled_rows_a_day() }}
        / sum(least({{ sampled_rows() }}, count(*))) over (partition by event_on) as room
    from events
    group by {{ event_days }}

),

sampled as (

    select events.*, {{ person_of('events.') }} as person
    from events
    inner join shares
        on {{ is_same(event_days, 'events', 'shares') }}
    where {{ is_sampled('events.event_id', 'shares.wanted_share * least(1, shares.room)') }}

),

members as ({{ typed_members('sampled', versions ~ ', person') }}),

names as (

    select
        {{ event_days }},
        name,
        row_number() over (partition by {{ event_days }} order by count(*) desc, name)
        <= {{ most_properties() }} as is_listed
    from members
    group by {{ event_days }}, name

),

listed as (

    select
        members.* exclude (type),
        case when names.is_listed then members.name end as property,
        case when names.is_listed then members.type else 'left out' end as type
    from members
    inner join names
        on {{ is_same(event_days ~ ', name', 'members', 'names') }}

),

final as (

    select
        {{ versions }},
        cast(null as varchar) as property,
        'rows' as type,
        count(*) as row_count,
        histogram({{ person_group('person') }}) as person_groups
    from sampled
    group by {{ versions }}

    union all by name

    select
        {{ versions }},
        property,
        type,
        count(*) as row_count,
        count(distinct name) as name_count,
        {{ log10_median_of('number') }} as log10_median,
        case when type != 'left out' then histogram(place) end as places,
        case when type = 'number' then {{ persons_by_place('person', 'place') }} end
            as place_persons,
        histogram({{ person_group('person') }}) as person_groups
    from listed
    group by {{ versions }}, property, type

)

select * from final
