"""Digest of the project's own SQL that a metric's rows and values come through.

A change of a mart is a change of the number, however little the definition says of it. Only what
the metric reads counts: a column more, a comment, another layout or another spelling do not. The
core's models belong to the version of landed, as its own code does, and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from ..documents import digest
from .definitions import EXPOSURES_MODEL, SemanticModel
from .diff_trees import normal
from .expressions import column_names, parse_column_expression, parse_condition
from .formulas import Formula, Vocabulary, aggregates
from .lineage_models import Models
from .lineage_sql import Field
from .lineage_templates import REF, UnreadError

_REFERENCE = re.compile(r"ref\(\s*(?:'[^']*'\s*,\s*)?['\"]([^'\"]+)['\"]\s*\)")
_COMMENT = re.compile(r"\{#.*?#\}|/\*.*?\*/|--[^\n]*", re.DOTALL)
_EXPOSURE_COLUMNS = ("release", "unit_id", "variant", "exposed_at", "is_bot", "is_crossover")


class SqlDigests:
    """Digests of SQL by metric, each worked out once.

    Args:
        models: SQL of all models, read without what dbt compiled: that differs by the kind of
            build, and a number does not.
        own: Names of the models that the project itself holds.
    """

    def __init__(self, models: Models, own: frozenset[str]) -> None:
        self._models = models
        self._own = own
        self._found: dict[str, str] = {}

    def of(self, metric: str, formula: Formula, vocabulary: Vocabulary) -> str:
        """Digest of the SQL behind a metric; empty where no SQL of the project is behind it."""
        if metric not in self._found:
            self._found[metric] = self._digest(formula, vocabulary)
        return self._found[metric]

    def _digest(self, formula: Formula, vocabulary: Vocabulary) -> str:
        read = _Reading(self._models)
        for name in _EXPOSURE_COLUMNS:
            read.column(Field(f"{REF}.{EXPOSURES_MODEL}", name))
        read.rows(EXPOSURES_MODEL)
        for model, expr in _expressions(formula, vocabulary):
            for name in column_names(parse_column_expression(expr)):
                read.column(Field(f"{REF}.{model.model}", name.lower()))
            read.rows(model.model)
        read.follow()
        forms = {name: self._form(name, read.of(name)) for name in read.models() & self._own}
        return digest({"models": forms}) if forms else ""

    def _form(self, model: str, wanted: frozenset[str] | None) -> Any:
        try:
            tree = self._models.statement(model).tree
        except UnreadError:
            return ["text", " ".join(_COMMENT.sub(" ", self._models.text(model)).split())]
        kept = tree if wanted is None else without_unread(tree, wanted)
        return normal(kept, lambda column: [column.table.lower(), column.name.lower()])


def _expressions(formula: Formula, vocabulary: Vocabulary) -> Iterator[tuple[SemanticModel, str]]:
    """Every expression over columns that a formula reads, with the model that it is over."""
    for one in aggregates(formula):
        time = one.measure.agg_time_dimension
        yield one.fact, one.measure.expr
        yield one.fact, one.fact.dimensions[time].expr
        if one.fact.unit is not None:
            yield one.fact, one.fact.unit.expr
        for text in one.filters:
            for reference in parse_condition(text).references:
                place = vocabulary.place(one.fact, reference, time)
                yield place.model, place.expr
                left = one.fact
                for hop in place.path:
                    yield left, hop.key
                    yield hop.model, hop.model_key
                    left = hop.model


class _Reading:
    """Which columns of which models are read, through all models on the way."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._columns: set[Field] = set()
        self._rows: set[str] = set()
        self._whole: set[str] = set()  # models whose columns cannot be told apart
        self._waiting: list[Field | str] = []

    def column(self, field: Field) -> None:
        """Note a column as read."""
        if field.table.startswith(f"{REF}.") and field not in self._columns:
            self._columns.add(field)
            self._waiting.append(field)

    def rows(self, model: str) -> None:
        """Note the rows of a model as read."""
        if model not in self._rows:
            self._rows.add(model)
            self._waiting.append(model)

    def follow(self) -> None:
        """Note all that what is noted is made of."""
        known = self._models.names()
        while self._waiting:
            one = self._waiting.pop()
            model = one if isinstance(one, str) else one.table.partition(".")[2]
            if model not in known:
                continue
            try:
                if isinstance(one, str):
                    chosen, upstream = self._models.rows(model)
                else:
                    chosen, upstream = self._models.sources(model, one.name)[0], set()
            except UnreadError:
                self._whole.add(model)
                chosen, upstream = set(), set(_REFERENCE.findall(self._models.text(model)))
            for field in chosen:
                self.column(field)
            for name in upstream:
                self.rows(name)

    def models(self) -> frozenset[str]:
        """Models that something is read of."""
        return frozenset(self._rows | {one.table.partition(".")[2] for one in self._columns})

    def of(self, model: str) -> frozenset[str] | None:
        """Columns that are read of a model; None for all."""
        if model in self._whole:
            return None
        table = f"{REF}.{model}"
        return frozenset(one.name.lower() for one in self._columns if one.table == table)


def without_unread(tree: exp.Expr, wanted: frozenset[str]) -> exp.Expr:
    """A statement without the columns that neither its reader wants nor it reads itself.

    Names alone decide, whatever table expression they stand in: a column too many stays rather
    than one too few. Where the place of a column says something (UNION, DISTINCT, `group by 1`),
    all stay.
    """
    tree = tree.copy()
    selects = list(tree.find_all(exp.Select))
    open_ = [one for one in selects if _is_named(one, tree)]
    read = set(wanted)
    size = -1
    while size != len(read):
        size = len(read)
        for select in selects:
            is_open = any(select is one for one in open_)
            for key, value in select.args.items():
                items = value if isinstance(value, list) else [value]
                for item in items:
                    if key == "expressions" and is_open and not _is_read(item, read):
                        continue
                    if isinstance(item, exp.Expr) and key != "with_":
                        read |= {column.name.lower() for column in item.find_all(exp.Column)}
    for select in open_:
        kept = [one for one in select.expressions if _is_read(one, read)]
        select.set("expressions", kept or select.expressions)
    return tree


def _is_read(item: exp.Expr, read: set[str]) -> bool:
    return item.is_star or item.alias_or_name.lower() in read


def _is_named(select: exp.Select, tree: exp.Expr) -> bool:
    """Whether only the names of its columns matter to who reads it."""
    grouped = select.args.get("group")
    by_place = grouped is not None and any(
        isinstance(one, exp.Literal) for one in grouped.expressions
    )
    is_table = select is tree or isinstance(select.parent, exp.CTE)
    return is_table and not by_place and not select.args.get("distinct")
