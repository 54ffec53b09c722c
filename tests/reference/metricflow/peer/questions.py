"""A seeded draw of definitions, rows and questions that MetricFlow can be asked too."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from kinds.definitions import Definition, leading, reachable
from kinds.generate import Drawing
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

    @property
    def digest(self) -> str:
        """Of definitions, questions and rows: answers to other ones are of no use."""
        said = repr((self.metrics, self.questions, self.rows))
        plain = "".join(part.split(" at 0x")[0] for part in said.split("<function "))
        return hashlib.sha256(plain.encode()).hexdigest()[:16]

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
        "digest": draw.digest,
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
        value = None if row[-1] != row[-1] else row[-1]  # a NaN is no value
        found.append([*dims, day, value])
    return {"rows": sorted(found, key=str)}


def written(path: Path, found: Mapping[str, Any]) -> None:
    """Answers as a file, a line each."""
    head = json.dumps({key: value for key, value in found.items() if key != "answers"})
    lines = ",\n".join(json.dumps(one) for one in found["answers"])
    path.write_text(f'{head[:-1]}, "answers": [\n{lines}\n]}}\n', encoding="utf-8")
