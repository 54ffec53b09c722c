{{ config(
    materialized='incremental',
    incremental_strategy='replace',
    meta={'replaces': {
        'event_on': 'stg_lake__touched_event_days', 'unit_key': 'int_moved_units'
    }}
) }}

-- depends_on: {{ ref('stg_lake__touched_event_days') }}, {{ ref('int_moved_units') }}
{% set sequence = var('telemetry_sequence') %}
{% set heartbeat = var('telemetry_heartbeat') %}

with

events as (

    select
        unit_id, unit_key, session_id, event_on, event_name, occurred_at,
        {% if sequence -%}
        try_cast({{ json_text('properties', "'/" ~ sequence ~ "'") }} as bigint)
        {%- else -%} cast(null as bigint) {%- endif %} as sequence_number

    from {{ changed_events('stg_lake__touched_event_days') }}

    where
        unit_id is not null
        and {{ 'true' if sequence or heartbeat or var('telemetry_pairs') else 'false' }}

),

sessions as (

    select
        unit_id, unit_key, event_on,
        count(distinct sequence_number) as numbers_seen,
        max(sequence_number) - min(sequence_number) + 1 as numbers_expected,
        count(*) filter (where event_name = '{{ heartbeat }}') as beats_seen,
        -- of a number with a fraction `//` keeps the fraction: nobody sends a part of a beat
        cast(floor(
            {{ seconds_between('min(occurred_at)', 'max(occurred_at)') }}
            / {{ var('telemetry_heartbeat_seconds') }}
        ) as bigint) as beats_expected

    from events

    group by unit_id, unit_key, event_on, session_id

),

signals as (

    -- a number that jumps by orders of magnitude is no gap: it may not outweigh everybody else
    select
        unit_id, unit_key, event_on, 'sequence' as signal,
        least(numbers_expected, 20 * numbers_seen) as expected, numbers_seen as seen
    from sessions
    where numbers_seen > 0

    union all

    select
        unit_id, unit_key, event_on, 'heartbeat' as signal,
        beats_expected as expected, least(beats_seen, beats_expected) as seen
    from sessions
    where {{ 'beats_expected > 0' if heartbeat else 'false' }}

    {% for pair in var('telemetry_pairs') %}
    {%- set start, end = pair[0], pair[1] %}
    union all

    select
        unit_id, unit_key, event_on, '{{ start }} to {{ end }}' as signal,
        count(*) filter (where event_name = '{{ start }}') as expected,
        least(
            count(*) filter (where event_name = '{{ start }}'),
            count(*) filter (where event_name = '{{ end }}')
        ) as seen
    from events
    where event_name in ('{{ start }}', '{{ end }}')
    group by unit_id, unit_key, event_on
    {% endfor %}

),

final as (

    select
        unit_id, unit_key, event_on, signal,
        cast(sum(expected) as bigint) as expected_count,
        cast(sum(seen) as bigint) as seen_count

    from signals

    group by unit_id, unit_key, event_on, signal

)

select * from final
