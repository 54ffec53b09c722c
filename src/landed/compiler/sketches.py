"""Sketches in plain SQL: distinct values and percentiles in small states that merge exactly.

* Distinct values: HyperLogLog. Of every register (a hash modulo 4096) the least hash is kept, whose
  leading zeros are the register's rank. Two states merge by the lesser hash of each register.
  Standard error 1.04 / sqrt(4096) = 1.6 %, at every size (Flajolet et al. 2007; the estimate is the
  one of Ertl 2017, section 4, which needs neither a switch for small sizes nor a table of biases).
* Percentiles: DDSketch. Values are counted in buckets whose ends are powers of 1.01 / 0.99; two
  states merge by adding. Every percentile is within 1 % of the value of its rank (Masson et al.
  2019, propositions 3 and 4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from ..catalog.definitions import DISTINCT_REGISTERS, PERCENTILE_ERROR, Measure
from ..catalog.formulas import Aggregate
from .facts import ROWS, FactScan
from .parts import Frame, grouped
from .syntax import aliased, all_of, below, column, common, double, expression, is_known, named

HASH_BITS = 62  # of 64: both signs and every engine's whole numbers hold them
GAMMA = (1 + PERCENTILE_ERROR) / (1 - PERCENTILE_ERROR)
_NOTHING = 1e-290
_SERIES = 20  # terms of sigma; the next one is below 1e-30 for one filled register of 4096

VALUE = "v"
REGISTER, LEAST = "register", "least"
SIDE, BUCKET, COUNTED = "side", "bucket", "counted"
_HASHED, _UPTO, _TOTAL = "hashed", "upto", "total"


@dataclass
class Sketched:
    """Sketched aggregates of one expression under the same conditions, in columns `a0`, `a1` …"""

    scan: FactScan
    aggregate: Aggregate
    measures: list[Measure] = field(default_factory=list)

    @property
    def scans(self) -> Sequence[FactScan]:
        """The fact it reads."""
        return (self.scan,)

    def add(self, measure: Measure) -> int:
        """Position of a percentile (or of the distinct values); the same one is computed once."""
        asked = [(one.percentile, one.is_discrete) for one in self.measures]
        if (measure.percentile, measure.is_discrete) not in asked:
            self.measures.append(measure)
            return len(self.measures) - 1
        return asked.index((measure.percentile, measure.is_discrete))

    def tables(self, name: str, frame: Frame) -> list[exp.CTE]:
        """The state of each group, and what it says."""
        scan, measure = self.scan, self.aggregate.measure
        groups, own = frame.groups(scan), scan.filters(self.aggregate)
        kept = all_of([*frame.conditions(scan), *([own] if own is not None else [])])
        value = aliased(expression(measure.expr, ROWS), VALUE)
        rows = scan.source(frame.relations).select(*groups, value, copy=False)
        rows = rows if kept is None else rows.where(kept, copy=False)
        state, keys = f"{name}_state", frame.columns
        if measure.agg == "count_distinct":
            return [common(state, registers(rows, keys)), *distinct(state, name, keys)]
        found = percentiles(state, name, keys, self.measures)
        return [common(state, buckets(rows, keys)), *found]


def engine_hash(tree: exp.Expr) -> exp.Expr:
    """A value's hash by the engine: a whole number, even over 0 … 2^62 - 1; of NULL anything."""
    hashed = exp.Anonymous(this="hash", expressions=[tree])
    dropped = exp.convert(64 - HASH_BITS)
    shifted = exp.BitwiseRightShift(this=hashed, expression=dropped)
    return exp.cast(exp.paren(shifted, copy=False), "bigint", copy=False)


# -- distinct values -----------------------------------------------------------------------------


