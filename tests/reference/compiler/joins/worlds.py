"""Random models that the marts of the kinds are joined to, with rows, and their values by hand.

Two to four models: reached from a fact or over others, one row a key or one a version of it,
with keys that are NULL or have no row, versions that touch, overlap, leave gaps or end at once.
Nothing of the product is imported here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import duckdb
import yaml
from kinds.marts import FACTS, MODELS
from kinds.values import DAY, Fact, Row, instant

#: Keys that rows have, and one that no fact has.
KEYS = {
    "session": ["s1", "s2", "s3", "s9"],
    "account": ["a1", "a2", "a3", "a9"],
    "unit": ["u0", "u1", "u2", "u9"],
    "team": ["t1", "t2", "t9"],
    "country": ["DE", "FR"],
}
ROOTS = ("session", "account", "unit")  # entities that a fact has; `payments` only the unit
SHADES = ["dark", "light"]


@dataclass
class Model:
    """A model that is joined by one entity.

    Args:
        form: primary, unique or natural (with a validity).
        foreign: Entities by which it is joined on.
        is_daily: Whether its validity is in days.
    """

    entity: str
    form: str
    foreign: list[str]
    is_daily: bool
    rows: list[Row] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.entity}_facts"

    def found(self, key: Any, at: datetime | None) -> Row | None:
        """The one row of a key, or the version of it that holds at a moment."""
        rows = [row for row in self.rows if key is not None and row["key"] == key]
        if self.form != "natural":
            return rows[0] if rows else None
        if at is None:
            return None
        begun = [
            row
            for row in rows
            if row["start"] is not None
            and instant(row["start"]) <= at
            and (row["end"] is None or row["end"] > row["start"])
        ]
        if not begun:
            return None
        latest = max(begun, key=lambda row: (row["start"], row["end"] is None, str(row["end"])))
        return latest if latest["end"] is None or instant(latest["end"]) > at else None

    def as_yaml(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The dbt model's columns, and the semantic model."""
        day = "date" if self.is_daily else "timestamp"
        columns = {"key": "varchar", "mark": "varchar", "shade": "varchar"}
        columns |= {f"{one}_id": "varchar" for one in self.foreign}
        entities = [{"name": self.entity, "type": self.form, "expr": "key"}]
        dimensions: list[dict[str, Any]] = [
            {"name": "mark", "type": "categorical"},
            {"name": "shade", "type": "categorical"},
        ]
        semantic: dict[str, Any] = {"name": self.name, "model": f"ref('dim_{self.name}')"}
        if self.form == "natural":
            semantic["primary_entity"] = self.entity
            for column, end in (("start", "is_start"), ("end", "is_end")):
                columns[f"{column}s"] = day
                params = {"time_granularity": "second", "validity_params": {end: True}}
                dimensions.append({"name": f"{column}s", "type": "time", "type_params": params})
        if self.form == "unique":
            entities.append({"name": f"{self.entity}_row", "type": "primary", "expr": "key"})
        entities += [{"name": one, "type": "foreign", "expr": f"{one}_id"} for one in self.foreign]
        semantic |= {"entities": entities, "dimensions": dimensions}
        listed = [{"name": name, "data_type": kind} for name, kind in columns.items()]
        return {"name": f"dim_{self.name}", "columns": listed}, semantic


