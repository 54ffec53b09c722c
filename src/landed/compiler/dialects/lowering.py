"""What the engines' modules share: one walk over the tree, and a rule for each kind of node."""

from __future__ import annotations

import calendar
import functools
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import ClassVar

from sqlglot import exp

from ...errors import Fault, PlanError

_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_TEMPORAL = (
    exp.DataType.Type.DATE,
    exp.DataType.Type.TIMESTAMP,
    exp.DataType.Type.TIMESTAMPNTZ,
)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)
PREDICATES = (
    *_COMPARISONS, exp.Is, exp.Not, exp.And, exp.Or, exp.Boolean, exp.Like, exp.NullSafeEQ,
)  # fmt: skip

Rule = Callable[[exp.Expr], exp.Expr]
CODE = "dialect_inexpressible"


class Inexpressible(PlanError):
    """An engine has no construct for a part of a query that gives DuckDB's value.

    Args:
        dialect: The engine.
        construct: The part, in words.
        fix: What the reader can do.
        faults: The same, metric by metric, where that is known.
    """

    def __init__(
        self, dialect: str, construct: str, fix: str, faults: Sequence[Fault] = ()
    ) -> None:
        what = f"{construct} cannot be written for {dialect} with the same value"
        super().__init__(faults or Fault(what, fix=fix, code=CODE))
        self.dialect = dialect
        self.construct = construct
        self.fix = fix