def registers(rows: exp.Select, keys: Sequence[str]) -> exp.Select:
    """The state by group: `register` and its `least` hash; NULL of rows without a value.

    Args:
        rows: Each with the group's keys and a value `v`.
    """
    known = exp.If(this=is_known(column(VALUE, "r")), true=engine_hash(column(VALUE, "r")))
    hashes = exp.select(
        *(column(key, "r") for key in keys), aliased(exp.Case(ifs=[known]), _HASHED)
    ).from_(below(rows, "r"), copy=False)
    register = exp.Mod(this=column(_HASHED, "h"), expression=exp.convert(DISTINCT_REGISTERS))
    select = exp.select(
        *(column(key, "h") for key in keys),
        aliased(register, REGISTER),
        aliased(exp.Min(this=column(_HASHED, "h")), LEAST),
    ).from_(below(hashes, "h"), copy=False)
    return grouped(select, len(keys) + 1)


def distinct(state: str, name: str, keys: Sequence[str]) -> list[exp.CTE]:
    """What the registers of each group say, in column `a0`."""
    # the rank of a register is 62 minus the whole part of log2, and 2^-rank is what is summed
    least = exp.Add(this=column(LEAST), expression=exp.convert(1))  # no logarithm of 0
    log2 = exp.Div(this=exp.Ln(this=double(least)), expression=_number(math.log(2)))
    rank = exp.Sub(this=exp.Floor(this=log2), expression=exp.convert(HASH_BITS))
    share = exp.Pow(this=_number(2.0), expression=rank)
    sums = exp.select(
        *(column(key) for key in keys),
        aliased(exp.Count(this=column(LEAST)), "filled"),
        aliased(exp.Sum(this=share), "shares"),
    ).from_(named(state))
    size = exp.convert(DISTINCT_REGISTERS)
    empty = exp.Div(
        this=double(exp.paren(exp.Sub(this=size, expression=column("filled")), copy=False)),
        expression=_number(float(DISTINCT_REGISTERS)),
    )
    shares = exp.select(
        *(column(key) for key in keys),
        column("filled"),
        column("shares"),
        aliased(empty, "empty"),
    ).from_(named(f"{name}_sums"))
    sigma: exp.Expr = column("empty")
    for power in range(1, _SERIES + 1):
        term = exp.Mul(
            this=exp.Pow(this=column("empty"), expression=exp.convert(2**power)),
            expression=exp.convert(2 ** (power - 1)),
        )
        sigma = exp.Add(this=sigma, expression=_unless_nothing(term, power))
    total = exp.Add(
        this=column("shares"),
        expression=exp.Mul(
            this=_number(float(DISTINCT_REGISTERS)), expression=exp.paren(sigma, copy=False)
        ),
    )
    scale = _number(DISTINCT_REGISTERS**2 / (2 * math.log(2)))
    estimate = exp.Div(this=scale, expression=exp.paren(total, copy=False))
    # halves up, which `round` does not do everywhere
    nearest = exp.Floor(this=exp.Add(this=estimate, expression=_number(0.5)))
    whole = exp.cast(nearest, "bigint", copy=False)
    is_none = exp.EQ(this=column("filled"), expression=exp.convert(0))
    value = exp.Case(ifs=[exp.If(this=is_none, true=exp.convert(0))], default=whole)
    return [
        common(f"{name}_sums", grouped(sums, len(keys))),
        common(f"{name}_shares", shares),
        common(
            name,
            exp.select(*(column(key) for key in keys), aliased(value, "a0")).from_(
                named(f"{name}_shares")
            ),
        ),
    ]


def _unless_nothing(term: exp.Expr, power: int) -> exp.Expr:
    """A term of sigma, or 0 where it is below 1e-290: engines fail below their least number."""
    if DISTINCT_REGISTERS ** -(2.0**power) > _NOTHING:
        return term
    least = _number(_NOTHING ** (1 / 2**power))
    is_there = exp.GT(this=column("empty"), expression=least)
    return exp.Case(ifs=[exp.If(this=is_there, true=term)], default=exp.convert(0))


# -- percentiles ---------------------------------------------------------------------------------


