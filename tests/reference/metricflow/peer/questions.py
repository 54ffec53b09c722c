"""A seeded draw of definitions, rows and questions that MetricFlow can be asked too."""

from __future__ import annotations

import json
import math
import random
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
from kinds.definitions import Definition, leading, reachable
from kinds.generate import EXPRESSIONS, Drawing
from kinds.marts import FACTS, MEASURES, MODELS, TIMES, VALUES, make_engine, make_rows
from kinds.oracle import Oracle, Query
from kinds.values import DAY, Row, instant

from peer.project import is_known_to_dbt, with_inputs, write_dbt_project

SEED = 20260403
DRAWN, DATA_SETS = 160, 2
SCRIPT = Path(__file__).resolve().parents[4] / "benchmarks" / "metricflow_peer.py"
#: With finer times MetricFlow wants a calendar of seconds for whatever runs over time.
BY_DAYS = MODELS.replace("time_granularity: second", "time_granularity: day")


@dataclass(frozen=True)
class Draw:
    """What is asked of whom."""

    metrics: Mapping[str, Definition]
    questions: Sequence[Query]
    rows: Sequence[tuple[dict[str, list[Row]], dict[Any, Row]]]

    def days(self, number: int) -> tuple[str, str]:
        """A month before the first row of a data set, and a month behind its last."""
        rows = self.rows[number][0]
        seen = [instant(one[time]) for name, time in TIMES.items() for one in rows[name]]
        known = [one for one in seen if one is not None]
        return str((min(known) - 31 * DAY).date()), str((max(known) + 31 * DAY).date())

    def oracle(self, number: int) -> Oracle:
        """Counts by hand over a data set."""
        return Oracle(FACTS, MEASURES, self.metrics, *self.rows[number])


def drawn() -> Draw:
    """The same definitions, questions and rows each time."""
    drawing = Drawing(SEED)
    names = [name for name in drawing.draw(DRAWN) if is_known_to_dbt(drawing.metrics, name)]
    metrics = with_inputs(drawing.metrics, names)
    chance = random.Random(SEED)  # noqa: S311
    questions = []
    for name in names:
        facts = set(leading(metrics, name))
        known = [one for one in VALUES if reachable(one, facts)]
        by = tuple(chance.sample(known, chance.choice([0, 0, 1])))
        questions.append(Query((name,), by, chance.choice(["day", "day", "week", "month"])))
    full = []
    seed = SEED
    while len(full) < DATA_SETS:  # an empty mart tells nothing
        rows, units = make_rows(random.Random(seed))  # noqa: S311
        seed += 1
        if all(rows.values()):
            full.append((rows, units))
    return Draw(metrics, questions, full)


def answers_of_metricflow(python: str, folder: Path, draw: Draw) -> dict[str, Any]:
    """Versions and MetricFlow's answer to each question on each data set, by its environment."""
    project = write_dbt_project(folder / "project", draw.metrics, BY_DAYS)
    asked = []
    for number, (rows, units) in enumerate(draw.rows):
        database = folder / f"set_{number}" / "oracle.duckdb"
        _stored(database, rows, units)
        for one in draw.questions:
            group_by = [*one.group_by, f"metric_time__{one.grain}"]
            question = {"metrics": one.metrics, "group_by": group_by, "database": str(database)}
            asked.append(question)
    given = json.dumps({"project": str(project), "questions": asked})
    done = subprocess.run(
        [python, str(SCRIPT)], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    return {
        "seed": SEED,
        "versions": found["versions"],
        "answers": [
            _small(one, draw.days(at // len(draw.questions)))
            for at, one in enumerate(found["answers"])
        ],
    }


def _stored(path: Path, rows: dict[str, list[Row]], units: dict[Any, Row]) -> None:
    path.parent.mkdir(parents=True)
    with make_engine(rows, units) as engine:
        engine.execute(f"attach '{path}' as stored")
        engine.execute("copy from database memory to stored")
    with duckdb.connect(str(path), read_only=True) as engine:
        assert engine.execute("select count(*) from fct_events").fetchone() is not None


def _small(answer: dict[str, Any], days: tuple[str, str]) -> dict[str, Any]:
    """Rows of groups and a value, by day; its calendar goes on for years behind the last row."""
    if "error" in answer:
        return {"error": answer["error"][:120]}
    columns = answer["columns"]
    at = next(index for index, one in enumerate(columns) if one.startswith("metric_time"))
    found = []
    for row in answer["rows"]:
        day = None if row[at] is None else row[at][:10]
        if day is not None and not days[0] <= day <= days[1]:
            continue
        dims = [value for index, value in enumerate(row[:-1]) if index != at]
        found.append([*dims, day, _value(row[-1])])
    return {"rows": sorted(found, key=str)}


def _value(value: Any) -> Any:
    """A NaN is no value; infinity has no name in JSON."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf"
    return value


def written(path: Path, draw: Draw, found: Mapping[str, Any]) -> None:
    """What was asked, of which rows, and the answers: a line each."""
    head = {key: value for key, value in found.items() if key != "answers"}
    listed = {
        "metrics": [{"name": name, **one} for name, one in draw.metrics.items()],
        "questions": [(*one.metrics, one.group_by, one.grain) for one in draw.questions],
        "rows": [
            {**rows, "units": [{"unit_id": unit, **one} for unit, one in units.items()]}
            for rows, units in draw.rows
        ],
        "answers": found["answers"],
    }
    text = json.dumps(head)[:-1]
    for key, values in listed.items():
        lines = ",\n".join(json.dumps(one, default=_encoded) for one in values)
        text += f', "{key}": [\n{lines}\n]'
    path.write_text(text + "}\n", encoding="utf-8")


def read(path: Path) -> tuple[Draw, dict[str, Any]]:
    """What `written` wrote: other draws than today's may have been asked."""
    found = json.loads(path.read_text(encoding="utf-8"), object_hook=_decoded)
    metrics = {one.pop("name"): one for one in found.pop("metrics")}
    questions = [Query((name,), tuple(by), grain) for name, by, grain in found.pop("questions")]
    rows = []
    for one in found.pop("rows"):
        units = {unit.pop("unit_id"): unit for unit in one.pop("units")}
        rows.append((one, units))
    return Draw(metrics, questions, rows), found


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    return None  # arithmetic: its text stands beside it


def _decoded(found: dict[str, Any]) -> Any:
    if found.keys() == {"at"}:
        return datetime.fromisoformat(found["at"])
    if found.keys() == {"day"}:
        return date.fromisoformat(found["day"])
    if "filter" in found:
        found["filter"] = [_tree(one) for one in found["filter"]]
    if "text" in found:
        made = EXPRESSIONS[re.sub(r"\b(a|b)\1\b", r"\1", found["text"])]
        found["expr"] = lambda of: made(of["aa"], of["bb"])
    return found


def _tree(value: Any) -> Any:
    """A condition: tuples all the way down."""
    return tuple(map(_tree, value)) if isinstance(value, list) else value
