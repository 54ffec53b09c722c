"""Asking for metrics in SQL: read, compiled, run in a process of its own, handed back.

Nothing here imports an engine, the gate or the ingest: a question costs what it costs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..catalog import Catalog, load_catalog
from ..catalog.deprecation import require_current
from ..compiler import Compiled, Dialect, compile_script, parse_sql
from ..errors import GateRefused, PlanError
from ..project import Home, Project, home_of, load_project
from ..publish.readers import (
    current,
    read_snapshot,
    require_definitions,
    require_published,
    stale_since,
)
from ..settings import Settings
from .worker import Worker

_LEAST_SECONDS = 0.1
_LEAST_MEMORY_MB = 128  # the engine takes some before it reads a row

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query over metrics came to.

    Args:
        columns: Names, in order.
        rows: Values as Python's own: numbers, text, `date`, `datetime` (UTC), `Decimal`, None.
        sql: The statement that ran.
        warnings: What its asker should know, such as that a metric is deprecated.
        types: Of the columns, as the engine calls them.
        snapshot: Id of the snapshot that was asked.
        relative_errors: Of columns that are made of sketches. Shares.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    sql: str
    warnings: tuple[str, ...] = ()
    types: tuple[str, ...] = field(default=(), repr=False)
    snapshot: str = ""
    relative_errors: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        """Rows. Count."""
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Rows as dicts by column."""
        return iter(self.to_dicts())

    def to_dicts(self) -> list[dict[str, Any]]:
        """All rows as dicts by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def to_arrow(self) -> pa.Table:
        """An Arrow table whose types are the engine's, also of empty columns."""
        from .arrow import table

        return table(self.columns, self.types, self.rows)

    def to_pandas(self) -> pd.DataFrame:
        """A pandas frame; decimals become floating point."""
        from .arrow import with_floats

        frame: pd.DataFrame = with_floats(self.to_arrow()).to_pandas()
        return frame


def query(
    sql: str,
    *,
    project: str | Path | None = None,
    home: str | Path | None = None,
    snapshot: str | None = None,
    time_limit: float | None = None,
    memory_limit_mb: int | None = None,
) -> Answer:
    """Ask for governed metrics in SQL, as `landed query` does.

    Args:
        sql: `SELECT plan, MEASURE(activation_rate) FROM metrics GROUP BY plan`.
        project: The project's folder; None for here.
        home: The folder of all state; None for LANDED_HOME, else `.landed` in the project.
        snapshot: Id of an earlier snapshot; None for the current one.
        time_limit: Longest time it may run. Seconds; None for LANDED_QUERY_TIMEOUT_SECONDS.
        memory_limit_mb: Memory of the engine. Megabytes; None for LANDED_MEMORY_LIMIT_MB.

    Raises:
        QueryRefused: The query is not one over metrics; says which word and what works.
        GateRefused: It asks for a release whose gate has not passed.
        WarehouseError: Nothing was published yet, or a limit was reached.
    """
    settings = limited(Settings.from_environment(), time_limit, memory_limit_mb)
    found = load_project(Path(project) if project is not None else Path())
    state = home_of(found, Path(home) if home is not None else None, settings)
    return metric_query(found, state, sql, settings, snapshot=snapshot)


def limited(settings: Settings, seconds: float | None, memory_mb: int | None) -> Settings:
    """The settings with the limits of one call.

    Raises:
        PlanError: A limit under which nothing runs.
    """
    if seconds is not None and not seconds >= _LEAST_SECONDS:  # NaN too
        raise _too_little("time_limit", seconds, f"{_LEAST_SECONDS} seconds")
    if memory_mb is not None and memory_mb < _LEAST_MEMORY_MB:
        raise _too_little("memory_limit_mb", memory_mb, f"{_LEAST_MEMORY_MB} megabytes")
    if seconds is not None:
        settings = replace(settings, query_timeout_seconds=seconds)
    if memory_mb is not None:
        settings = replace(settings, memory_limit_mb=memory_mb)
    return settings


def _too_little(name: str, value: float, least: str) -> PlanError:
    fix = "leave it out for the limit of the settings, or give more."
    return PlanError(f"{name} is {value}", expected=f"at least {least}", fix=fix, code="limit")


def metric_query(
    project: Project,
    home: Home,
    sql: str,
    settings: Settings,
    *,
    snapshot: str | None = None,
    today: date | None = None,
) -> Answer:
    """Answer `SELECT MEASURE(m) … FROM metrics …` from the current snapshot.

    Args:
        today: The day that `current_date` and deprecations mean; None for today in UTC.

    Raises:
        QueryRefused: The query is not one over metrics; says which word and what works.
        GateRefused: It asks for a release whose gate has not passed.
        WarehouseError: Nothing was published yet, or a limit was reached.
    """
    with Worker(settings) as worker:
        catalog = load_catalog(project)
        compiled, warnings = _compile(catalog, sql, today or datetime.now(UTC).date())
        published = current(home) if snapshot is None else read_snapshot(home, snapshot)
        found = require_published(home, published)
        require_definitions(found, catalog)
        worker.open(found.duckdb)
        for release in sorted(compiled.releases):
            _require_gate(worker, release)
        answered = worker.ask(compiled.sql)
    warnings += _withdrawn(home, found.id, sorted(compiled.releases))
    return Answer(
        columns=tuple(column.name for column in compiled.columns),
        rows=tuple(tuple(map(_finite, row)) for row in answered.rows),
        sql=compiled.sql,
        warnings=warnings,
        types=tuple(kind for _, kind in answered.columns),
        snapshot=found.id,
        relative_errors={one.name: one.error for one in compiled.columns if one.error is not None},
    )


def _finite(value: Any) -> Any:
    """A value, or None where it is no number: the logarithm of nothing, the root of a loss."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def compiled_sql(
    project: Project, sql: str, dialect: str = "duckdb", *, today: date | None = None
) -> tuple[str, Sequence[str]]:
    """The statement that a metric query runs, without running it, and its warnings."""
    catalog = load_catalog(project)
    day = today or datetime.now(UTC).date()
    compiled, warnings = _compile(catalog, sql, day, dialect)
    return compiled.sql, warnings


def _compile(
    catalog: Catalog, sql: str, today: date, dialect: str = "duckdb"
) -> tuple[Compiled, tuple[str, ...]]:
    script = parse_sql(sql, catalog, today=today)
    warnings = require_current(catalog.metrics, script.measured, today)
    return compile_script(catalog, script, cast(Dialect, dialect)), warnings


def _withdrawn(home: Home, asked: str, releases: Iterable[str]) -> tuple[str, ...]:
    """What became of releases whose earlier numbers were asked for, where the gate blocks now."""
    found = {release: stale_since(home, release, asked) for release in releases}
    return tuple(
        f"the numbers of `{release}` in snapshot {asked} are withdrawn: the gate blocked it on"
        f" data until {since}; `landed gate {release}` says why"
        for release, since in found.items()
        if since is not None
    )


def _require_gate(worker: Worker, release: str) -> None:
    """No door gives numbers of a release whose gate has not passed."""
    found = worker.ask("select gate, reason from main.releases where release = ?", [release]).rows
    if not found:
        raise GateRefused(
            f"the release `{release}` was not assessed in this snapshot",
            expected="a release with a report",
            fix=f"run `landed run --release {release}`.",
        )
    gate, reason = found[0]
    if gate != "pass":
        raise GateRefused(
            f"the release `{release}` is blocked: {reason}",
            expected="a passed gate",
            fix=f"see `landed report {release}` for the smallest repair.",
        )
