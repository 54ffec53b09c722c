"""Questions of the other references, each with its data: joins, FILTER, zones, scopes, SQL."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Iterator
from datetime import UTC, date
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import duckdb
from cases import Case, MomentsCase, ScriptCase, tables_of
from joins.test_joins import JoinedDrawing
from joins.worlds import draw as draw_world
from kinds.compare import GRAINS, ZONES, catalog_of, first_of
from kinds.definitions import as_sql, as_yaml
from kinds.generate import Drawing
from kinds.marts import make_engine, make_rows
from moments.drawn import CUTOFF_AT, SEGMENTS, draw_metrics, draw_rows
from moments.drawn import catalog_of as catalog_of_outcomes

from landed.catalog import Catalog, load_catalog
from landed.compiler import FilteredMetric, MetricQuery, OutputColumn, compile_query, parse_sql
from landed.compiler.query import Grain
from landed.errors import QueryRefused
from landed.project import Project

TODAY = date(2026, 1, 15)


def joined(
    root: Path, seed: int, *, worlds: int, definitions: int, data_sets: int
) -> Iterator[Case]:
    """Metrics by dimensions of joined models, over several of them and as of each row."""
    for number in range(worlds):
        chance = random.Random(seed * 100 + number)  # noqa: S311
        world = draw_world(chance)
        drawing = JoinedDrawing(seed * 100 + number, world)
        targets = drawing.draw(definitions)
        project = root / f"w{number}"
        for folder, text in (("models", world.as_yaml()), ("metrics", as_yaml(drawing.metrics))):
            (project / folder).mkdir(parents=True)
            (project / folder / "all.yml").write_text(text, encoding="utf-8")
        home = ZONES[(seed + number) % len(ZONES)]
        catalog = load_catalog(Project(project, "joins", home), core=project / "no_core")
        for data in range(data_sets):
            rows, units = make_rows(chance)
            world.fill(chance, rows)
            source = make_engine(rows, units)
            world.store(source)
            tables = tables_of(source)
            for target in targets:
                asked = drawing.query((target,), GRAINS, first_of(rows), (None, *ZONES))
                yield Case(f"joins/{number}/{data}", catalog, _query(asked), tables, source)
            source.close()


def filtered(root: Path, seed: int, *, definitions: int, data_sets: int) -> Iterator[Case]:
    """Each metric, and beside it the same under conditions of its own."""
    drawing = Drawing(seed)
    targets = drawing.draw(definitions)
    catalog = catalog_of(root, drawing.metrics)
    for number in range(data_sets):
        rows, units = make_rows(random.Random(seed * 1000 + number))  # noqa: S311
        source = make_engine(rows, units)
        tables = tables_of(source)
        for target in targets:
            asked = drawing.query((target,), GRAINS, first_of(rows))
            where, plain = as_sql(asked), _query(asked)
            if not where:
                continue
            query = MetricQuery(
                (target,),
                plain.group_by,
                plain.grain,
                columns=(
                    *(OutputColumn(key, key) for key in plain.group_by),
                    OutputColumn(target, "all"),
                    OutputColumn("own value", "own"),
                ),
                filtered=(FilteredMetric("own value", target, where),),
            )
            try:
                compile_query(catalog, query)
            except QueryRefused as refusal:
                assert refusal.code == "filter_time"  # noqa: PT017 - by time so many days ago
                continue
            yield Case(f"filter/{number}/{target}", catalog, query, tables, source)
        source.close()


def zoned(root: Path, seed: int) -> Iterator[Case]:
    """Rows by every grain of every zone's clock, with gaps filled and without."""
    filled = {"measure": {"name": "event_count", "join_to_timespine": True}}
    metrics = {
        "rows": {"type": "simple", "type_params": {"measure": "event_count"}},
        "filled": {"type": "simple", "type_params": filled},
    }
    catalog = catalog_of(root, metrics)
    rows, units = make_rows(random.Random(seed))  # noqa: S311
    source = make_engine(rows, units)
    tables = tables_of(source)
    for zone in ZONES:
        for grain in get_args(Grain):
            query = MetricQuery(tuple(metrics), ("metric_time",), grain, time_zone=zone)
            yield Case(f"zones/{zone}/{grain}", catalog, query, tables, source)


def outcomes(root: Path, seed: int, *, metrics: int) -> Iterator[Case | MomentsCase]:
    """Unit moments with segments and pre-periods, and a release's means by variant and plan."""
    drawn = draw_metrics(random.Random(seed), metrics)  # noqa: S311
    catalog = catalog_of_outcomes(root, drawn)
    rows = draw_rows(random.Random(seed), units=80, events=900)  # noqa: S311
    names, at = tuple(one.name for one in drawn), CUTOFF_AT.replace(tzinfo=UTC)
    yield MomentsCase(f"segments/{seed}", catalog, rows.engine, names, at, tuple(SEGMENTS))
    tables = tables_of(rows.engine)
    for group_by in ((), ("variant",), ("variant", "unit__plan"), ("unit__country",)):
        query = MetricQuery(names, group_by, where=("release = 'new-start'",))
        yield Case(f"scope/{seed}/{group_by}", catalog, query, tables, rows.engine)


def scripts(root: Path) -> Iterator[ScriptCase]:
    """Every statement over metrics whose rows are counted by hand, with the same rows."""
    unit = Path(__file__).parents[2] / "unit" / "compiler"
    told, home = _module(unit / "test_scripts.py"), _module(unit / "conftest.py")
    root.mkdir()
    catalog: Catalog = home.load(root)
    source = duckdb.connect(":memory:")
    source.execute(told.ROWS)
    tables = tables_of(source)
    for index, (sql, _) in enumerate(told.ANSWERED):
        script = parse_sql(sql, catalog, today=TODAY)
        yield ScriptCase(f"script/{index}: {sql}", catalog, script, tables, source)


def _query(asked: Any) -> MetricQuery:
    has_time = ["metric_time"] if asked.grain is not None else []
    return MetricQuery(
        metrics=asked.metrics,
        group_by=(*asked.group_by, *has_time),
        grain=asked.grain,
        where=as_sql(asked),
        time_zone=asked.zone,
    )


def _module(place: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"of_{place.stem}", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
