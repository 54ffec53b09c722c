{{ config(materialized='incremental', incremental_strategy='refill') }}

with

changes as (select * from {{ ref('int_changed_unit_days') }}),

changed_releases as (select * from {{ ref('int_changed_releases') }}),

{% if is_incremental() %}
grown_units as (

    select unit_key, min(event_on) as event_on from changes where is_grown group by unit_key

),

-- days that a unit gained after its exposure say nothing of what it was at it
settled as (

    select known.release, known.unit_id
    from {{ stored('fct_exposures') }} as known
    inner join grown_units
        on
            {{ key_of('known.unit_id') }} = grown_units.unit_key
            and known.exposed_on < grown_units.event_on
    where known.release not in (select changed_releases.release from changed_releases)

),

sought as (

    select exposures.* from {{ ref('int_exposures') }} as exposures
    left join settled
        on exposures.release = settled.release and exposures.unit_id = settled.unit_id
    where
        settled.unit_id is null
        and (
            exposures.unit_key in (select changes.unit_key from changes)
            or exposures.release in (select changed_releases.release from changed_releases)
        )

),

events as (

    {{ rows_where(ref('fct_events'), '(unit_key, event_on) in (
        select sought.unit_key, sought.exposed_on from sought
    )') }}

),
{% else %}
sought as (select * from {{ ref('int_exposures') }}),

events as (select * from {{ ref('fct_events') }}),
{% endif %}

-- the day of the exposure up to it, and what the days before it ended with
parts as (

    select
        sought.release, sought.unit_id, events.occurred_at as seen_at, events.event_id,
        events.app_version, events.country, events.platform,
        {{ json_text('events.properties', "'/plan'") }} as plan,
        case when {{ is_sign_up_event('events.event_name') }} then events.event_on end
            as signed_up_on
    from sought
    inner join events
        on
            sought.unit_key = events.unit_key and sought.unit_id = events.unit_id
            and sought.exposed_on = events.event_on and sought.exposed_at >= events.occurred_at

    union all

    select
        sought.release, sought.unit_id, unit_days.last_seen_at as seen_at, '' as event_id,
        unit_days.first_app_version as app_version, unit_days.country, unit_days.platform,
        unit_days.plan, unit_days.signed_up_on
    from sought
    inner join {{ ref('int_unit_days') }} as unit_days
        on
            sought.unit_key = unit_days.unit_key and sought.unit_id = unit_days.unit_id
            and sought.exposed_on > unit_days.event_on

),

final as (

    select
        release, unit_id,
        {{ first_by('app_version', 'seen_at', 'event_id') }} as first_app_version,
        {{ last_by('country', 'seen_at', 'event_id') }} as country,
        {{ last_by('platform', 'seen_at', 'event_id') }} as platform,
        {{ last_by('plan', 'seen_at', 'event_id') }} as plan,
        min(signed_up_on) as signed_up_on
    from parts
    group by release, unit_id

)

select * from final