class Lowering:
    """Lowers a tree with DuckDB's meaning to one engine.

    A subclass names its engine and overrides what the engine does in its own way. Nodes are
    lowered from the leaves up, so that a rule finds its operands lowered.
    """

    name: ClassVar[str]
    #: Constructs that definitions may hold and for which the engine has nothing exact.
    refused: ClassVar[dict[type[exp.Expr], str]] = {}
    has_filter: ClassVar[bool] = True  # `aggregate filter (where …)`
    has_range_of_months: ClassVar[bool] = False  # frames such as `range interval '1 month' …`
    has_is_true: ClassVar[bool] = False  # `condition is true`
    rounds_half_even: ClassVar[bool] = False  # a cast to a whole number
    skips_null_in_greatest: ClassVar[bool] = True
    keeps_backslash_in_like: ClassVar[bool] = False

    def lower(self, tree: exp.Expr) -> exp.Expr:
        """A copy of the tree for this engine.

        Raises:
            Inexpressible: A part has no exact form here.
        """
        rules = self.rules()

        def visit(node: exp.Expr) -> exp.Expr:
            for kind, why in _REFUSED.items() | self.refused.items():
                if isinstance(node, kind):
                    raise Inexpressible(self.name, why, "compute it in the mart.")
            if isinstance(node, exp.Anonymous) and node.name.lower() == "hash":
                return self.hashed(*node.expressions)
            rule = rules.get(type(node))
            return node if rule is None else rule(node)

        tree = tree.copy()
        for node in list(tree.find_all(*_COMPARISONS)):
            _read_as_times(node)
        if not self.has_filter:
            for one in list(tree.find_all(exp.Filter)):
                one.replace(filtered(one))
        return self.finish(bottom_up(tree, visit))

    def rules(self) -> dict[type[exp.Expr], Rule]:
        """What becomes of each kind of node."""
        return {
            exp.Window: self.window,
            exp.Cast: self.cast,
            exp.TryCast: self.try_cast,
            exp.TimestampTrunc: self.truncated,
            exp.NullSafeEQ: self.null_safe,
            exp.WithinGroup: self.percentile,
            exp.Avg: self.average,
            exp.Like: self.like,
            exp.DateDiff: self.days_between,
            exp.Is: self.is_,
            exp.ConvertTimezone: self.local,
            exp.Greatest: self.extreme,
            exp.Least: self.extreme,
            exp.BitwiseRightShift: self.shifted,
        }

    def finish(self, tree: exp.Expr) -> exp.Expr:
        """The last step, on the whole statement."""
        return tree

    # -- one kind of node each -------------------------------------------------------------------

    def cast(self, node: exp.Expr) -> exp.Expr:
        """Casts that mean the same; a truth value becomes a number by CASE."""
        to = node.args["to"].this
        kinds = exp.DataType.Type
        value = node.this.unnest()
        is_truth = isinstance(value, PREDICATES)
        if is_truth and to in (kinds.DOUBLE, kinds.INT, kinds.BIGINT):
            return self._number_of(node, value)
        if not node.meta.get("is_defined"):
            return node
        if to in (kinds.INT, kinds.BIGINT) and not (
            self.rounds_half_even or isinstance(value, exp.Literal | exp.Null)
        ):
            raise Inexpressible(
                self.name,
                "a cast to a whole number",
                "compute it in the mart, or write `case when … then 1 else 0 end`.",
            )
        if to in (kinds.VARCHAR, kinds.TEXT, kinds.BOOLEAN) and not isinstance(value, exp.Literal):
            raise Inexpressible(
                self.name, f"a cast to {to.value.lower()}", "compute it in the mart."
            )
        return node

    def try_cast(self, node: exp.Expr) -> exp.Expr:
        """A cast whose failure is NULL: of definitions refused, of the compiler one of numbers."""
        if node.meta.get("is_defined"):
            raise Inexpressible(self.name, "try_cast", "compute it in the mart.")
        return self.cast(exp.Cast(this=node.this, to=node.args["to"]))

    def truncated(self, node: exp.Expr) -> exp.Expr:
        """The start of a period, as a timestamp without a zone."""
        node.set("this", self.instant(node.this))
        return node

    def null_safe(self, node: exp.Expr) -> exp.Expr:
        """Equality in which NULL equals NULL."""
        return node

    def average(self, node: exp.Expr) -> exp.Expr:
        """A mean of decimals keeps only their digits in some engines; of doubles in none."""
        node.set("this", self.double(node.this))
        return node

    def percentile(self, node: exp.Expr) -> exp.Expr:
        """A percentile between two values, or one that occurs."""
        return node

    def like(self, node: exp.Expr) -> exp.Expr:
        """A pattern; a backslash in it means itself in DuckDB."""
        if not self.keeps_backslash_in_like and "\\" in node.expression.name:
            raise Inexpressible(self.name, "a backslash in LIKE", "compute it in the mart.")
        return node

    def days_between(self, node: exp.Expr) -> exp.Expr:
        """Midnights between two times; of other units engines count different things."""
        if node.text("unit").upper() not in ("", "DAY"):
            raise Inexpressible(
                self.name, "date_diff of other units than days", "compute it in the mart."
            )
        return self.days(node.this, node.expression)

    def days(self, later: exp.Expr, earlier: exp.Expr) -> exp.Expr:
        """Days from one day to another."""
        return exp.DateDiff(
            this=self.date(later.copy()), expression=self.date(earlier.copy()), unit=exp.var("DAY")
        )

    def is_(self, node: exp.Expr) -> exp.Expr:
        """`is null`, or `is true` where the engine lacks it."""
        if self.has_is_true or not isinstance(node.expression, exp.Boolean):
            return node
        wanted = bool(node.expression.this)
        other = exp.Boolean(this=not wanted)
        value = exp.Coalesce(this=node.this, expressions=[other])
        return value if wanted else exp.Not(this=value)

    def local(self, node: exp.Expr) -> exp.Expr:
        """What a zone's clock shows at an instant in UTC."""
        raise Inexpressible(self.name, "a time zone", "leave the zone out.")

    def extreme(self, node: exp.Expr) -> exp.Expr:
        """The greatest or least value, NULL left out."""
        if self.skips_null_in_greatest:
            return node
        values = [node.this, *node.expressions]
        kept = [
            exp.Coalesce(
                this=one.copy(), expressions=[other.copy() for other in values if other is not one]
            )
            for one in values
        ]
        return type(node)(this=kept[0], expressions=kept[1:])

    def hashed(self, value: exp.Expr) -> exp.Expr:
        """64 well mixed bits of a value that is not NULL; equal values have equal ones.

        A function that the engine calls `hash` may have fewer bits, or mix them less.
        """
        raise Inexpressible(self.name, "an estimate of distinct values", "count them exactly.")

    def shifted(self, node: exp.Expr) -> exp.Expr:
        """Bits shifted to the right; only in some engines are those that come in all zero."""
        kept = exp.convert(2 ** (64 - int(node.expression.name)) - 1)
        return exp.BitwiseAnd(this=exp.paren(node), expression=kept)

    # -- window frames ---------------------------------------------------------------------------

    def window(self, node: exp.Expr) -> exp.Expr:
        """A frame from `span - 1 day` back, over numbers of days where the engine needs it.

        Months differ in length: for each length that so many of them have there is a frame, and
        CASE takes that of the row's day.
        """
        spec = node.args.get("spec")
        start = spec.args.get("start") if spec is not None else None
        if not isinstance(start, exp.Expr) or isinstance(start, exp.Literal):
            return node
        if not isinstance(start, exp.Sub) or _unit(start.expression) != (1, "DAY"):
            raise Inexpressible(
                self.name, "a window over a stretch of time", "name a span of days."
            )
        if self.has_range_of_months:
            return node
        count, unit = _unit(start.this)
        if unit == "DAY":
            return self._reaching(node, count - 1)
        months = count * _MONTHS[unit]
        day = node.args["order"].expressions[0].this
        earlier = exp.paren(
            exp.Sub(this=self.instant(day.copy()), expression=self.months(months)), copy=False
        )
        return exp.Case(
            this=self.days(day, earlier),
            ifs=[
                exp.If(this=exp.Literal.number(one), true=self._reaching(node.copy(), one - 1))
                for one in _lengths(months)
            ],
        )

    def _reaching(self, node: exp.Expr, days: int) -> exp.Expr:
        """The window with a frame that reaches so many days back."""
        ordered = node.args["order"].expressions[0]
        ordered.set("this", self.days(ordered.this, exp.Literal.string("1970-01-01")))
        node.args["spec"].set("start", exp.Literal.number(days))
        return node

    # -- words -----------------------------------------------------------------------------------

    def instant(self, tree: exp.Expr) -> exp.Expr:
        """The tree as a timestamp without a zone."""
        return self.cast(exp.cast(tree, "timestamp", copy=False))

    def date(self, tree: exp.Expr) -> exp.Expr:
        """The tree as a day."""
        return self.cast(exp.cast(tree, "date", copy=False))

    def double(self, tree: exp.Expr) -> exp.Expr:
        """The tree in double precision."""
        return self.cast(exp.cast(tree, "double", copy=False))

    def months(self, count: int) -> exp.Expr:
        """An interval of months."""
        return exp.Interval(this=exp.Literal.string(str(count)), unit=exp.var("MONTH"))

    def _number_of(self, node: exp.Expr, condition: exp.Expr) -> exp.Expr:
        """1 where a condition holds, 0 where it does not, NULL where that is not known."""
        zero = exp.If(
            this=exp.Not(this=exp.paren(condition.copy(), copy=False)), true=exp.Literal.number(0)
        )
        one = exp.If(this=condition, true=exp.Literal.number(1))
        node.set("this", exp.Case(ifs=[one, zero]))
        return node