def buckets(rows: exp.Select, keys: Sequence[str]) -> exp.Select:
    """The state by group: rows `counted` by `side` of zero and `bucket`, both in order of value.

    Args:
        rows: Each with the group's keys and a value `v`.
    """
    seen = double(column(VALUE, "r"))

    def sides(above: exp.Expr, below: exp.Expr) -> exp.Case:
        zero = exp.convert(0)
        return exp.Case(
            ifs=[
                exp.If(this=exp.GT(this=seen.copy(), expression=zero.copy()), true=above),
                exp.If(this=exp.LT(this=seen.copy(), expression=zero.copy()), true=below),
                exp.If(this=exp.EQ(this=seen.copy(), expression=zero.copy()), true=zero),
            ]
        )

    def power(tree: exp.Expr) -> exp.Ceil:
        return exp.Ceil(this=exp.Div(this=exp.Ln(this=tree), expression=_number(math.log(GAMMA))))

    minus = exp.Neg(this=exp.convert(1))
    opposite = exp.Neg(this=power(exp.Neg(this=seen.copy())))
    select = exp.select(
        *(column(key, "r") for key in keys),
        aliased(sides(exp.convert(1), minus), SIDE),
        aliased(sides(power(seen.copy()), opposite), BUCKET),
        aliased(exp.Count(this=seen.copy()), COUNTED),
    ).from_(below(rows, "r"), copy=False)
    return grouped(select, len(keys) + 2)


def percentiles(
    state: str, name: str, keys: Sequence[str], measures: Sequence[Measure]
) -> list[exp.CTE]:
    """What the buckets of each group say, a column a measure."""

    def over(order: Sequence[str]) -> exp.Window:
        window = exp.Window(
            this=exp.Sum(this=column(COUNTED)), partition_by=[column(key) for key in keys]
        )
        if order:
            by = [exp.Ordered(this=column(one), nulls_first=False) for one in order]
            window.set("order", exp.Order(expressions=by))
            spec = {"start": "UNBOUNDED", "start_side": "PRECEDING", "end": "CURRENT ROW"}
            window.set("spec", exp.WindowSpec(kind="ROWS", **spec))
        return window

    ranked = exp.select(
        *(column(one) for one in (*keys, SIDE, BUCKET, COUNTED)),
        aliased(over((SIDE, BUCKET)), _UPTO),
        aliased(over(()), _TOTAL),
    ).from_(named(state))
    # the middle of a bucket in the sense of relative error, from its lower end: no overflow
    inner = exp.Sub(
        this=exp.Mul(this=column(SIDE), expression=column(BUCKET)), expression=exp.convert(1)
    )
    size = exp.Mul(
        this=exp.Pow(this=_number(GAMMA), expression=exp.paren(inner, copy=False)),
        expression=_number(2 * GAMMA / (GAMMA + 1)),
    )
    middle = exp.Mul(this=column(SIDE), expression=size)
    values = []
    for index, measure in enumerate(measures):
        rank = _rank(measure)
        before = exp.Sub(this=column(_UPTO), expression=column(COUNTED))
        holds = exp.and_(
            exp.LT(this=before, expression=rank),
            exp.GTE(this=column(_UPTO), expression=rank.copy()),
            copy=False,
        )
        found = exp.Case(ifs=[exp.If(this=holds, true=middle.copy())])
        values.append(aliased(exp.Max(this=found), f"a{index}"))
    select = exp.select(*(column(key) for key in keys), *values).from_(named(f"{name}_ranked"))
    return [common(f"{name}_ranked", ranked), common(name, grouped(select, len(keys)))]


def _rank(measure: Measure) -> exp.Expr:
    """Rank of the value that is asked for, from 1: the one at or below the exact position."""
    share, total = _number(float(measure.percentile or 0)), double(column(_TOTAL))
    if measure.is_discrete:
        first = exp.convert(1)
        return exp.Ceil(this=exp.Mul(this=share, expression=total)) if measure.percentile else first
    apart = exp.paren(exp.Sub(this=total, expression=exp.convert(1)), copy=False)
    return exp.Floor(
        this=exp.Add(this=exp.convert(1), expression=exp.Mul(this=share, expression=apart))
    )


def _number(value: float) -> exp.Expr:
    """A number as double precision: a bare literal would be a decimal."""
    return double(exp.Literal.number(repr(value)))
