"""A second, plain count of each metric that decides agrees with the numbers of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...catalog import Metric
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, listed
from ..outcomes import OutcomeRows, outcome_rows

# What a unit's rows come to, by the form of the metric; None where a unit has no row.
_UNIT_VALUES = {
    ("mean", "sum"): "sum(value)",
    ("mean", "count"): "count(value)",
    ("mean", "count_distinct"): "count(distinct value)",
    ("mean", "sum_boolean"): "count(*) filter (where value)",
    ("proportion", "count_distinct"): "case when bool_or(is_outcome) then 1 end",
    ("unit_mean", "average"): "avg(value)",
    ("unit_mean", "sum"): "avg(value)",
    ("ratio", "sum"): "sum(value)",
    ("ratio", "count"): "count(value)",
    ("ratio", "count_distinct"): "count(distinct value)",
    ("ratio", "sum_boolean"): "count(*) filter (where value)",
}
#: What adds up over rows need not be added up by unit first.
_OF_ROWS = {
    "sum": "sum({value})",
    "count": "count({value})",
    "sum_boolean": "count(*) filter (where {value})",
}
_FORMS = frozenset(form for form, _ in _UNIT_VALUES)

_POPULATION = """
with

population as (

    select
        unit_id,
        variant,
        exposed_at,
        {window_ends_at} as window_ends_at

    from main.fct_exposures

    where
        release = $release
        and exposed_at < $cutoff_at
        and not coalesce(is_bot, false)
        and not coalesce(is_crossover, false)
        {of_one_cluster}

),

mature as (

    select * from population where window_ends_at <= $cutoff_at

),

outcomes as (

    {rows}

),
"""

_BY_UNIT = """
unit_values as (

    select
        mature.unit_id,
        {unit_value} as unit_value

    from mature

    inner join outcomes
        on mature.unit_id = outcomes.unit_id
        and outcomes.happened_at >= mature.exposed_at
        and outcomes.happened_at < mature.window_ends_at

    group by mature.unit_id

)

select
    mature.variant,
    count(*) as units,
    count(unit_values.unit_value) as units_with_value,
    coalesce(sum(unit_values.unit_value), 0)::double as total

from mature

left join unit_values
    on mature.unit_id = unit_values.unit_id

group by mature.variant
"""

_BY_ROW = """
totals as (

    select
        mature.variant,
        {totals}

    from mature

    inner join outcomes
        on mature.unit_id = outcomes.unit_id
        and outcomes.happened_at >= mature.exposed_at
        and outcomes.happened_at < mature.window_ends_at

    group by mature.variant

),

units as (

    select
        variant,
        count(*) as units

    from mature

    group by variant

)

select
    units.variant,
    units.units,
    [{every_total}] as totals

from units

left join totals
    on units.variant = totals.variant
"""

# what was assigned as a whole and met one variant
_OF_ONE_CLUSTER = """
        and not coalesce(is_in_two_clusters, false)
        and cluster_id in (
            select cluster_id
            from main.fct_exposures
            where
                release = $release
                and exposed_at < $cutoff_at
                and not coalesce(is_bot, false)
                and not coalesce(is_crossover, false)
                and not coalesce(is_in_two_clusters, false)
            group by cluster_id
            having count(distinct variant) = 1
        )