@dataclass
class World:
    """Models, and how a fact reaches their dimensions."""

    models: dict[str, Model]

    def names(self, fact: str) -> dict[str, tuple[str, ...]]:
        """Every dimension that a fact reaches, with the entities of its path."""
        found = {}
        for path in self._paths(list(FACTS[fact].entities), ()):
            for short in ("mark", "shade"):
                found["__".join((*path, short))] = path
        return found

    def _paths(self, entities: list[str], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for one in entities:
            if one in self.models and one not in path and len(path) < 3:
                yield (*path, one)
                yield from self._paths(self.models[one].foreign, (*path, one))

    def value(self, name: str, fact: Fact, row: Row, at: datetime | None) -> Any:
        """The value of a joined dimension for one row of a fact."""
        *path, short = name.split("__")
        key = row[fact.entities[path[0]]]
        found: Row | None = None
        for index, entity in enumerate(path):
            found = self.models[entity].found(key, at)
            if found is None:
                return None
            key = found[path[index + 1]] if index + 1 < len(path) else None
        return None if found is None else found[short]

    def as_yaml(self) -> str:
        """The marts of the kinds, and these models."""
        read: dict[str, Any] = yaml.safe_load(MODELS)
        for one in self.models.values():
            model, semantic = one.as_yaml()
            read["models"].append(model)
            read["semantic_models"].append(semantic)
        return yaml.safe_dump(read, sort_keys=False)

    def fill(self, chance: random.Random, rows: Mapping[str, list[Row]]) -> None:
        """New rows; versions begin and end at moments of the facts, or a little apart."""
        times = ("occurred_at", "received_at", "paid_on", "measured_at")
        moments = [
            instant(row[time])
            for listed in rows.values()
            for row in listed
            for time in times
            if row.get(time)
        ] or [datetime(2026, 3, 1)]  # noqa: DTZ001 - marts hold naive UTC
        for one in self.models.values():
            one.rows = [
                row for key in KEYS[one.entity] for row in _of_key(one, key, chance, moments)
            ]
            if one.form != "primary":
                one.rows += _of_key(one, None, chance, moments)
            chance.shuffle(one.rows)

    def store(self, engine: duckdb.DuckDBPyConnection) -> None:
        """The same rows in an engine."""
        for one in self.models.values():
            model, _ = one.as_yaml()
            columns = ", ".join(f"{c['name']} {c['data_type']}" for c in model["columns"])
            engine.execute(f"create table dim_{one.name} ({columns})")
            keys = ["key", "mark", "shade", *one.foreign]
            keys += ["start", "end"] if one.form == "natural" else []
            marks = ", ".join("?" * len(keys))
            for row in one.rows:
                engine.execute(
                    f"insert into dim_{one.name} values ({marks})",
                    [row[key] for key in keys],
                )


def draw(chance: random.Random) -> World:
    """Two to four models, at least one of which a fact reaches."""
    roots = chance.sample(ROOTS, chance.choice([1, 2, 2]))
    further = chance.sample(["team", "country"], chance.choice([1, 2]))
    models = {}
    for entity in (*roots, *further):
        others = [one for one in further if one != entity and chance.random() < 0.8]
        forms = ["unique", "natural"] if entity == "unit" else ["primary", "unique", "natural"]
        form = chance.choice([*forms, "natural"])
        models[entity] = Model(entity, form, others, chance.random() < 0.4)
    return World(models)


def _of_key(
    model: Model, key: str | None, chance: random.Random, moments: list[datetime]
) -> Iterator[Row]:
    def one() -> Row:
        found: Row = {"key": key, "mark": chance.choice(["x", "y", "z", None])}
        found["shade"] = chance.choice([*SHADES, None])
        for entity in model.foreign:
            found[entity] = chance.choice([*KEYS[entity], None])
        return found

    if model.form != "natural":
        if chance.random() < 0.8:
            yield one()
        return
    apart = [timedelta(), timedelta(), DAY, -DAY, timedelta(hours=1), 5 * DAY]
    starts = sorted(
        chance.choice(moments) + chance.choice(apart) for _ in range(chance.randrange(5))
    )
    seen = set()
    for index, start in enumerate(starts):
        later = starts[index + 1] if index + 1 < len(starts) else None
        end = chance.choice([later, later, later, None, start, start + 2 * DAY, start - DAY])
        if chance.random() < 0.1 and later is not None:
            end = later + 3 * DAY  # overlaps the next one
        found = one() | {"start": start, "end": end}
        if model.is_daily:
            found["start"] = start.date()
            found["end"] = None if end is None else end.date()
        if chance.random() < 0.05:
            found["start"] = None
        if (found["start"], found["end"]) not in seen:
            seen.add((found["start"], found["end"]))
            yield found
