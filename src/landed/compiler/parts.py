"""Parts of a plain query: each gives one row a group, and its values in columns `a0`, `a1` …

What is asked of every part alike stands in a `Frame`. A part answers with table expressions, the
last of which bears its name and has the frame's keys as `k0`, `k1` … beside its values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sqlglot import exp

from ..catalog.definitions import METRIC_TIME, UNIT_ENTITY
from ..catalog.expressions import Condition, Reference
from ..catalog.names import refused, show
from .clock import UTC, midnight, truncated
from .facts import FactScan
from .query import Grain, Relations
from .syntax import aliased, all_of, column


@dataclass(frozen=True)
class Frame:
    """What every part of a query is grouped and filtered by.

    Args:
        keys: Full names of the dimensions grouped by, in order.
        grain: Of `metric_time`; None where it is not among the keys.
        where: Conditions that every row must fulfil.
        relations: Where the marts stand.
        zone: Whose clock the periods and the conditions are read from.
    """

    keys: tuple[str, ...]
    grain: Grain | None
    where: tuple[Condition, ...]
    relations: Relations
    zone: str = UTC

    @property
    def columns(self) -> list[str]:
        """Names of the keys' columns."""
        return [f"k{index}" for index in range(len(self.keys))]

    @property
    def time(self) -> str | None:
        """Column of `metric_time`; None where it is not grouped by."""
        return f"k{self.keys.index(METRIC_TIME)}" if METRIC_TIME in self.keys else None

    @property
    def others(self) -> list[str]:
        """Columns of the keys without `metric_time`."""
        return [name for name in self.columns if name != self.time]

    def groups(self, scan: FactScan, *, time: exp.Expr | None = None) -> list[exp.Expr]:
        """Every key over a fact's rows, under its column's name.

        Args:
            time: What stands for `metric_time`; None for its period.
        """
        return [
            aliased(time.copy() if time is not None else self.period(scan), name)
            if key == METRIC_TIME
            else aliased(scan.dimension(key), name)
            for key, name in zip(self.keys, self.columns, strict=True)
        ]

    def period(self, scan: FactScan) -> exp.Expr:
        """The period of a row."""
        return scan.period(self.grain or "day")

    def is_of_unit(self, scan: FactScan) -> bool:
        """Whether a row's unit and time decide its group: no key is the row's own attribute."""
        return all(key == METRIC_TIME or self._is_units_own(scan, key) for key in self.keys)

    @staticmethod
    def _is_units_own(scan: FactScan, key: str) -> bool:
        """Whether a unit has one value of a key, at all times."""
        path = scan.vocabulary.place(scan.fact, Reference("dimension", key), scan.time).path
        is_lasting = all(hop.model.validity is None for hop in path)
        return bool(path) and path[0].entity == UNIT_ENTITY and is_lasting

    def keys_at(self, time: exp.Expr, table: str | None = None) -> list[exp.Expr]:
        """Every key, `metric_time` as the period of an instant, the others as columns."""
        return [
            aliased(truncated(time.copy(), self.grain or "day"), key)
            if key == self.time
            else column(key, table)
            for key in self.columns
        ]

    def other_groups(self, scan: FactScan) -> list[exp.Expr]:
        """The keys without `metric_time` over a fact's rows, under their columns' names."""
        pairs = zip(self.keys, self.columns, strict=True)
        return [aliased(scan.dimension(key), name) for key, name in pairs if key != METRIC_TIME]

    def split(self) -> tuple[Frame, list[Condition]]:
        """The frame without its conditions on `metric_time`, and those.

        They choose what is shown: what it is made of must still be read.

        Raises:
            QueryRefused: One condition is on both.
        """
        rows: list[Condition] = []
        shown: list[Condition] = []
        for condition in self.where:
            times = [one.name == METRIC_TIME for one in condition.references]
            if any(times) and not all(times):
                raise refused(
                    f"a condition mixes {show(METRIC_TIME)} with other dimensions",
                    "write it as conditions joined by AND.",
                    "mixed_condition",
                )
            (shown if any(times) else rows).append(condition)
        return replace(self, where=tuple(rows)), shown

    def conditions(self, scan: FactScan) -> list[exp.Expr]:
        """The query's conditions over a fact's rows."""
        return [scan.bind(condition) for condition in self.where]


class Part(Protocol):
    """Values of one row a group."""

    @property
    def scans(self) -> Sequence[FactScan]:
        """The facts it reads."""

    def tables(self, name: str, frame: Frame) -> list[exp.CTE]:
        """Its table expressions; the last is called `name`."""


def on_time(condition: Condition, time: exp.Expr) -> exp.Expr:
    """A condition on `metric_time` over what stands for it."""
    return condition.bind(
        lambda one: midnight(
            time.copy() if one.grain is None else truncated(time.copy(), one.grain)
        )
    )


def grouped(select: exp.Select, count: int) -> exp.Select:
    """Group by the first `count` columns."""
    for position in range(1, count + 1):
        select = select.group_by(exp.Literal.number(position), copy=False)
    return select


def same_keys(keys: Sequence[str], one: str, other: str) -> exp.Expr | None:
    """Whether two table expressions agree on keys, NULL being equal to NULL; None without keys."""
    return all_of(
        exp.NullSafeEQ(this=column(key, one), expression=column(key, other)) for key in keys
    )