"""

Recounted = tuple[int, int, float]  # units, units with a value, total


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    forms = {row["metric"]: row["form"] for row in subject.moments}
    differences: dict[str, float] = {}
    recounted: dict[str, dict[str, Any]] = {}
    left_out = []
    for role in subject.release.with_role("success", "guardrail", "survival"):
        metric = subject.catalog.metric(role.metric)
        means = _means(subject, metric, forms.get(metric.name, ""))
        if means is None:
            left_out.append(metric.name)
            continue
        recounted[metric.name] = {v: {"n": n, "mean": mean} for v, (n, mean) in means.items()}
        for place, (reported, again) in _pairs(subject, metric.name, means):
            scale = max(abs(reported), abs(again), 1e-12)
            differences[place] = abs(reported - again) / scale
    if not differences:
        return NotApplicable("no metric that decides has a form that can be recounted")
    worst = max(differences, key=lambda place: differences[place])
    return Fact(
        {"recount_difference": differences[worst]},
        f"{worst} differs by {differences[worst]:.3g} of its value"
        if differences[worst]
        else f"{len(differences)} numbers of {listed(sorted(recounted))} counted again, all equal",
        "the report's units and means counted again, equal to {limit} of their value",
        details={"recounted": recounted, "not_recounted": left_out},
    )


def _means(subject: Subject, metric: Metric, form: str) -> dict[str, tuple[int, float]] | None:
    """Units and mean by variant, or None where this form is not recounted."""
    if metric.cap_value is not None or form not in _FORMS:
        return None
    rows = outcome_rows(subject.catalog, metric)
    if form == "ratio" and rows[0].agg == "average":  # a mean over rows is sum over count
        rows = (replace(rows[0], agg="sum"), replace(rows[0], agg="count"))
    parts = rows if form == "ratio" else rows[:1]
    if any(part.by_day or (form, part.agg) not in _UNIT_VALUES for part in parts):
        return None
    if form == "proportion" and parts[0].value != parts[0].unit:
        return None
    if form in ("mean", "ratio") and all(part.agg in _OF_ROWS for part in parts):
        found = _recount_rows(subject, metric, parts)
    else:
        found = [_recount(subject, metric, part, _UNIT_VALUES[form, part.agg]) for part in parts]
    if form == "ratio":
        numerator, denominator = found
        return {
            variant: (units, total / denominator[variant][2])
            for variant, (units, _, total) in numerator.items()
            if denominator[variant][2]
        }
    entered = {
        variant: (with_value if form == "unit_mean" else units, total)
        for variant, (units, with_value, total) in found[0].items()
    }
    return {variant: (n, total / n) for variant, (n, total) in entered.items() if n}


def _recount(
    subject: Subject, metric: Metric, rows: OutcomeRows, unit_value: str
) -> dict[str, Recounted]:
    """Rows added up by unit, then by variant."""
    texts, parameters = _population(subject, metric)
    sql = (_POPULATION + _BY_UNIT).format(**texts, rows=rows.select(), unit_value=unit_value)
    return {
        variant: (units, with_value, total)
        for variant, units, with_value, total in subject.engine.rows(sql, parameters)
    }


def _recount_rows(
    subject: Subject, metric: Metric, parts: Sequence[OutcomeRows]
) -> list[dict[str, Recounted]]:
    """Rows added up by variant, once for parts of the same rows; every unit counts as one."""
    if len(parts) > 1 and not parts[0].is_of_rows_of(parts[1]):
        return [_recount_rows(subject, metric, [part])[0] for part in parts]
    texts, parameters = _population(subject, metric)
    names = ["value", *(f"value_{at}" for at in range(1, len(parts)))]
    sums = [
        _OF_ROWS[part.agg].format(value=f"outcomes.{name}")
        for part, name in zip(parts, names, strict=True)
    ]
    sql = (_POPULATION + _BY_ROW).format(
        **texts,
        rows=parts[0].select(*(part.value for part in parts[1:])),
        totals=", ".join(f"{sum_} as total_{at}" for at, sum_ in enumerate(sums)),
        every_total=", ".join(f"coalesce(totals.total_{at}, 0)::double" for at in range(len(sums))),
    )
    found = subject.engine.rows(sql, parameters)
    return [
        {variant: (units, units, totals[at]) for variant, units, totals in found}
        for at in range(len(parts))
    ]


def _population(subject: Subject, metric: Metric) -> tuple[dict[str, str], dict[str, Any]]:
    """SQL and parameters of who is counted, and how long."""
    window_ends_at = "$cutoff_at"
    parameters: dict[str, Any] = {
        "release": subject.release.release,
        "cutoff_at": subject.dates.cutoff_at,
    }
    if metric.window_days is not None:
        window_ends_at = "exposed_at + to_microseconds($window_microseconds::bigint)"
        parameters["window_microseconds"] = round(metric.window_days * 86_400_000_000)
    of_one_cluster = "" if subject.release.cluster is None else _OF_ONE_CLUSTER
    return {"window_ends_at": window_ends_at, "of_one_cluster": of_one_cluster}, parameters


def _pairs(
    subject: Subject, metric: str, means: Mapping[str, tuple[int, float]]
) -> Iterator[tuple[str, tuple[float, float]]]:
    """(where, (reported, counted again)) of every number of a metric that is shown."""
    nothing = (0, 0.0)
    for row in subject.moments:
        if row["metric"] == metric and row["n"]:
            n, mean = means.get(row["variant"], nothing)
            yield f"units of {metric} in {row['variant']}", (float(row["n"]), float(n))
            divisor = row["sum_d"] if row["form"] == "ratio" else row["n"]
            if divisor:
                yield f"mean of {metric} in {row['variant']}", (row["sum_y"] / divisor, mean)
    for estimate in subject.estimates:
        if estimate.metric != metric or estimate.status != "estimated":
            continue
        if estimate.n_treatment is None:  # of the product's days, not of exposed units
            continue
        for variant, n_shown, mean_shown in (
            (subject.release.control, estimate.n_control, estimate.mean_control),
            (estimate.treatment, estimate.n_treatment, estimate.mean_treatment),
        ):
            n, mean = means.get(variant or "", nothing)
            if n_shown is not None:
                yield f"reported units of {metric} in {variant}", (float(n_shown), float(n))
            if mean_shown is not None:
                yield f"reported mean of {metric} in {variant}", (mean_shown, mean)


CHECK = Check("results", ("recount_difference",), _find)
