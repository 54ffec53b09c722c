"""The marts that the release's metrics read hold rows of exposed units in its window."""

from __future__ import annotations

from typing import Any

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, listed
from ..outcomes import OutcomeRows, outcome_rows

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
_OF_EXPOSED = "and {unit} in (select unit_id from main.fct_exposures where release = $release)"


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    read: dict[str, tuple[OutcomeRows, list[str]]] = {}
    for name in subject.release.metrics:
        for rows in outcome_rows(subject.catalog, subject.catalog.metric(name)):
            if rows.model != "fct_exposures":
                read.setdefault(rows.model, (rows, []))[1].append(name)
    if not read:
        return NotApplicable("no metric of the release reads a mart of outcomes")
    counts = {model: _count(subject, rows) for model, (rows, _) in read.items()}
    empty = {name for model, (_, names) in read.items() if not counts[model] for name in names}
    return Fact(
        {"metrics_without_rows": len(empty)},
        f"no row of an exposed unit for {listed(sorted(empty))}"
        if empty
        else ", ".join(f"{model}: {_at_least(rows)}" for model, rows in sorted(counts.items())),
        "rows of exposed units, between shipping and cutoff, in every mart a metric reads",
        details={"rows": counts, "metrics": sorted(empty)},
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


CHECK = Check("data", ("metrics_without_rows",), _find)
