{{ config(materialized='incremental', incremental_strategy='refill') }}

with

events as (

    select * from {{ ref('fct_events') }}

),

assignments as (

    select * from {{ ref('int_assignments') }}

),

touched_days as (

    select * from {{ ref('stg_lake__touched_exposure_days') }}

),

changed_releases as (

    select * from {{ ref('int_changed_releases') }}

),

{% if is_incremental() %}
-- any event since it shipped can be a sign of a release whose rule changed
spans as (

    select
        min(changed_releases.counts_from_on) as first_on,
        greatest(
            (select max(events.event_on) from events),
            (select max(assignments.exposed_on) from assignments)
        ) as last_on

    from changed_releases

),

final as (

    select exposed_on from touched_days

    union

    select cast(unnest(generate_series(first_on, last_on, interval '1' day)) as date) as exposed_on
    from spans

)
{% else %}
final as (

    select exposed_on from touched_days where false

)
{% endif %}

select * from final
