"""The engines a compiled query can be written for.

The compiler builds one tree with DuckDB's meaning. Each engine's module lowers a copy of it to
constructs by which that engine computes the same values, and refuses what it has none for.
"""

from __future__ import annotations

from sqlglot import exp

from ...errors import PlanError
from .bigquery import BigQuery
from .clickhouse import ClickHouse
from .lowering import Inexpressible, Lowering
from .postgres import Postgres
from .snowflake import Snowflake
from .spark import Spark
from .trino import Trino

_LOWERINGS: dict[str, type[Lowering]] = {
    "postgres": Postgres,
    "clickhouse": ClickHouse,
    "spark": Spark,
    "trino": Trino,
    "bigquery": BigQuery,
    "snowflake": Snowflake,
}
DIALECTS = ("duckdb", *_LOWERINGS)

__all__ = ["DIALECTS", "Inexpressible", "check_dialect", "render"]


def check_dialect(dialect: str) -> None:
    """Refuse an engine that is not known.

    Raises:
        PlanError: With those that are.
    """
    if dialect not in DIALECTS:
        raise PlanError(
            f"the dialect `{dialect}` is not known",
            expected="one of " + ", ".join(DIALECTS),
            fix="leave it out for DuckDB.",
            code="dialect",
        )


def render(tree: exp.Expr, dialect: str) -> str:
    """The statement as text of one engine.

    Raises:
        PlanError: The dialect is not known.
        Inexpressible: The engine cannot compute a part of the statement exactly.
    """
    check_dialect(dialect)
    if dialect != "duckdb":
        tree = _LOWERINGS[dialect]().lower(tree)
    return tree.sql(dialect=dialect, comments=False, pretty=True)
