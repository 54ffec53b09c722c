"""SQL over metrics: SELECT MEASURE(m), dimensions FROM metrics, in the Postgres dialect.

The text is read into metric queries and a checked tree around them, and never passed through:
whatever is not on the lists is refused by name, with the fix in the same line.
"""

from __future__ import annotations

from datetime import date

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.names import refused, show
from .front_end_computed import metric_query
from .front_end_dates import fold_dates
from .front_end_joins import reads_metrics
from .front_end_outer import Reader
from .front_end_text import statement
from .names import resolve
from .query import MetricQuery
from .script import MetricScript


def parse_sql(
    sql: str, catalog: Catalog, *, today: date | None = None
) -> MetricQuery | MetricScript:
    """Read a statement over metrics: one metric query, or a script around several.

    Args:
        sql: The text, in the Postgres dialect.
        catalog: The definitions.
        today: The day that `current_date` means; None where it means none.

    Raises:
        QueryRefused: It is not allowed; one line that names the token and gives a fix.
    """
    tree = fold_dates(statement(sql), today)
    try:
        return _read(tree, catalog)
    except RecursionError:
        raise refused(f"{show(sql[:200])} nests too deeply", "simplify it.", "too_deep") from None


def parse_metric_sql(sql: str, catalog: Catalog, *, today: date | None = None) -> MetricQuery:
    """Read one metric query, for what takes no more: SELECT … FROM metrics, nothing around it.

    Raises:
        QueryRefused: It is not one; `parse_sql` may read it.
    """
    found = parse_sql(sql, catalog, today=today)
    if isinstance(found, MetricScript):
        raise refused(
            f"{show(sql[:200])} computes from metrics",
            "select MEASURE(<metric>) and dimensions alone.",
            "not_plain",
        )
    return found


def _read(tree: exp.Expr, catalog: Catalog) -> MetricQuery | MetricScript:
    if isinstance(tree, exp.Select) and not tree.args.get("with_") and reads_metrics(tree, {}):
        made = metric_query(tree, catalog)
        if made.query is not None:
            resolve(catalog, made.query)
            return made.query
    reader = Reader(catalog)
    built = reader.query(tree, {}, is_top=True)
    if not reader.parts:
        raise refused("the query names no metric", "select MEASURE(<metric>).", "no_metric")
    for part in reader.parts.values():
        resolve(catalog, part)
    return MetricScript(built.tree, tuple(reader.parts.items()), built.columns)
