"""Fills the store of BI tools from a snapshot: one transaction replaces everything.

Rows go into a schema of the snapshot's own; the views of `metrics`, which tools read, are turned
over to it last. A reader sees the old state or the new one. Values come from the daily queries
that the snapshot carries, compiled from the one definition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..errors import WarehouseError
from ..project import Home
from ..settings import Settings
from ..warehouse import Engine
from ..warehouse.postgres import Store
from .bi_server import READER, EmbeddedPostgres
from .readers import Snapshot, current, open_snapshot
from .tables import TABLES, Column, Table

SCHEMA = "metrics"
_PRIVATE = "landed_store_"
_MARK = "Made by landed from snapshot "
OUTCOMES = Table(
    "release_outcomes",
    "One row per release, variant and metric: mean and units, as in the report. "
    "Passing gates only.",
    (
        Column("release", "text", "Name of the release."),
        Column("variant", "text", "The variant, control or a treatment."),
        Column("metric", "text", "Name of the metric."),
        Column("n", "bigint", "Units that entered the metric. Count."),
        Column("mean", "float8", "Mean per unit, in the metric's unit."),
    ),
)


@dataclass(frozen=True, slots=True)
class Filled:
    """What one refresh did.

    Args:
        snapshot: The snapshot the store now shows.
        views: Views of `metrics`. Count.
        refused: Metrics without a daily view, with the reason.
    """

    snapshot: str
    views: int
    refused: Mapping[str, str]


def refresh(home: Home, settings: Settings) -> str:
    """Bring the store that runs up to the current snapshot; says in words what was done.

    Raises:
        WarehouseError: The store cannot be reached or filled.
    """
    snapshot = current(home)
    if snapshot is None:
        return "nothing was published yet"
    url = settings.bi_url
    if url is None:
        server = EmbeddedPostgres(home.bi)
        if not server.is_running():
            return "no BI store runs; `landed serve bi` starts one"
        url = server.owner().url
    with Store.open(url) as store:
        if filled_from(store) == snapshot.id:
            return f"the BI store shows snapshot {snapshot.id} already"
        with open_snapshot(home, snapshot.id, settings=settings) as engine:
            done = fill(store, engine, snapshot)
    left = f", {len(done.refused)} metrics have no daily form" if done.refused else ""
    return f"the BI store shows snapshot {done.snapshot}: {done.views} views{left}"


def filled_from(store: Store) -> str | None:
    """Id of the snapshot that the store shows; None where it shows none of ours."""
    found = store.rows(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s",
        params=[SCHEMA],
    )
    comment = found[0][0] if found else None
    return comment.removeprefix(_MARK).rstrip(".") if comment and _MARK in comment else None


def fill(store: Store, engine: Engine, snapshot: Snapshot) -> Filled:
    """Replace what the store shows by a snapshot, all of it or nothing.

    Args:
        store: A connection of a role that may create schemas.
        engine: The snapshot's database.
        snapshot: Its definitions, with the compiled daily queries.

    Raises:
        WarehouseError: A schema `metrics` exists that is not ours, or a query fails.
    """
    _require_ours(store)
    private = f"{_PRIVATE}{snapshot.id}"
    reserved = {table.name for table in (*TABLES, OUTCOMES)}
    refused: dict[str, str] = {}
    shown: list[str] = []
    with store.transaction():
        store.execute("set local lock_timeout = '60s'")
        store.execute("drop schema if exists {} cascade", private)
        store.execute("create schema {}", private)
        store.execute("create schema if not exists {}", SCHEMA)
        store.comment("schema", (SCHEMA,), f"{_MARK}{snapshot.id}.")
        for table in TABLES:
            names = ", ".join(f'"{name}"' for name in table.names())
            rows = engine.rows(f'select {names} from main."{table.name}"')
            _load(store, private, table, rows)
        _outcomes(store, private)
        for metric in snapshot.catalog["metrics"]:
            name = str(metric["metric"])
            if name in reserved:
                refused[name] = "a view of that name says something else"
            elif "refused" in metric["daily"]:
                refused[name] = str(metric["daily"]["refused"])
            else:
                table, rows = _daily(engine, metric)
                _load(store, private, table, rows)
                shown.append(name)
        tables = [*TABLES, OUTCOMES, *(_daily_table(snapshot.catalog, name) for name in shown)]
        _show(store, private, tables)
    _sweep(store, private)
    return Filled(snapshot.id, len(tables), refused)


def _daily(engine: Engine, metric: Mapping[str, Any]) -> tuple[Table, list[tuple[Any, ...]]]:
    """Table and rows of one metric by day, from its compiled query."""
    table = _table_of(metric)
    columns = list(metric["daily"]["columns"])
    time = columns.index("metric_time")
    value = columns.index(metric["metric"])
    parts = [index for index in range(len(columns)) if index not in (time, value)]
    is_ratio = len(table.columns) == 4
    # a metric divided by itself is asked once
    picked = [time, parts[0], parts[-1], value] if is_ratio else [time, value]
    rows = [
        (_day(row[time]), *(_number(row[index]) for index in picked[1:]))
        for row in engine.rows(str(metric["daily"]["sql"]))
    ]
    return table, [row for row in rows if row[0] is not None]


def _daily_table(catalog: Mapping[str, Any], name: str) -> Table:
    return _table_of(next(entry for entry in catalog["metrics"] if entry["metric"] == name))


def _table_of(metric: Mapping[str, Any]) -> Table:
    unit = f"In {metric['value']}."
    value = Column("value", "float8", f"{metric['label']}. {unit}")
    columns: tuple[Column, ...] = (Column("metric_time", "date", "The day, UTC."),)
    parts = [
        name for name in metric["daily"]["columns"] if name not in ("metric_time", metric["metric"])
    ]
    if parts:
        columns += (
            Column("numerator", "float8", f"Of the ratio: {parts[0]}."),
            Column("denominator", "float8", f"Of the ratio: {parts[-1]}."),
        )
    comment = (
        f"{metric['label']}, one row per day. {metric['description']} {unit} "
        f"Owner: {metric['owner']}. Tier: {metric['tier']}. "
        "Days of a count of distinct units or of a ratio do not add up."
    )
    return Table(str(metric["metric"]), " ".join(comment.split()), (*columns, value))


def _load(store: Store, schema: str, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
    store.execute(f"create table {{}} ({columns})", (schema, table.name))
    store.copy((schema, table.name), rows)


def _outcomes(store: Store, schema: str) -> None:
    """Means by variant, from the estimates: control once, each treatment once."""
    store.execute(
        """
        create table {} as
        select distinct
            estimates.release, releases.control as variant, estimates.metric,
            estimates.n_control as n, estimates.mean_control as mean
        from {} as estimates
        inner join {} as releases on estimates.release = releases.release
        where releases.control is not null and estimates.mean_control is not null
        union all
        select release, treatment, metric, n_treatment, mean_treatment
        from {} as estimates
        where mean_treatment is not null
        """,
        (schema, OUTCOMES.name),
        (schema, "estimates"),
        (schema, "releases"),
        (schema, "estimates"),
    )


def _show(store: Store, schema: str, tables: Sequence[Table]) -> None:
    """Turn the views over to the new rows; a view keeps its grants where its columns stay."""
    names = {table.name for table in tables}
    there = {
        str(view): list(columns)
        for view, columns in store.rows(
            "select table_name::text, array_agg(column_name::text || ' ' || data_type "
            "order by ordinal_position) from information_schema.columns "
            "where table_schema = %s group by table_name",
            params=[SCHEMA],
        )
    }
    for gone in sorted(set(there) - names):
        store.execute("drop view {}", (SCHEMA, gone))
    words = {"text": "text", "float8": "double precision", "bigint": "bigint", "date": "date",
             "boolean": "boolean", "timestamp": "timestamp without time zone"}  # fmt: skip
    for table in sorted(tables, key=lambda item: item.name):
        view = (SCHEMA, table.name)
        wanted = [f"{column.name} {words[column.type]}" for column in table.columns]
        if table.name in there and there[table.name] != wanted:
            store.execute("drop view {}", view)
        columns = ", ".join(f'"{name}"' for name in table.names())
        store.execute(
            f"create or replace view {{}} as select {columns} from {{}}", view, (schema, table.name)
        )
        store.comment("view", view, table.comment)
        for column in table.columns:
            store.comment("column", (*view, column.name), column.comment)
    if store.rows("select 1 from pg_roles where rolname = %s", params=[READER]):
        store.execute("grant usage on schema {} to {}", SCHEMA, READER)
        store.execute("grant select on all tables in schema {} to {}", SCHEMA, READER)


def _sweep(store: Store, private: str) -> None:
    """Drop the rows of earlier snapshots; what a reader still holds goes the next time."""
    for (schema,) in store.rows(
        "select nspname from pg_namespace where nspname like %s and nspname <> %s",
        params=[_PRIVATE.replace("_", r"\_") + "%", private],
    ):
        try:
            with store.transaction():
                store.execute("set local lock_timeout = '2s'")
                store.execute("drop schema {} cascade", schema)
        except WarehouseError as error:
            if "55P03" not in error.faults[0].where:  # lock_not_available
                raise


def _require_ours(store: Store) -> None:
    there = store.rows("select 1 from pg_namespace where nspname = %s", params=[SCHEMA])
    if there and filled_from(store) is None:
        raise WarehouseError(
            f"the database has a schema `{SCHEMA}` that landed did not make",
            expected="none, or one of landed's",
            where="the BI store",
            fix="give landed a database of its own in LANDED_BI_URL.",
            code="bi_schema_taken",
        )


def _day(value: Any) -> date | None:
    if value is None:
        return None
    return value if type(value) is date else date.fromisoformat(str(value)[:10])


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
