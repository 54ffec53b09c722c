"""The marts that the release's metrics read hold rows of exposed units, up to the cutoff."""

from __future__ import annotations

from datetime import date
from typing import Any

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, listed
from ..outcomes import OutcomeRows, outcome_rows
from ..passes.event_counts import SourceCounts, event_counts
from ..stopped import Stop, Window, stop_of

#: Rows after which counting ends: one would do, and a mart need not be read to its end.
ENOUGH_ROWS = 1_000
_ROWS = """
with

rows_found as (

    select 1

    from main."{model}" as facts

    where
        cast({happened_at} as timestamp) >= {start}
        and cast({happened_at} as timestamp) < $cutoff_at
        {of_exposed}

    limit {enough}

)

select count(*) as row_count

from rows_found
"""
_BY_DAY = """
select
    cast({happened_at} as date) as event_on,
    count(*) as row_count

from main."{model}" as facts

where
    cast({happened_at} as timestamp) >= $from_on::timestamp
    and cast({happened_at} as timestamp) < $until_on::timestamp

group by all
"""
#: Of its events `metric_events` and `volume` know more than that rows stopped.
_OF_EVENTS = "fct_events"
_OF_EXPOSED = "and {unit} in (select unit_id from main.fct_exposures where release = $release)"


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    read: dict[str, tuple[OutcomeRows, list[str]]] = {}
    for name in subject.release.metrics:
        for rows in outcome_rows(subject.catalog, subject.catalog.metric(name)):
            if rows.model != "fct_exposures":
                read.setdefault(rows.model, (rows, []))[1].append(name)
    if not read:
        return NotApplicable("no metric of the release reads a mart of outcomes")
    counts = {model: _count(subject, rows) for model, (rows, _) in read.items()}
    empty = {name for model, (_, names) in read.items() if not counts[model] for name in names}
    stops = [
        stop
        for model, (rows, _) in sorted(read.items())
        if counts[model] and model != _OF_EVENTS and (stop := _stop(subject, rows, parameters))
    ]
    observed = ", ".join(f"{model}: {_at_least(rows)}" for model, rows in sorted(counts.items()))
    if empty or stops:
        parts = [f"no row of an exposed unit for {listed(sorted(empty))}"] * bool(empty)
        parts += [
            f"no row in {stop.event} since {stop.since} ({count(stop.days, 'whole day')}, about"
            f" {stop.expected:,.0f} expected)"
            for stop in stops
        ]
        observed = "; ".join(parts)
    return Fact(
        {"metrics_without_rows": len(empty), "stopped_marts": len(stops)},
        observed,
        "rows of exposed units, between shipping and cutoff, in every mart a metric reads",
        details={
            "rows": counts,
            "metrics": sorted(empty),
            "stopped": {stop.event: stop.since for stop in stops},
        },
    )


def _stop(subject: Subject, rows: OutcomeRows, parameters: Parameters) -> Stop | None:
    """The days on which a mart has no row of anybody, though it used to and events went on.

    A mart that began with the release fades as units meet it: of that nothing is known.
    """
    events = subject.once(event_counts)
    found = dict(
        subject.engine.rows(
            _BY_DAY.format(model=rows.model, happened_at=rows.happened_at),
            {"from_on": events.from_on, "until_on": events.until_on},
        )
    )
    seen: dict[date, int] = {day: number for day, number in found.items() if day is not None}
    shipped_on = subject.dates.shipped_at.date()
    if min(seen, default=shipped_on) >= shipped_on:
        return None
    total = dict(seen)
    for one in events.sources.values():
        for day, number in one.total_by_day.items():
            total[day] = total.get(day, 0) + number
    return stop_of(
        SourceCounts({rows.model: seen}, total, {}, {}),
        rows.model,
        rows.model,
        Window(
            after_on=shipped_on,
            until_on=events.until_on,
            alpha=parameters["alpha"],
            min_days=int(parameters["min_days"]),
            min_days_before=int(parameters["min_days_before"]),
            version_share=1.0,  # marts know no versions
            rename_ratio=1.0,
        ),
    )


def _at_least(rows: int) -> str:
    return f"{count(rows, 'row')} or more" if rows == ENOUGH_ROWS else count(rows, "row")


def _count(subject: Subject, rows: OutcomeRows) -> int:
    start = "date_trunc('day', $shipped_at)" if rows.by_day else "$shipped_at"
    bound: dict[str, Any] = {
        "shipped_at": subject.dates.shipped_at,
        "cutoff_at": subject.dates.cutoff_at,
    }
    of_exposed = ""
    if subject.release.cohorts is None:  # else groups get it, and every row is of one
        of_exposed = _OF_EXPOSED.format(unit=rows.unit)
        bound["release"] = subject.release.release
    found = subject.engine.one(
        _ROWS.format(
            model=rows.model,
            happened_at=rows.happened_at,
            start=start,
            of_exposed=of_exposed,
            enough=ENOUGH_ROWS,
        ),
        bound,
    )
    return int(found[0]) if found else 0


CHECK = Check("data", ("metrics_without_rows", "stopped_marts"), _find)
