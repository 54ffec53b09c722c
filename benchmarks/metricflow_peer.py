"""MetricFlow, in an environment of its own: the SQL it makes of questions, and its answers.

Run by that environment's interpreter on a dbt project, with questions as JSON on standard input;
prints JSON. Nothing of landed is imported here.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("metricflow", "dbt-metricflow", "dbt-core", "dbt-duckdb", "duckdb")


class SqlOnly:
    """What MetricFlow asks of an engine before it writes SQL for DuckDB: next to nothing."""

    def __init__(self) -> None:
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer

        self.sql_engine_type = SqlEngine.DUCKDB
        self.sql_plan_renderer = DuckDbSqlPlanRenderer()


def manifest(project: Path) -> Any:
    """The semantic manifest that dbt makes of a project, as dbt's own door reads it."""
    from dbt.cli.main import dbtRunner
    from metricflow_semantics.model.dbt_manifest_parser import (
        parse_manifest_from_dbt_generated_manifest,
    )

    folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
    done = dbtRunner().invoke(["--quiet", "--no-partial-parse", "parse", *folders])
    if not done.success:
        sys.exit(f"dbt refuses the project: {done.exception}")
    path = project / "target" / "semantic_manifest.json"
    return parse_manifest_from_dbt_generated_manifest(path.read_text(encoding="utf-8"))


def explained(engine: Any, question: dict[str, Any]) -> str:
    """The SQL of one question: metrics, group_by, where."""
    from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

    request = MetricFlowQueryRequest.create(
        metric_names=question["metrics"],
        group_by_names=question.get("group_by") or None,
        where_constraints=question.get("where") or None,
    )
    return str(engine.explain(request).sql_statement.sql)


def answered(database: str, sql: str) -> dict[str, Any]:
    """Columns and rows of a statement."""
    import duckdb

    with duckdb.connect(database, read_only=True) as engine:
        found = engine.execute(sql)
        columns = [one[0] for one in found.description]
        return {"columns": columns, "rows": [list(map(_plain, row)) for row in found.fetchall()]}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def main() -> None:
    """Read questions, print what MetricFlow makes of them."""
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    given = json.load(sys.stdin)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):  # dbt writes to it
        lookup = SemanticManifestLookup(manifest(Path(given["project"])))
        engine = MetricFlowEngine(semantic_manifest_lookup=lookup, sql_client=SqlOnly())
        found = []
        for question in given["questions"]:
            try:
                sql = explained(engine, question)
                one = {"sql": sql}
                if "database" in question:
                    one = answered(question["database"], sql)
            except Exception as error:  # noqa: BLE001 - a refusal is an answer too
                one = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"}
            found.append(one)
    versions = {name: version(name) for name in PACKAGES}
    print(json.dumps({"versions": versions, "answers": found}))


if __name__ == "__main__":
    main()
