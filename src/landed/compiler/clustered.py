"""Moments over clusters: what was assigned as a whole counts once, however many units it has.

A cluster's sums are made of the cells of its units; the squares of those sums are what a
comparison of clusters needs. One row a metric, variant and level leaves the engine, as of units.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from .sums import Sums
from .syntax import aliased, column, count_rows, double, named, where, zero_if_null

CLUSTERS = "clusters"
#: Columns behind those of units: clusters with a unit that entered, and over them the sums of
#: squares and products of y, d and n. y is a cluster's sum of outcomes (about `shift_y` unless the
#: metric is a ratio), n the units that entered, d n or the sum of a ratio's denominators.
CLUSTER_COLUMNS = ("clusters", "cluster_yy", "cluster_dd", "cluster_yd", "cluster_nn")


def by_cluster(names: Sequence[str], matches: exp.Expr, cells: str, levels: str) -> exp.Select:
    """The cells added up: a row for each variant, level and cluster with a unit in it."""
    keys = [
        column("variant", cells),
        column("segment_code", levels),
        column("code", levels),
        column("cluster_id", cells),
    ]
    select = exp.select(*(key.copy() for key in keys))
    for name in names:
        total = zero_if_null(exp.Sum(this=column(name, cells)))
        select = select.select(aliased(total, name), copy=False)
    select = select.from_(named(cells)).join(named(levels), on=matches, copy=False)
    return select.group_by(*keys, copy=False)


def same_level(levels: str) -> exp.Expr:
    """Whether a row of `by_cluster` is of a level."""
    return exp.and_(
        *(
            exp.EQ(this=column(name, levels), expression=column(name, CLUSTERS))
            for name in ("segment_code", "code")
        ),
        copy=False,
    )


def squares_of_clusters(sums: Sequence[Sums]) -> list[exp.Expr]:
    """Aggregates over the rows of `by_cluster`, as `<column>_<place of the metric>`."""
    found: list[exp.Expr] = []
    for index, one in enumerate(sums):
        n: exp.Expr = column(one.entered, CLUSTERS)
        y = one.of_cluster("y", CLUSTERS)
        d = one.of_cluster("d", CLUSTERS) if one.is_ratio else n
        entered = exp.GT(this=n.copy(), expression=exp.Literal.number("0"))
        found.append(aliased(where(count_rows(), entered), f"clusters_{index}"))
        for name, (left, right) in zip(
            CLUSTER_COLUMNS[1:], ((y, y), (d, d), (y, d), (n, n)), strict=True
        ):
            product = exp.Mul(this=double(left.copy()), expression=double(right.copy()))
            found.append(aliased(zero_if_null(exp.Sum(this=product)), f"{name}_{index}"))
    return found


def shown_clusters(index: int) -> list[exp.Expr]:
    """The columns of `CLUSTER_COLUMNS` of one metric."""
    count = exp.cast(column(f"clusters_{index}"), "bigint", copy=False)
    return [
        aliased(count, CLUSTER_COLUMNS[0]),
        *(aliased(double(column(f"{name}_{index}")), name) for name in CLUSTER_COLUMNS[1:]),
    ]