#: Constructs of column expressions on which no two engines agree.
_REFUSED: dict[type[exp.Expr], str] = {
    exp.Round: "round",
    exp.JSONExtract: "a JSON path",
    exp.JSONExtractScalar: "a JSON path",
    exp.TimeToUnix: "epoch",
}


def bottom_up(node: exp.Expr, visit: Rule) -> exp.Expr:
    """Visit every node after those below it; what a visit returns takes the node's place."""
    for child in list(node.iter_expressions()):
        found = bottom_up(child, visit)
        if found is not child:
            child.replace(found)
    return visit(node)


def filtered(node: exp.Filter) -> exp.Expr:
    """`aggregate filter (where condition)` as the aggregate of a CASE."""
    condition: exp.Expr = node.expression.this
    aggregate: exp.Expr = node.this

    def only(value: exp.Expr) -> exp.Case:
        return exp.Case(ifs=[exp.If(this=condition.copy(), true=value)])

    if isinstance(aggregate, exp.WithinGroup):
        for ordered in aggregate.expression.expressions:
            ordered.set("this", only(ordered.this))
        return aggregate
    argument = aggregate.this
    if isinstance(argument, exp.Star):
        aggregate.set("this", only(exp.Literal.number(1)))
    elif isinstance(argument, exp.Distinct):
        argument.set("expressions", [only(one) for one in argument.expressions])
    else:
        aggregate.set("this", only(argument))
    return aggregate


def function(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A function of an engine that the tree has no node for."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def _read_as_times(node: exp.Expr) -> None:
    """Text compared with a time becomes one: not every engine reads it so by itself."""
    if any(_is_temporal(one) for one in node.iter_expressions()):
        for one in list(node.iter_expressions()):
            if isinstance(one, exp.Literal) and one.is_string:
                one.replace(exp.cast(one.copy(), "timestamp", copy=False))


def _is_temporal(node: exp.Expr) -> bool:
    node = node.unnest()
    if isinstance(node, exp.TimestampTrunc):
        return True
    if isinstance(node, exp.Add | exp.Sub):
        return any(isinstance(one, exp.Interval) for one in node.iter_expressions())
    if isinstance(node, exp.Cast):
        return node.args["to"].this in _TEMPORAL
    return node.type is not None and node.type.this in _TEMPORAL


def _unit(interval: exp.Expr) -> tuple[int, str]:
    """Count and unit of an interval."""
    return int(interval.this.name), interval.text("unit").upper()


@functools.cache
def _lengths(months: int) -> tuple[int, ...]:
    """In days, how far back so many months reach, from any day of the calendar."""
    found = set()
    day = date(2000, 1, 1)
    while day < date(2012, 1, 1):  # leap years are where months differ; centuries are no longer
        year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        found.add((day - date(year, month + 1, min(day.day, last))).days)
        day += timedelta(days=1)
    # across 1900 or 2100 a day is missing
    return tuple(sorted(found | {min(found) - 1} if months >= 12 else found))
