"""`python -m benchmarks.moments`: unit moments of a release against SQL written by hand.

One fact, 12 metrics with pre-period, cross products and third powers, three segments. The SQL by
hand says the same of the same rows, without names, definitions or levels folded, with raw sums.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from landed.catalog import Catalog, load_catalog
from landed.compiler import compile_unit_moments
from landed.project import Project

SEGMENTS = ("plan", "country", "platform")
CUTOFF = datetime(2026, 3, 29, tzinfo=UTC)
#: Name, measure, event name that rows have, window in days.
METRICS = (
    ("events", "event_count", None, None),
    ("events_7d", "event_count", None, 7),
    ("views", "event_count", "view", None),
    ("searches", "event_count", "search", 7),
    ("revenue", "amount_sum", "purchase", None),
    ("revenue_7d", "amount_sum", "purchase", 7),
    ("seconds", "seconds_sum", "view", None),
    ("purchases", "event_count", "purchase", None),
    ("signups", "event_count", "signup", None),
    ("errors", "event_count", "error", None),
    ("search_seconds", "seconds_sum", "search", None),
    ("errors_7d", "event_count", "error", 7),
)


def prepare(path: Path, *, units: int, events: int) -> None:
    """Write the marts: a power law of events a unit, 56 days, exposures in the second half."""
    with duckdb.connect(str(path)) as engine:
        engine.execute("set threads = 2")
        engine.execute("create temp macro pick(i, salt, n) as (hash(i, salt) % n)::bigint")
        engine.execute(
            f"""
            create table fct_exposures as
            select
                'new-start' as release, 'unit-' || i as unit_id,
                case when pick(i, 0, 2) = 0 then 'control' else 'checklist' end as variant,
                ['free', 'pro', null][pick(i, 1, 3) + 1] as plan,
                'c' || pick(i, 2, 12) as country,
                ['web', 'ios', 'android'][pick(i, 3, 3) + 1] as platform,
                false as is_crossover, false as is_bot,
                timestamp '2026-03-01' + to_seconds(pick(i, 4, 14 * 86400))
                    as exposed_at
            from range({units}) as numbers (i);

            create table fct_events as
            select
                'e' || i as event_id,
                'unit-' || floor({units} * pow(hash(i) / 18446744073709551616.0, 1.6))::bigint
                    as unit_id,
                ['view', 'view', 'view', 'search', 'purchase', 'signup', 'error', 'open']
                    [pick(i, 1, 8) + 1] as event_name,
                pick(i, 2, 10000) / 100.0 as amount,
                pick(i, 3, 3000) / 10.0 as seconds,
                timestamp '2026-02-01' + to_seconds((i * 56 * 86400 / {events})::bigint)
                    as occurred_at
            from range({events}) as numbers (i);
            """
        )


def catalog_of(root: Path) -> Catalog:
    """A project with the twelve metrics."""

    def column(name: str, kind: str = "varchar") -> dict[str, str]:
        return {"name": name, "data_type": kind}

    def model(name: str, *columns: dict[str, str]) -> dict[str, Any]:
        return {"name": name, "columns": list(columns)}

    unit = {"name": "unit", "type": "foreign", "expr": "unit_id"}

    def semantic(name: str, mart: str, time_at: str, more: dict[str, Any]) -> dict[str, Any]:
        time_dimension = {
            "name": time_at, "type": "time", "type_params": {"time_granularity": "second"}
        }  # fmt: skip
        found = {"name": name, "model": f"ref('{mart}')", "primary_entity": name[:-1]}
        dimensions = [time_dimension, *more.pop("dimensions", [])]
        return (
            found
            | {
                "defaults": {"agg_time_dimension": time_at},
                "entities": [unit],
                "dimensions": dimensions,
            }
            | more
        )

    categorical = [{"name": name, "type": "categorical"} for name in SEGMENTS]
    measures = [
        {"name": "event_count", "agg": "count", "expr": "event_id"},
        {"name": "amount_sum", "agg": "sum", "expr": "amount"},
        {"name": "seconds_sum", "agg": "sum", "expr": "seconds"},
    ]
    marts = {
        "version": 2,
        "models": [
            model(
                "fct_events",
                *(column(name) for name in ("event_id", "unit_id", "event_name")),
                *(column(name, "double") for name in ("amount", "seconds")),
                column("occurred_at", "timestamp"),
            ),
            model(
                "fct_exposures",
                *(column(name) for name in ("unit_id", *SEGMENTS)),
                column("exposed_at", "timestamp"),
            ),
            model("dim_units", *(column(name) for name in ("unit_id", *SEGMENTS))),
        ],
        "semantic_models": [
            semantic("events", "fct_events", "occurred_at", {
                "dimensions": [{"name": "event_name", "type": "categorical"}],
                "measures": measures,
            }),
            semantic("exposures", "fct_exposures", "exposed_at", {
                "measures": [{"name": "units", "agg": "count_distinct", "expr": "unit_id"}],
            }),
            {"name": "units", "model": "ref('dim_units')", "dimensions": categorical,
             "entities": [unit | {"type": "primary"}]},
        ],
    }  # fmt: skip
    entries = []
    for name, measure, event, window in METRICS:
        meta: dict[str, Any] = {
            "owner": "growth", "value": "count", "direction": "increase_is_good"
        }  # fmt: skip
        meta |= {"window_days": window} if window else {}
        entry: dict[str, Any] = {"name": name, "label": name, "type": "simple"}
        entry["description"] = "Rows of everybody that the product wrote down, bots left in."
        entry["type_params"] = {"measure": measure}
        if event:
            entry["filter"] = "{{ Dimension('event__event_name') }} = '" + event + "'"
        entries.append(entry | {"config": {"meta": meta}})
    release = {
        "release": "new-start", "shipped_at": "2026-03-01T00:00:00Z", "owner": "growth",
        "rollout": {
            "kind": "experiment", "control": "control", "treatments": ["checklist"],
            "exposure": {"event": "feature_flag.evaluation", "flag": "new_start"},
            "allocation": {"control": 0.5, "checklist": 0.5},
        },
        "horizon": {"exposure_ends_at": "2026-03-15T00:00:00Z"},
        "success": [{"metric": "events"}],
    }  # fmt: skip
    for folder, document in (
        ("models/marts.yml", marts),
        ("metrics/all.yml", {"metrics": entries}),
        ("releases/new-start.yml", release),
    ):
        path = root / folder
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return load_catalog(Project(root, "bench"), core=root / "no_core")


def by_hand() -> str:
    """One scan with filters, a row a unit, cells, and grouping sets over the few cells."""
    outcomes, values, cells, totals = [], [], [], []
    for index, (_, measure, event, window) in enumerate(METRICS):
        value = {"event_count": "count(*)", "amount_sum": "sum(amount)"}.get(
            measure, "sum(seconds)"
        )
        named = f"event_name = '{event}' and " if event else ""
        until = f" and occurred_at < exposed_at + interval {window} day" if window else ""
        post = f"occurred_at >= exposed_at{until}"
        outcomes.append(f"{value} filter (where {named}{post}) as y{index}")
        outcomes.append(f"{value} filter (where {named}occurred_at < exposed_at) as x{index}")
        mature = f"exposed_at + interval {window or 0} day <= timestamp '2026-03-29'"
        for letter in "yx":
            own = f"coalesce({letter}{index}, 0)::double"
            values.append(f"case when {mature} then {own} end as {letter}{index}")
        y, x = f"y{index}", f"x{index}"
        names = {
            f"n{index}": f"count({y})",
            f"nonzero{index}": f"count(*) filter (where {y} <> 0)",
            f"nonzero_x{index}": f"count(*) filter (where {x} <> 0)",
            **{
                f"{name}{index}": f"sum({product})"
                for name, product in (
                    ("y", y), ("yy", f"{y} * {y}"), ("yyy", f"{y} * {y} * {y}"),
                    ("x", x), ("xx", f"{x} * {x}"), ("xxx", f"{x} * {x} * {x}"),
                    ("xy", f"{x} * {y}"),
                )
            },
        }  # fmt: skip
        cells += [f"{tree} as {name}" for name, tree in names.items()]
        totals += [f"sum({name}) as {name}" for name in names]
    keys = ", ".join(("variant", *SEGMENTS))
    sets = ", ".join(["(variant)", *(f"(variant, {name})" for name in SEGMENTS)])
    return f"""
        with outcomes as (
            select unit_id, {", ".join(outcomes)}
            from fct_events inner join fct_exposures using (unit_id)
            where release = 'new-start' and not is_bot and not is_crossover
                and occurred_at >= exposed_at - interval 28 day
                and occurred_at < timestamp '2026-03-29'
            group by unit_id
        ),
        units as (
            select {keys}, {", ".join(values)}
            from fct_exposures left join outcomes using (unit_id)
            where release = 'new-start' and not is_bot and not is_crossover
        ),
        cells as (select {keys}, {", ".join(cells)} from units group by all)
        select {keys}, grouping({keys}) as cut, {", ".join(totals)}
        from cells group by grouping sets ({sets})
    """


def compiled(root: Path) -> str:
    """What the compiler writes."""
    catalog = catalog_of(root)
    names = [name for name, *_ in METRICS]
    release = catalog.releases["new-start"]
    return compile_unit_moments(catalog, release, names, cutoff_at=CUTOFF, segments=SEGMENTS).sql


def run(path: Path, sql: str) -> dict[str, Any]:
    """One process: the statement's CPU, wall time and the process's peak memory, and an answer."""
    engine = duckdb.connect(str(path), read_only=True)
    engine.execute("set threads = 2")
    engine.execute("select count(unit_id), count(occurred_at) from fct_events")  # pages in
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    cursor = engine.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = sorted(_told(rows), key=str)
    return {"cpu": cpu, "wall": wall, "peak_mb": after.ru_maxrss / 1024, "rows": told}


def _told(rows: list[dict[str, Any]]) -> Iterator[list[Any]]:
    """n and the sums of each metric over all units of a variant, from either answer."""
    for row in rows:
        if "metric" in row and row["segment"] is None:
            yield [row["metric"], row["variant"], row["n"], row["sum_y"], row["sum_x"]]
        elif row.get("cut") == 2 ** len(SEGMENTS) - 1:
            for index, (name, *_) in enumerate(METRICS):
                sums = [row[f"{letter}{index}"] for letter in "nyx"]
                yield [name, row["variant"], *sums]


def main() -> None:
    """Prepare, run both in turn in fresh processes, print the ratios."""
    parser = argparse.ArgumentParser(prog="benchmarks.moments", description=__doc__)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the marts are kept and used again")
    parser.add_argument("--case", nargs=2, metavar=("DATABASE", "SQL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        database, sql = map(Path, given.case)
        print(json.dumps(run(database, sql.read_text(encoding="utf-8"))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        database = folder / f"moments_{given.units}_{given.events}.duckdb"
        if not database.exists():
            prepare(database, units=given.units, events=given.events)
        _measure(database, Path(temporary), given.rounds)


def _measure(database: Path, folder: Path, rounds: int) -> None:
    statements = {"by hand": by_hand(), "landed": compiled(folder / "project")}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in statements}
    for _ in range(rounds):
        for name, sql in statements.items():
            file = folder / f"{name.replace(' ', '_')}.sql"
            file.write_text(sql, encoding="utf-8")
            command = [sys.executable, "-m", "benchmarks.moments", "--case", str(database), file]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[name].append(json.loads(done.stdout))
    print(f"{'case':<10} {'CPU s':>7} {'wall s':>7} {'peak MB':>8} {'CPU ratio':>20}")
    for name, costs in found.items():
        ratios = [
            one["cpu"] / limit["cpu"] for one, limit in zip(costs, found["by hand"], strict=True)
        ]
        cpu, wall, peak = (
            statistics.median(one[key] for one in costs) for key in ("cpu", "wall", "peak_mb")
        )
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        print(f"{name:<10} {cpu:>7.2f} {wall:>7.2f} {peak:>8.0f} {spread:>20}")
    for ours, theirs in zip(found["landed"][0]["rows"], found["by hand"][0]["rows"], strict=True):
        if ours[:3] != theirs[:3] or not all(map(math.isclose, ours[3:], theirs[3:])):
            sys.exit(f"the answers differ: {ours} by landed, {theirs} by hand")
    print(f"{len(found['landed'][0]['rows'])} rows of both are equal")


if __name__ == "__main__":
    main()
