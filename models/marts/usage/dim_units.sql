with

events as (

    select * from {{ ref('fct_events') }}

),

attributes as (

    select * from {{ ref('int_event_attributes') }}

),

units as (

    select * from {{ ref('int_unit_sightings') }}

),

active_units as (

    select
        unit_id,
        {{ first_by('app_version', 'occurred_at', 'event_id') }} as first_app_version,
        {{ last_by('country', 'occurred_at', 'event_id') }} as country,
        {{ last_by('platform', 'occurred_at', 'event_id') }} as platform,
        min(event_on) filter (
            where event_name in ('signed_up', 'sign_up', 'signup', 'Signed Up')
        ) as signed_up_on

    from events

    where unit_id is not null

    group by unit_id

),

described_units as (

    select
        events.unit_id,
        {{ last_by('attributes.plan', 'events.occurred_at', 'events.event_id') }} as plan,
        bool_or(attributes.is_bot) as is_bot

    from attributes

    inner join events
        on attributes.event_id = events.event_id

    where events.unit_id is not null

    group by events.unit_id

),

final as (

    select
        units.unit_id,
        active_units.first_app_version,
        active_units.country,
        active_units.platform,
        described_units.plan,
        coalesce(described_units.is_bot, false) as is_bot,
        units.first_seen_at,
        units.last_seen_at,
        active_units.signed_up_on

    from units

    left join active_units
        on units.unit_id = active_units.unit_id

    left join described_units
        on units.unit_id = described_units.unit_id

)

select * from final
