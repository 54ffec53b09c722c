"""The same questions put to MetricFlow: its SQL, from an environment of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .metrics_data import KNOWN_TO_DBT, MODELS, written

INSTALL = "dbt-metricflow==0.15.0 dbt-core==1.11.16 dbt-duckdb==1.11.1"
#: Answers come out wrong on one table of events: MetricFlow gets a view a step.
_STEPS = """
  - name: views_seen
    model: ref('fct_views')
    defaults: {agg_time_dimension: occurred_at}
    entities: [{name: viewing, type: primary, expr: event_id},
      {name: unit, type: foreign, expr: unit_id}]
    dimensions: [{name: occurred_at, type: time, type_params: {time_granularity: day}}]
    measures: [{name: view_rows, agg: count, expr: event_id}]
  - name: orders_seen
    model: ref('fct_orders')
    defaults: {agg_time_dimension: occurred_at}
    entities: [{name: purchase, type: primary, expr: event_id},
      {name: unit, type: foreign, expr: unit_id}]
    dimensions: [{name: occurred_at, type: time, type_params: {time_granularity: day}}]
    measures: [{name: order_rows, agg: count, expr: event_id}]
"""
_OF_STEPS = {
    "converted_steps": (
        "conversion",
        "{conversion_type_params: {base_measure: view_rows, conversion_measure: order_rows, "
        "entity: unit, window: 7 days}}",
    )
}
_PROJECT = """
name: bench
version: "1.0"
config-version: 2
profile: bench
model-paths: [models, metrics]
flags: {send_anonymous_usage_stats: false}
"""
_PROFILE = (
    "bench: {target: all, outputs: {all: {type: duckdb, path: bench.duckdb, schema: main}}}\n"
)
_SPINE = """
models:
  - name: time_spine
    time_spine: {standard_granularity_column: date_day}
    columns: [{name: date_day, granularity: day}]
"""
_READ = ("fct_events", "fct_balances", "dim_units", "time_spine", "fct_views", "fct_orders")


def statements(
    python: str, folder: Path, questions: Sequence[Mapping[str, Any]], database: str
) -> tuple[dict[str, str], list[str]]:
    """Versions, and MetricFlow's SQL for each question.

    Args:
        python: Interpreter of its environment.
        folder: Where its dbt project is written.
        database: Name that the statements call the database by.

    Raises:
        RuntimeError: It could not run, or refused a question.
    """
    files = {
        "dbt_project.yml": _PROJECT,
        "profiles.yml": _PROFILE,
        "models/marts.yml": MODELS + _STEPS,
        "models/spine.yml": _SPINE,
        "metrics/all.yml": written(KNOWN_TO_DBT | _OF_STEPS, "metrics"),
        **{f"models/{name}.sql": "select 1 as one\n" for name in _READ},
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    given = json.dumps({"project": str(folder), "questions": list(questions)})
    script = str(Path(__file__).with_name("metricflow_peer.py"))
    done = subprocess.run(
        [python, script], input=given, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError("\n".join(done.stderr.strip().splitlines()[-4:]))
    found = json.loads(done.stdout)
    for one in found["answers"]:
        if "error" in one:
            raise RuntimeError(one["error"])
    sql = [one["sql"].replace('"bench"."main"', f'"{database}"."main"') for one in found["answers"]]
    return found["versions"], sql
