"""Random metrics with a unit form, and random rows: what both readings of them are given."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import yaml
from product import ABOUT, MODELS, RELEASE

from landed.catalog import Catalog, load_catalog
from landed.project import Project

Row = dict[str, Any]

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
SHIPPED_AT = datetime(2026, 3, 1)  # noqa: DTZ001 - marts hold naive UTC
CUTOFF_AT = datetime(2026, 3, 20)  # noqa: DTZ001
VARIANTS = ("control", "checklist", "video", "never_met")
SEGMENTS = ("plan", "country", "is_paying")
#: Of each measure: the fact, the aggregation, and how a row's value is read.
MEASURES = {
    "event_count": ("events", "count", "event_id"),
    "amount_sum": ("events", "sum", "amount"),
    "seconds_sum": ("events", "sum", "seconds"),
    "error_count": ("events", "true", "is_error"),
    "event_sessions": ("events", "distinct", "session_id"),
    "event_units": ("events", "any", "unit_id"),
    "amount_average": ("events", "average", "amount"),
    "feedback_count": ("feedback", "count", "feedback_id"),
    "rating_average": ("feedback", "average", "rating"),
}
ADDITIVE = [name for name, (_, agg, _) in MEASURES.items() if agg != "average"]
FILTERS = {
    "events": [
        ("{{ Dimension('event__event_name') }} = 'signup'", ("event_name", "signup")),
        ("{{ Dimension('event__is_error') }}", ("is_error", True)),
        ("{{ Dimension('event__app_version') }} = '1.1'", ("app_version", "1.1")),
    ],
    "feedback": [("{{ Dimension('feedback__channel') }} = 'review'", ("channel", "review"))],
}


@dataclass(frozen=True)
class Part:
    """One aggregate: a measure over rows whose column equals a value."""

    measure: str
    filter: tuple[str, tuple[str, Any]] | None = None

    @property
    def fact(self) -> str:
        return MEASURES[self.measure][0]


@dataclass(frozen=True)
class Drawn:
    """A metric: its form, its aggregates, its window in days and its cap."""

    name: str
    form: str
    top: Part
    bottom: Part | None = None
    window: float | None = None
    cap: float | None = None

    def definitions(self) -> list[Row]:
        """The entries of `metrics:` that declare it."""
        if self.form == "unit_mean":
            return []
        if self.form == "mean" or self.bottom is self.top:
            return [self._entry(self.name, "simple", {"measure": self.top.measure}, self.top)]
        above = self._entry(f"{self.name}_top", "simple", {"measure": self.top.measure}, self.top)
        under = "exposed_units"
        entries = [above]
        if self.bottom is not None:
            under = f"{self.name}_bottom"
            params = {"measure": self.bottom.measure}
            entries.append(self._entry(under, "simple", params, self.bottom))
        params = {"numerator": above["name"], "denominator": under}
        return [*entries, self._entry(self.name, "ratio", params, None)]

    def product_definitions(self) -> list[Row]:
        """The entries of `product_metrics:`."""
        if self.form != "unit_mean":
            return []
        entry = self._entry(self.name, "unit_mean", {"measure": self.top.measure}, self.top)
        return [entry]

    def _entry(self, name: str, kind: str, params: Row, part: Part | None) -> Row:
        meta: Row = {"owner": "growth", "value": "count", "direction": "increase_is_good"}
        if name == self.name:
            meta |= {"window_days": self.window} if self.window else {}
            meta |= {"cap": {"value": self.cap}} if self.cap is not None else {}
        found: Row = {"name": name, "label": name.replace("_", " "), "description": ABOUT[13:]}
        found |= {"type": kind, "type_params": params}
        if part is not None and part.filter is not None:
            found["filter"] = part.filter[0]
        return found | {"config": {"meta": meta}}


def draw_metrics(chance: random.Random, count: int) -> list[Drawn]:
    """Metrics of all unit forms with all windows, caps and filters."""
    return [_draw_metric(chance, f"m{index}") for index in range(count)]


def _draw_metric(chance: random.Random, name: str) -> Drawn:
    forms = ["mean", "mean", "per_unit", "proportion", "ratio", "ratio", "average", "unit_mean"]
    form = chance.choice(forms)
    window = chance.choice([None, 7, 1, 3.5])
    drawn = Drawn(name, form, _draw_part(chance, ADDITIVE), None, window)
    if form == "proportion":
        return replace(drawn, top=_draw_part(chance, ["event_units"]))
    if form == "average":
        top = _draw_part(chance, ["amount_average", "rating_average"])
        return replace(drawn, form="ratio", top=top, bottom=top)
    if form == "unit_mean":
        measures = ["amount_average", "rating_average"]
        drawn = replace(drawn, top=_draw_part(chance, measures))
    if form == "ratio":
        return replace(drawn, bottom=_draw_part(chance, ADDITIVE))
    if form == "per_unit":  # a ratio over all exposed units
        return drawn
    return replace(drawn, cap=chance.choice([None, None, 2.5, 40.0]))


def _draw_part(chance: random.Random, measures: list[str]) -> Part:
    measure = chance.choice(measures)
    return Part(measure, chance.choice([None, *FILTERS[MEASURES[measure][0]]]))


def catalog_of(root: Path, metrics: list[Drawn]) -> Catalog:
    """The catalog of a project with these metrics, whose exposures know what units were."""
    exposed = {
        "name": "exposed_units",
        "label": "exposed units",
        "description": ABOUT[13:],
        "type": "simple",
        "type_params": {"measure": "exposed_unit_count"},
        "config": {"meta": {"owner": "a", "value": "count", "direction": "increase_is_good"}},
    }
    declared = [exposed, *(entry for one in metrics for entry in one.definitions())]
    product = [entry for one in metrics for entry in one.product_definitions()]
    columns = "".join(
        f"      - {{name: {name}, data_type: varchar}}\n" for name in ("plan", "country")
    )
    models = MODELS.replace(
        "      - {name: variant, data_type: varchar}\n",
        f"      - {{name: variant, data_type: varchar}}\n{columns}",
    ).replace(
        "      - {name: country, type: categorical}\n",
        "      - {name: country, type: categorical}\n"
        "      - {name: is_paying, type: categorical, expr: plan = 'pro'}\n",
    )
    document: Row = {"metrics": declared}
    if product:
        document["product_metrics"] = product
    release = RELEASE.replace("signup_rate", metrics[0].name).replace("[events]", "[]")
    for folder, file, text in (
        ("models", "marts.yml", models),
        ("metrics", "all.yml", yaml.safe_dump(document, sort_keys=False)),
        ("releases", "new-start.yml", release),
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / file).write_text(text, encoding="utf-8")
    return load_catalog(Project(root, "oracle"), core=root / "no_core")


@dataclass(frozen=True)
class Rows:
    """Rows of the marts, and an engine that holds the same rows."""

    facts: dict[str, list[Row]]
    exposures: list[Row]
    engine: duckdb.DuckDBPyConnection

    def answer(self, sql: str) -> list[Row]:
        """Run a statement; one dict a row."""
        cursor = self.engine.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def draw_rows(chance: random.Random, *, units: int, events: int, countries: int = 3) -> Rows:
    """Ties at every border, nulls, bots, crossovers, immature and idle units, a pre-period."""
    names = [f"u{index}" for index in range(units)]
    exposures = [
        {
            "release": "new-start",
            "unit_id": name,
            "variant": chance.choice(["control", "checklist", "video", "ghost"]),
            "plan": chance.choice(["free", "pro", None, "other"]),
            "country": chance.choice([None, *(f"c{index:03}" for index in range(countries))]),
            "exposed_at": SHIPPED_AT
            + chance.choice([6.0, 12.0, 13.0, 15.5, 19.0, chance.random() * 21]) * DAY,
            "is_crossover": chance.choice([True, False, False, False, None]),
            "is_bot": chance.choice([True, False, False, False, None]),
        }
        for name in names
        if chance.random() > 0.1
    ]
    exposed = {row["unit_id"]: row["exposed_at"] for row in exposures}

    def moment(unit: str | None) -> datetime:
        edge = exposed.get(unit or "", SHIPPED_AT)
        edges = [edge, *(edge + days * DAY for days in (1, 3.5, 7, -28)), CUTOFF_AT]
        near = chance.choice(edges) + chance.choice([-1, 0, 0, 1]) * TICK
        return chance.choice([near, *[SHIPPED_AT + (chance.random() * 55 - 32) * DAY] * 2])

    facts: dict[str, list[Row]] = {"events": [], "feedback": []}
    for index in range(events):
        unit = chance.choice([*names[units // 4 :], None])  # the first ones never do anything
        facts["events"].append(
            {
                "event_id": f"e{index}",
                "event_name": chance.choice(["view", "view", "signup", None]),
                "unit_id": unit,
                "app_version": chance.choice(["1.0", "1.1"]),
                "seconds": chance.choice([None, 0.0, 30.5, 61.0, chance.random() * 200]),
                "amount": chance.choice([None, None, 0.0, 5.0, 19.99, -3.5]),
                "is_error": chance.choice([True, False, False, None]),
                "session_id": chance.choice(["s1", "s2", "s3", None]),
                "occurred_at": moment(unit),
            }
        )
    for index in range(events // 4):
        unit = chance.choice([*names[: units // 2], None])
        facts["feedback"].append(
            {
                "feedback_id": f"f{index}",
                "unit_id": unit,
                "channel": chance.choice(["review", "ticket", None]),
                "rating": chance.choice([None, 1.0, 4.0, 5.0]),
                "given_at": moment(unit),
            }
        )
    other = [{**row, "release": "other"} for row in exposures[::2]]
    return Rows(facts, exposures, _engine(facts, [*exposures, *other]))


def _engine(facts: dict[str, list[Row]], exposures: list[Row]) -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(":memory:")
    tables = {
        "fct_events": ("event_id varchar, event_name varchar, unit_id varchar, "
                       "app_version varchar, seconds double, amount double, is_error boolean, "
                       "session_id varchar, occurred_at timestamp", facts["events"]),
        "fct_feedback": ("feedback_id varchar, unit_id varchar, channel varchar, rating double, "
                         "given_at timestamp", facts["feedback"]),
        "fct_exposures": ("release varchar, unit_id varchar, variant varchar, plan varchar, "
                          "country varchar, exposed_at timestamp, is_crossover boolean, "
                          "is_bot boolean", exposures),
        "dim_units": ("unit_id varchar, plan varchar, country varchar", []),
        "dim_releases": ("release varchar, cutoff_at timestamp",
                         [{"release": "new-start", "cutoff_at": CUTOFF_AT}]),
    }  # fmt: skip
    for table, (columns, rows) in tables.items():
        engine.execute(f"create table {table} ({columns})")
        if rows:
            engine.register("given", pyarrow.Table.from_pylist(rows))
            engine.execute(f"insert into {table} by name select * from given")
            engine.unregister("given")
    return engine
