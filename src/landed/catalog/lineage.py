"""Where a metric's number comes from: measures, mart columns, models' columns, lake, source fields.

A graph of named things, each with what it reads. Values are followed to the end; of rows it is said
by which columns they are chosen. What cannot be read is a node of its own that says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .catalog import Catalog
from .definitions import Measure, SemanticModel
from .expressions import column_names, parse_column_expression, parse_condition
from .formulas import Aggregate, aggregates
from .lineage_models import Models
from .lineage_sources import SourceMap
from .lineage_sql import Field
from .lineage_templates import REF, SOURCE, UnreadError

NodeKind = Literal[
    "metric", "measure", "condition", "time", "column", "rows", "lake", "field", "unread"
]


@dataclass(frozen=True, order=True, slots=True)
class NodeId:
    """What a node is, and its name there: column `fct_payments.amount_usd`."""

    kind: NodeKind
    name: str


@dataclass(frozen=True, slots=True)
class Node:
    """One thing on the way.

    Args:
        said: How it is made of what it reads: an expression, a condition; empty for as it is.
        file: Where that is written.
        reads: What its value is made of.
    """

    id: NodeId
    said: str = ""
    file: str = ""
    reads: tuple[NodeId, ...] = ()


@dataclass(frozen=True)
class Lineage:
    """All that a metric is made of.

    Args:
        root: The metric.
        nodes: Every node on the way, by id; what is read before what reads it stands later.
    """

    root: NodeId
    nodes: Mapping[NodeId, Node] = field(default_factory=dict)

    def ends(self) -> tuple[NodeId, ...]:
        """The nodes that read nothing further, sorted."""
        return tuple(sorted(one.id for one in self.nodes.values() if not one.reads))

    def unread(self) -> tuple[Node, ...]:
        """What could not be read, each with the reason."""
        return tuple(one for one in self.nodes.values() if one.id.kind == "unread")


def lineage_of(metric: str, catalog: Catalog, models: Models, sources: SourceMap) -> Lineage:
    """The lineage of a metric.

    Args:
        models: SQL of the dbt models.
        sources: What the lake's columns are filled from.

    Raises:
        ContractError: There is no such metric.
    """
    return _Tracer(catalog, models, sources).trace(metric)


class _Tracer:
    """Follows names, each once."""

    def __init__(self, catalog: Catalog, models: Models, sources: SourceMap) -> None:
        self._catalog = catalog
        self._models = models
        self._sources = sources
        self._nodes: dict[NodeId, Node] = {}

    def trace(self, metric: str) -> Lineage:
        root = self._metric(self._catalog.metric(metric).name)
        return Lineage(root, dict(self._nodes))

    def _add(self, node_id: NodeId, said: str, file: Path | str, reads: Iterator[NodeId]) -> NodeId:
        if node_id not in self._nodes:
            self._nodes[node_id] = Node(node_id)  # while its own are followed: a circle ends here
            found = tuple(dict.fromkeys(reads))
            self._nodes[node_id] = Node(node_id, said, str(file), found)
        return node_id

    def _metric(self, name: str) -> NodeId:
        metric = self._catalog.metrics[name]
        reads: Iterator[NodeId]
        if metric.inputs:
            said = metric.expr or " / ".join(one.metric for one in metric.inputs)
            reads = (self._metric(one.metric) for one in metric.inputs)
        else:
            said = metric.kind
            reads = self._of_measures(name)
        return self._add(NodeId("metric", name), said, metric.path, reads)

    def _of_measures(self, name: str) -> Iterator[NodeId]:
        for one in aggregates(self._catalog.formula(name)):
            yield self._measure(one.fact, one.measure)
            for text in one.filters:
                yield self._condition(one, text)

    def _measure(self, model: SemanticModel, measure: Measure) -> NodeId:
        def reads() -> Iterator[NodeId]:
            yield from self._expression(model, measure.expr)
            time = model.dimensions[measure.agg_time_dimension]
            name = f"{model.name}.{time.name}"
            columns = self._expression(model, time.expr)
            yield self._add(NodeId("time", name), time.expr, model.path, columns)
            yield self._rows(model.model)

        said = f"{measure.agg}({measure.expr})"
        return self._add(
            NodeId("measure", f"{model.name}.{measure.name}"), said, model.path, reads()
        )

    def _condition(self, one: Aggregate, text: str) -> NodeId:
        def reads() -> Iterator[NodeId]:
            time = one.measure.agg_time_dimension
            for reference in parse_condition(text).references:
                place = self._catalog.vocabulary.place(one.fact, reference, time)
                yield from self._expression(place.model, place.expr)
                left = one.fact
                for hop in place.path:
                    yield from self._expression(left, hop.key)
                    yield from self._expression(hop.model, hop.model_key)
                    left = hop.model

        return self._add(NodeId("condition", text), "", one.fact.path, reads())

    def _expression(self, model: SemanticModel, text: str) -> Iterator[NodeId]:
        for name in column_names(parse_column_expression(text)):
            yield self._column(Field(f"{REF}.{model.model}", name.lower()))

    def _column(self, column: Field) -> NodeId:
        schema, _, table = column.table.partition(".")
        if schema == SOURCE:
            name = f"{table}.{column.name}"
            fields = (
                self._add(NodeId("field", one.name), one.said, one.file, iter(()))
                for one in self._sources.fields(table, column.name)
            )
            return self._add(NodeId("lake", name), "", "", fields)
        name = f"{table}.{column.name}"
        node_id = NodeId("column", name)
        if node_id in self._nodes:
            return node_id
        if schema != REF:
            return self._unread(node_id, f"the table {column.table} is no model and no source")
        try:
            found, said = self._models.sources(table, column.name)
        except UnreadError as error:
            return self._unread(node_id, str(error), self._models.file(table))
        reads = (self._column(one) for one in sorted(found))
        return self._add(node_id, "; ".join(said[:1]), self._models.file(table), reads)

    def _rows(self, table: str) -> NodeId:
        """By what a model's rows are chosen, and those of the models it reads."""
        node_id = NodeId("rows", table)
        if node_id in self._nodes:
            return node_id
        try:
            chosen, upstream = self._models.rows(table)
        except UnreadError as error:
            return self._unread(node_id, str(error), self._models.file(table))

        def reads() -> Iterator[NodeId]:
            for one in sorted(chosen):
                yield self._column(one)
            for name in sorted(upstream):
                yield self._rows(name)

        return self._add(node_id, "", self._models.file(table), reads())

    def _unread(self, node_id: NodeId, why: str, file: Path | str = "") -> NodeId:
        cause = NodeId("unread", f"{node_id.name}: {why}")
        inner = (self._add(one, why, file, iter(())) for one in [cause])
        return self._add(node_id, "", file, inner)
