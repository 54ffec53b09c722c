"""What is allowed and yet asks for a second look: `landed check` prints it and does not fail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlglot import exp

from ..errors import Fault
from .catalog import Catalog
from .definitions import SemanticModel
from .expressions import parse_column_expression
from .names import show
from .planned_events import lint_planned_events

_TO_DAYS = (exp.DataType.Type.DATE,)


def warnings_of(catalog: Catalog, today: date) -> list[Fault]:
    """Every warning about a project's definitions.

    Args:
        today: What deprecations are held against.
    """
    return [
        *_zero_rules(catalog),
        *_duplicates(catalog),
        *(_fixed_zones(catalog) if catalog.time_zone != "UTC" else ()),
        *_uses_of_deprecated(catalog, today),
        *lint_planned_events(catalog, today),
    ]


def _zero_rules(catalog: Catalog) -> Iterator[Fault]:
    """Ratios that leave open what they are where there is nothing to divide by."""
    for metric in catalog.metrics.values():
        if metric.kind == "ratio" and metric.zero_denominator is None:
            yield Fault(
                f"the ratio {show(metric.name)} does not say what it is without a denominator",
                "config.meta.zero_denominator",
                str(metric.path),
                "write no_value (it has none there, as now) or zero.",
                "zero_rule",
            )


def _duplicates(catalog: Catalog) -> Iterator[Fault]:
    """The same formula under two names: one of them will be changed without the other."""
    first: dict[str, str] = {}
    for name, metric in catalog.metrics.items():
        other = first.setdefault(metric.digest, name)
        if other == name or metric.deprecated or catalog.metrics[other].deprecated:
            continue  # a metric and its successor compute the same for a while, as they should
        yield Fault(
            f"the metrics {show(other)} and {show(name)} compute the same",
            "one name for one formula",
            str(metric.path),
            "keep one of them; deprecate the other with `use`.",
            "duplicate_definition",
        )


def _fixed_zones(catalog: Catalog) -> Iterator[Fault]:
    """Instants cut to days in an expression: days of UTC, whatever the project's zone is."""
    for model in catalog.semantic_models.values():
        exprs = [(f"the dimension {show(one.name)}", one.expr) for one in model.dimensions.values()]
        exprs += [(f"the measure {show(one.name)}", one.expr) for one in model.measures.values()]
        for what, text in exprs:
            if _cuts_instant(model, parse_column_expression(text)):
                yield Fault(
                    f"{what} of {model.name} cuts a timestamp to periods of UTC",
                    "periods of the project's time zone",
                    str(model.path),
                    "use the timestamp itself as a dimension of type time.",
                    "fixed_zone",
                )


def _cuts_instant(model: SemanticModel, tree: exp.Expr) -> bool:
    for node in tree.find_all(exp.Cast, exp.TimestampTrunc):
        if isinstance(node, exp.Cast) and node.to.this not in _TO_DAYS:
            continue
        columns = [one.name for one in node.find_all(exp.Column)]
        if any(model.columns.get(name, "").lower().startswith("timestamp") for name in columns):
            return True
    return False


def _uses_of_deprecated(catalog: Catalog, today: date) -> Iterator[Fault]:
    """Metrics and saved queries made of a metric that is on its way out."""
    day = today.isoformat()
    uses = [
        (f"the metric {show(name)}", [item.metric for item in one.inputs], one.path)
        for name, one in catalog.metrics.items()
        if one.deprecated is None
    ]
    uses += [
        (f"the saved query {show(name)}", list(one.metrics), one.path)
        for name, one in catalog.saved_queries.items()
        if one.deprecated is None
    ]
    for what, names, path in uses:
        for name in dict.fromkeys(names):
            deprecated = catalog.metrics[name].deprecated
            if deprecated is not None and deprecated.since <= day:
                yield Fault(
                    f"{what} uses {show(name)}, deprecated until {deprecated.until}",
                    "one that stays",
                    str(path),
                    f"use {show(deprecated.use)}." if deprecated.use else "do without it.",
                    "deprecated_use",
                )
