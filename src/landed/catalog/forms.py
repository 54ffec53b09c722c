"""Which form a metric's outcome has for one unit, or why it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from .definitions import EXPOSED_UNITS, EXPOSURES_MODEL, Metric, SemanticModel, UnitFormName
from .expressions import canonical, parse_column_expression
from .formulas import Aggregate, Formula, Quotient

#: Aggregations that say where a row ranks among all rows, not among a unit's.
_OF_RANKS = {
    "min": "minimum",
    "max": "maximum",
    "median": "median",
    "percentile": "percentile",
}
_ADDITIVE = ("sum", "count", "count_distinct", "sum_boolean")


@dataclass(frozen=True)
class UnitForm:
    """How a unit's outcome is computed.

    Args:
        name: mean, proportion, ratio or unit_mean.
        numerator: Whose value is the outcome (ratio: the numerator).
        denominator: Ratio only. For a simple average it is the count of its non-null values.
    """

    name: UnitFormName
    numerator: Aggregate
    denominator: Aggregate | None = None


@dataclass(frozen=True, slots=True)
class RankForm:
    """A quantile of rows: it has no value for a unit, and an estimate all the same.

    Args:
        aggregate: The median or percentile.
        quantile: Share of rows at or below it. 0 to 1.
        is_discrete: Whether it is a value that occurs, else one between two.
        relative_error: Most that a value may be off. Share; 0.0 as long as rows are ranked
            exactly, which they are wherever a release is measured.
    """

    aggregate: Aggregate
    quantile: float
    is_discrete: bool
    relative_error: float = 0.0


@dataclass(frozen=True, slots=True)
class NoUnitForm:
    """Why a metric has no unit outcome.

    Args:
        reason: One sentence.
        kind: `refused` where a release may not name the metric; `not_estimable` where it may,
            and its estimate says so.
    """

    reason: str
    kind: Literal["refused", "not_estimable"] = "refused"


def unit_form(metric: Metric, formula: Formula) -> UnitForm | NoUnitForm:
    """The form of a metric's outcome for one unit of a release."""
    if metric.name == EXPOSED_UNITS:
        return NoUnitForm("it counts the population itself")
    if isinstance(formula, Aggregate):
        return _simple(formula)
    if not isinstance(formula, Quotient):
        return NoUnitForm(f"a {metric.kind} metric has no value for a single unit")
    top, bottom = formula.numerator, formula.denominator
    if not (isinstance(top, Aggregate) and isinstance(bottom, Aggregate)):
        return NoUnitForm("a ratio of metrics that are not simple has no value for a single unit")
    for side, one in (("numerator", top), ("denominator", bottom)):
        if one.measure.agg not in _ADDITIVE:
            return NoUnitForm(f"its {side} is a {one.measure.agg}, which does not add up over rows")
    if is_exposed_units(formula):
        blocked = _without_rows(top.fact, top)
        if blocked:
            return blocked
        # every unit of the population counts 1 below the line: the ratio is a plain mean
        return UnitForm("proportion" if _counts_units(top) else "mean", top)
    blocked = _without_rows(top.fact, top) or _without_rows(bottom.fact, bottom)
    return blocked or UnitForm("ratio", top, bottom)


def rank_form(metric: Metric, formula: Formula) -> RankForm | None:
    """The quantile that a median or percentile metric is; None for every other metric."""
    if not isinstance(formula, Aggregate) or formula.measure.agg not in ("median", "percentile"):
        return None
    # a cap is on what a unit's rows come to, and these are not added up
    if metric.cap_value is not None or _without_rows(formula.fact, formula) is not None:
        return None
    share = formula.measure.percentile
    return RankForm(formula, 0.5 if share is None else share, formula.measure.is_discrete)


def is_exposed_units(formula: Quotient) -> bool:
    """Whether the denominator is the built-in count of exposed units, unfiltered."""
    below = formula.denominator
    return (
        formula.denominator_metric == EXPOSED_UNITS
        and isinstance(below, Aggregate)
        and below.fact.model == EXPOSURES_MODEL
        and not below.filters
    )


def _simple(formula: Aggregate) -> UnitForm | NoUnitForm:
    blocked = _without_rows(formula.fact, formula)
    if blocked:
        return blocked
    if formula.is_unit_mean:
        return UnitForm("unit_mean", formula)
    if formula.measure.agg == "average":
        return UnitForm("ratio", formula)
    name = _OF_RANKS.get(formula.measure.agg)
    if name is not None:
        return NoUnitForm(f"a {name} over units needs a quantile method", "not_estimable")
    return UnitForm("mean", formula)


def _without_rows(fact: SemanticModel, aggregate: Aggregate) -> NoUnitForm | None:
    """Why a unit's rows of a fact cannot be found in its outcome window."""
    if fact.unit is None:
        return NoUnitForm(f"the semantic model {fact.name} has no entity `unit`")
    if aggregate.measure.non_additive is not None:
        name = aggregate.measure.name
        return NoUnitForm(f"{name} is a level at one moment: a unit's rows do not add up to it")
    if fact.time_type(aggregate.measure.agg_time_dimension) == "date":
        return NoUnitForm(
            f"{fact.name} knows the day of a row only; an outcome window needs the instant"
        )
    return None


def _counts_units(aggregate: Aggregate) -> bool:
    """Whether it counts distinct units, all of its rows' or those under a condition."""
    unit = aggregate.fact.unit
    if unit is None or aggregate.measure.agg != "count_distinct":
        return False
    key = canonical(parse_column_expression(unit.expr))
    tree = parse_column_expression(aggregate.measure.expr).unnest()
    if not isinstance(tree, exp.Case):
        return bool(canonical(tree) == key)
    default = tree.args.get("default")
    return (default is None or isinstance(default, exp.Null)) and all(
        canonical(branch.args["true"]) == key for branch in tree.args["ifs"]
    )
