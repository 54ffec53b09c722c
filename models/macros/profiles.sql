{# What a profile of JSON properties looks at. Each limit bounds what a day costs, whatever it
   holds. #}

{# Rows of an event and day, about. #}
{% macro sampled_rows() %}300{% endmacro %}

{# Rows of a day, about, however many events it has. #}
{% macro sampled_rows_a_day() %}10000{% endmacro %}

{# Characters of properties; longer ones are not looked into. #}
{% macro longest_properties() %}32768{% endmacro %}

{# Members of one row's properties. #}
{% macro most_members() %}300{% endmacro %}

{# Properties of an event and day that get rows of their own, and characters of a name; members
   with longer ones are not looked at. #}
{% macro most_properties() %}100{% endmacro %}
{% macro longest_name() %}200{% endmacro %}

{# Whether a row is in the sample, by its id alone: a build of a day draws what a whole build
   draws. #}
{% macro is_sampled(id, share) %}hash({{ id }}) / 18446744073709551616.0 < {{ share }}{% endmacro %}

{# Whether an event came half an hour to half a day late: it waited, or its clock showed the time of
   another zone. #}
{% macro is_late(received_at, occurred_at) -%}
    {{ seconds_between(occurred_at, received_at) }} between 1740 and 50460
{%- endmacro %}

{# Of such, whether it came half hours late to the minute, as with the time of another zone. Rows
   that wait come late by anything: one in fifteen does by chance. #}
{% macro is_local_time(received_at, occurred_at) -%}
    {{ is_late(received_at, occurred_at) }}
    and mod(cast({{ seconds_between(occurred_at, received_at) }} as bigint), 1800) < 120
{%- endmacro %}

{# The type of a JSON value in five words; a number is a number, however it is written. #}
{% macro json_type_of(value) -%}
    case json_type({{ value }})
        when 'VARCHAR' then 'string'
        when 'BOOLEAN' then 'boolean'
        when 'OBJECT' then 'object'
        when 'ARRAY' then 'array'
        when 'NULL' then 'null'
        else 'number'
    end
{%- endmacro %}

{# Where a value lies, without the value: a number in quarters of decades, so that a power of ten is
   four steps; a text in one of 16 places. #}
{% macro place_of(type, number, value) -%}
    case
        when {{ type }} in ('string', 'boolean') then cast(hash({{ value }}) % 16 as integer)
        when {{ number }} = 0 then 0
        when {{ type }} = 'number'
            then cast(
                sign({{ number }})
                * (1000 + greatest(-400, least(400, floor(4 * log10(abs({{ number }}))))))
            as integer)
    end
{%- endmacro %}

{# Who sent a row, as far as the row itself says; one that names nobody stands for itself. #}
{% macro person_of(of='') -%}
    hash(coalesce({{ of }}user_id, {{ of }}anonymous_id, {{ of }}event_id))
{%- endmacro %}

{# One of 32 groups that a person is always in, so that rows of days and versions add up and still
   tell how many persons they are of, at least. #}
{% macro person_group(person) %}cast({{ person }} % 32 as integer){% endmacro %}

{# Copies by group of persons, of rows that stand for so many equal events. #}
{% macro copies_by_group(person_group, events) -%}
    list_histogram(
        flatten(
            list(list_resize([{{ person_group }}], {{ events }} - 1, {{ person_group }}))
                filter (where {{ events }} > 1)
        )
    )
{%- endmacro %}

{# Persons by place, each once in a place however many rows they sent. #}
{% macro persons_by_place(person, place) -%}
    list_histogram(
        list_transform(
            list(distinct struct_pack(place := {{ place }}, person := {{ person }}))
                filter (where {{ place }} is not null),
            lambda pair: pair.place
        )
    )
{%- endmacro %}

{# The median of what is not zero, as a rounded logarithm. Of few numbers it would be somebody's
   value, and is not told. #}
{% macro log10_median_of(number) -%}
    case
        when count({{ number }}) filter (where {{ number }} != 0) >= 5
            then round(log10(median(abs({{ number }})) filter (where {{ number }} != 0)), 3)
    end
{%- endmacro %}

{# Members of each row's properties, with type and place, and the number where it is one. #}
{% macro typed_members(table, columns) %}
    select
        {{ columns }},
        name,
        {{ json_type_of('value') }} as type,
        {# one beyond a double has no size; no logarithm is taken of it #}
        case
            when type = 'number' and isfinite(try_cast(value as double))
                then try_cast(value as double)
        end as number,
        {{ place_of('type', 'number', 'value') }} as place
    from (
        select
            {{ columns }},
            unnest(json_keys(properties)[:{{ most_members() }}]) as name,
            unnest(json_extract(properties, '$.*')[:{{ most_members() }}]) as value
        from {{ table }}
    ) as members
    where
        length(name) <= {{ longest_name() }}
        {# a number that counts events wanders by what is counted #}
        {{ "and name != '" ~ var('telemetry_sequence') ~ "'" if var('telemetry_sequence') }}
{% endmacro %}

{# Whether two tables agree in some columns. #}
{% macro is_same(columns, one, other) -%}
    {%- for column in columns.split(', ') -%}
    {{ 'and ' if not loop.first }}{{ one }}.{{ column }} = {{ other }}.{{ column }} {% endfor -%}
{%- endmacro %}
