"""One question a kind, with the query that a person who knows DuckDB would write for it."""

from __future__ import annotations

from dataclasses import dataclass

_DAY = "occurred_at::date"
_WEEK = "date_trunc('week', occurred_at)::date"
#: Rows of each day, and every day between the first and the last.
_DAILY = f"""
daily as (select {_DAY} as day, sum(amount) as v from fct_events group by 1),
days as (
    select date_day as day from time_spine
    where date_day between (select min(day) from daily) and (select max(day) from daily)
),
dense as (select days.day, daily.v from days left join daily using (day))
"""
_PAIRS = """
base as (
    select event_id, unit_id, occurred_at from fct_events where event_name = 'signup'
),
others as (
    select unit_id, occurred_at from fct_events where event_name = 'order'
)
"""


@dataclass(frozen=True, slots=True)
class Question:
    """Metrics by dimensions and time, and the same in SQL by hand: dimensions first, one column
    a metric.
    """

    metrics: tuple[str, ...]
    by_hand: str
    group_by: tuple[str, ...] = ()
    grain: str | None = "day"


QUESTIONS = {
    "simple, by plan": Question(
        ("revenue",),
        f"""
        select {_DAY}, plan, sum(amount) from fct_events
        left join dim_units using (unit_id) group by 1, 2
        """,
        ("unit__plan",),
    ),
    "count distinct": Question(
        ("active_users",), f"select {_DAY}, count(distinct unit_id) from fct_events group by 1"
    ),
    "percentile": Question(
        ("slow_seconds",), f"select {_DAY}, quantile_cont(seconds, 0.9) from fct_events group by 1"
    ),
    "ratio": Question(
        ("orders_per_signup",),
        f"""
        select {_DAY}, platform, count(*) filter (where event_name = 'order')
            / nullif(count(*) filter (where event_name = 'signup'), 0)
        from fct_events where event_name in ('order', 'signup') group by 1, 2
        """,
        ("event__platform",),
    ),
    "derived": Question(
        ("revenue_per_order",),
        f"""
        select {_DAY}, platform,
            sum(amount) / nullif(count(*) filter (where event_name = 'order'), 0)
        from fct_events group by 1, 2
        """,
        ("event__platform",),
    ),
    "offset, 7 days": Question(
        ("revenue_growth",),
        """
        with daily as (select occurred_at::date as day, sum(amount) as v from fct_events group by 1)
        select coalesce(a.day, b.day + 7), a.v - b.v
        from daily as a full join daily as b on a.day = b.day + 7
        """,
    ),
    "cumulative, 7 days": Question(
        ("revenue_7d",),
        f"with {_DAILY} select day, sum(v) over "
        "(order by day rows between 6 preceding and current row) from dense",
    ),
    "cumulative, month to date": Question(
        ("revenue_mtd",),
        f"with {_DAILY} select day, sum(v) over "
        "(partition by date_trunc('month', day) order by day) from dense",
    ),
    "cumulative, all time": Question(
        ("revenue_ever",), f"with {_DAILY} select day, sum(v) over (order by day) from dense"
    ),
    "rolling distinct, 7 days": Question(
        ("weekly_actives",),
        f"""
        with seen as (select distinct unit_id, {_DAY} as day from fct_events),
        gaps as (
            select day, lead(day) over (partition by unit_id order by day) as later,
                lag(day) over (partition by unit_id order by day) as earlier
            from seen
        ),
        moves as (
            select day, count(*) as step from gaps
            where earlier is null or earlier + 7 <= day group by 1
            union all
            select day + 7, -count(*) from gaps
            where later is null or later >= day + 7 group by 1
        ),
        steps as (select day, sum(step) as step from moves group by 1),
        days as (
            select date_day as day from time_spine
            where date_day between (select min(day) from seen) and (select max(day) from seen)
        )
        select day, sum(coalesce(step, 0)) over (order by day) from days left join steps using (day)
        """,
    ),
    "level, last of a month": Question(
        ("seats",),
        """
        with last as (
            select date_trunc('month', measured_at)::date as month, max(measured_at) as latest
            from fct_balances group by 1
        )
        select month, sum(seats) from fct_balances
        inner join last on measured_at = latest group by 1
        """,
        grain="month",
    ),
    "conversion, last touch": Question(
        ("converted_last",),
        f"""
        with {_PAIRS},
        found as (
            select date_trunc('week', b.occurred_at)::date as week, count(*) as n
            from others as o asof join base as b
                on o.unit_id = b.unit_id and o.occurred_at >= b.occurred_at
            where o.occurred_at < b.occurred_at + interval 7 day
            group by 1
        ),
        bases as (select {_WEEK} as week, count(*) as n from base group by 1)
        select week, coalesce(found.n, 0) / bases.n from bases left join found using (week)
        """,
        grain="week",
    ),
    "conversion of a common step": Question(
        ("converted_views",),
        f"""
        with {_PAIRS.replace("'signup'", "'view'")},
        found as (
            select date_trunc('week', b.occurred_at)::date as week, count(*) as n
            from others as o asof join base as b
                on o.unit_id = b.unit_id and o.occurred_at >= b.occurred_at
            where o.occurred_at < b.occurred_at + interval 7 day
            group by 1
        ),
        bases as (select {_WEEK} as week, count(*) as n from base group by 1)
        select week, coalesce(found.n, 0) / bases.n from bases left join found using (week)
        """,
        grain="week",
    ),
    "conversion, first touch": Question(
        ("converted_first",),
        f"""
        with {_PAIRS},
        found as (
            select date_trunc('week', b.occurred_at)::date as week, count(*) as n
            from others as o asof join base as b
                on o.unit_id = b.unit_id and o.occurred_at - interval 7 day < b.occurred_at
            where b.occurred_at <= o.occurred_at
            group by 1
        ),
        bases as (select {_WEEK} as week, count(*) as n from base group by 1)
        select week, coalesce(found.n, 0) / bases.n from bases left join found using (week)
        """,
        grain="week",
    ),
    "conversion, any touch": Question(
        ("converted_any",),
        f"""
        with {_PAIRS},
        found as (
            select date_trunc('week', b.occurred_at)::date as week, count(*) as n
            from base as b asof join others as o
                on b.unit_id = o.unit_id and b.occurred_at <= o.occurred_at
            where o.occurred_at < b.occurred_at + interval 7 day
            group by 1
        ),
        bases as (select {_WEEK} as week, count(*) as n from base group by 1)
        select week, coalesce(found.n, 0) / bases.n from bases left join found using (week)
        """,
        grain="week",
    ),
    "funnel, loose": Question(
        ("funnel_loose",),
        """
        with steps as (
            select unit_id, event_name, occurred_at from fct_events
            where event_name in ('view', 'signup', 'order')
        ),
        orders as (
            select unit_id, event_name, occurred_at,
                min(occurred_at) filter (where event_name = 'order') over
                    (partition by unit_id order by occurred_at, event_name
                     rows between current row and unbounded following) as ordered
            from steps
        ),
        signups as (
            select unit_id, event_name, occurred_at,
                min(ordered) filter (where event_name = 'signup') over
                    (partition by unit_id order by occurred_at
                     rows between current row and unbounded following) as reached
            from orders
        )
        select date_trunc('week', occurred_at)::date,
            count(distinct unit_id) filter (where reached < occurred_at + interval 7 day)
                / count(distinct unit_id)
        from signups where event_name = 'view' group by 1
        """,
        grain="week",
    ),
    "funnel, strict": Question(
        ("funnel_strict",),
        """
        with steps as (
            select unit_id, event_name, occurred_at,
                lead(event_name) over next as second, lead(event_name, 2) over next as third,
                lead(occurred_at, 2) over next as reached
            from fct_events where event_name in ('view', 'signup', 'order')
            window next as (partition by unit_id order by occurred_at)
        )
        select date_trunc('week', occurred_at)::date,
            count(distinct unit_id) filter (
                where second = 'signup' and third = 'order'
                    and reached < occurred_at + interval 7 day
            ) / count(distinct unit_id)
        from steps where event_name = 'view' group by 1
        """,
        grain="week",
    ),
    "retention, week 1": Question(
        ("week_1_retention",),
        """
        with there as (
            select unit_id, date_trunc('week', occurred_at)::date as week
            from fct_events group by 1, 2
        ),
        entered as (select unit_id, min(week) as week from there group by 1)
        select e.week, count(t.unit_id) / count(*)
        from entered as e left join there as t on e.unit_id = t.unit_id and t.week = e.week + 7
        where e.week + 7 < (select max(week) from there)
        group by 1
        """,
        grain="week",
    ),
}
