{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {'unit_key': 'int_changed_unit_days'}}
) }}

with

unit_days as (select * from {{ ref('int_unit_days') }}),

changes as (select * from {{ ref('int_changed_unit_days') }}),

-- who only gained days is added to; whoever changed or lost one is made anew from all of them
days as (

    {% if not is_incremental() %}
    select * from unit_days
    {% else %}
    {{ rows_where(
        ref('int_unit_days'),
        'unit_key in (select changes.unit_key from changes where not changes.is_grown)'
    ) }}

    union all

    select unit_days.*

    from unit_days

    inner join changes
        on unit_days.unit_key = changes.unit_key and unit_days.event_on = changes.event_on

    where changes.is_grown
    {% endif %}

),

parts as (

    select
        unit_id,
        unit_key,
        first_app_version,
        country,
        platform,
        plan,
        bot_sign,
        peak_minute_events,
        event_count as peak_day_events,
        case when first_app_version is not null then event_on end as first_app_version_on,
        case when country is not null then event_on end as country_on,
        case when platform is not null then event_on end as platform_on,
        case when plan is not null then event_on end as plan_on,
        signed_up_on,
        first_seen_at,
        last_seen_at

    from days
    {% if is_incremental() %}

    union all

    select * from {{ this }}
    where unit_key in (select changes.unit_key from changes where changes.is_grown)
    {% endif %}

),

final as (

    select
        unit_id,
        unit_key,
        min_by(first_app_version, first_app_version_on) as first_app_version,
        max_by(country, country_on) as country,
        max_by(platform, platform_on) as platform,
        max_by(plan, plan_on) as plan,
        min(bot_sign) as bot_sign,
        max(peak_minute_events) as peak_minute_events,
        max(peak_day_events) as peak_day_events,
        min(first_app_version_on) as first_app_version_on,
        max(country_on) as country_on,
        max(platform_on) as platform_on,
        max(plan_on) as plan_on,
        min(signed_up_on) as signed_up_on,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at

    from parts

    group by unit_id, unit_key

)

select * from final
