"""How the SQL of models differs: what metrics are computed from, before any definition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from .diff_changes import Change, Version
from .diff_trees import normal
from .lineage_models import Models
from .lineage_sql import Statement
from .lineage_templates import UnreadError


def sql_changes(base: Version, head: Version) -> Iterator[Change]:
    """Models that both versions have and that select otherwise, with the metrics behind them."""
    if base.models is None or head.models is None:
        return
    readers: dict[str, list[str]] | None = None
    for name in sorted(base.models.names() & head.models.names()):
        rule, what = _compared(name, base.models, head.models)
        if not rule:
            continue
        if readers is None:  # following what reads what costs more than most comparisons
            readers = _readers(head, head.models)
        owners = tuple(readers.get(name, ()))
        file = head.file(head.models.path(name))
        yield Change(rule, "model", name, what, file, owners if rule == "model_sql" else ())


def _compared(name: str, before: Models, after: Models) -> tuple[str, str]:
    """The rule of a model's change and what it is; empty where its text is the same."""
    try:
        if before.written(name) == after.written(name):
            return "", ""
        old, new = before.statement(name), after.statement(name)
    except UnreadError as error:
        if before.text(name) == after.text(name):
            return "", ""
        return "model_sql", f"its text changed, and cannot be read without dbt: {error}"
    if _form(old.tree) == _form(new.tree):
        return "written_otherwise", "its SQL is the same, written otherwise"
    known = old.outputs()
    if known is not None and _form(_without_new(new, known)) == _form(old.tree):
        added = [one for one in new.outputs() or () if one not in known]
        return "model_columns", f"it has more columns: {', '.join(added)}"
    return "model_sql", "its SQL selects otherwise"


def _form(tree: exp.Expr) -> Any:
    return normal(tree, lambda column: [column.table.lower(), column.name.lower()])


def _without_new(statement: Statement, known: tuple[str, ...]) -> exp.Expr:
    """The statement without the columns that are new in its last table expression."""
    tree = statement.tree.copy()
    last: exp.Expr = tree
    if isinstance(tree, exp.Select) and tree.is_star and len(tree.expressions) == 1:
        from_ = tree.args.get("from_")
        read = from_.this.name.lower() if from_ is not None else ""
        for cte in tree.ctes:
            if cte.alias.lower() == read:
                last = cte.this
    if isinstance(last, exp.Select):
        kept = [
            one for one in last.expressions if one.is_star or one.alias_or_name.lower() in known
        ]
        last.set("expressions", kept)
    return tree


def _readers(version: Version, models: Models) -> dict[str, list[str]]:
    """By model: the metrics made of measures whose rows come through it."""
    found: dict[str, list[str]] = {}
    for metric in version.plain_metrics:
        seen: set[str] = set()
        waiting = list(version.catalog.models_read_by(metric))
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            try:
                waiting.extend(models.upstream(name))
            except UnreadError:
                continue  # it is named itself where it changed
        for name in seen:
            found.setdefault(name, []).append(metric)
    return found
