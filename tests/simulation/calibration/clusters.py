"""Releases that assign whole clusters, of unequal sizes, whose units are alike.

200 units an arm a day fall into the clusters by their sizes; outcomes are drawn unit by unit, and
every look goes through the product's own rule, as in `releases`. The same draws with the clusters
forgotten show what counting units would have done.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from landed.catalog import RoleOfMetric
from landed.impact.compare import compare
from landed.stats import Difference

from .releases import A_DAY, ARMS, LOOKS, UNITS, release_of, row_of, skewed_mean, take_looks
from .releases import Drawn as Named
from .rows import Row

SHARE = 0.3
#: Clusters an arm, and correlation of two units of one cluster.
CELLS_OF = tuple((clusters, icc) for clusters in (20, 40, 100) for icc in (0.05, 0.2))
Look = list[dict[str, Any]]


def drawn_looks(rng: np.random.Generator, clusters: int, icc: float, form: str) -> list[Look]:
    """Rows of moments by cluster at each look at one release in which nothing changed.

    Args:
        clusters: In each arm. Count.
        icc: Correlation of the outcomes of two units of one cluster (of their logarithms, of a
            mean). 0 to 1 (exclusive).
        form: proportion or unit_mean.
    """
    looks: list[Look] = [[] for _ in range(LOOKS)]
    for variant in ARMS:
        sizes = rng.gamma(2.0, size=clusters)  # coefficient of variation 0.71
        of = rng.choice(clusters, size=UNITS, p=sizes / sizes.sum())
        if form == "proportion":
            a, b = (share * (1 - icc) / icc for share in (SHARE, 1 - SHARE))
            y = (rng.random(UNITS) < rng.beta(a, b, clusters)[of]).astype(np.float64)
        else:
            common = math.sqrt(icc) * rng.standard_normal(clusters)[of]
            z = common + math.sqrt(1 - icc) * rng.standard_normal(UNITS)
            y = np.exp(0.5 * z - 0.125)
        day = np.repeat(np.arange(LOOKS), A_DAY)
        shape = (LOOKS, clusters)
        n_g = np.bincount(day * clusters + of, minlength=LOOKS * clusters).reshape(shape)
        y_g = np.bincount(day * clusters + of, y, LOOKS * clusters).reshape(shape)
        n_g, y_g = np.cumsum(n_g, axis=0).astype(np.float64), np.cumsum(y_g, axis=0)
        squares = np.cumsum((y * y).reshape(LOOKS, A_DAY).sum(axis=1))
        sums = {"sum_y": y_g.sum(axis=1)[None], "sum_yy": squares[None]}
        for look in range(LOOKS):
            row = row_of("a", variant, form, (look + 1) * A_DAY, sums, 0, look)
            if form == "proportion":
                row["nonzero"] = row["sum_y"]
            n, total = n_g[look], y_g[look]
            row |= {
                "clusters": int((n > 0).sum()),
                "cluster_yy": float(total @ total),
                "cluster_dd": float(n @ n),
                "cluster_yd": float(total @ n),
                "cluster_nn": float(n @ n),
            }
            looks[look].append(row)
    return looks


def forgotten(looks: list[Look]) -> list[Look]:
    """The same rows as of a release that assigned units."""
    return [
        [{name: value for name, value in row.items() if "cluster" not in name} for row in look]
        for look in looks
    ]


def decided(
    clusters: int, icc: float, form: str, draws: int, seed: np.random.SeedSequence
) -> tuple[Counter[str], Counter[str]]:
    """What releases were first decided as: by cluster, and with the clusters forgotten."""
    metric = Named(RoleOfMetric("a", "success"), skewed_mean())
    by_cluster, catalog = release_of([metric], cluster="account_id")
    by_unit, _ = release_of([metric])
    rng = np.random.default_rng(seed)
    found, naive = Counter[str](), Counter[str]()
    for _ in range(draws):
        looks = drawn_looks(rng, clusters, icc, form)
        found[take_looks(by_cluster, catalog, looks).decision] += 1
        naive[take_looks(by_unit, catalog, forgotten(looks)).decision] += 1
    return found, naive


def _decisions(
    clusters: int, icc: float, form: str, draws: int, seed: np.random.SeedSequence
) -> Iterator[Row]:
    found, naive = decided(clusters, icc, form, draws, seed)
    cell = f"{form.replace('_', ' ')}, {clusters} clusters an arm, correlation {icc:g}"
    for name, upper in (("worked", 0.05), ("harmed", 0.06)):
        yield Row(f"false {name}, by cluster", cell, draws, found[name] / draws, upper=upper)
        yield Row(f"false {name}, by unit", cell, draws, naive[name] / draws, is_losing=True)


def proportions(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """28 daily looks at proportions."""
    streams = zip(CELLS_OF, seed.spawn(len(CELLS_OF)), strict=True)
    return [
        row
        for (clusters, icc), stream in streams
        for row in _decisions(clusters, icc, "proportion", draws, stream)
    ]


def means(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """28 daily looks at a skewed mean, where clusters are few and alike."""
    return list(_decisions(20, 0.2, "unit_mean", draws, seed))


def coverage(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """95 % intervals of one look at the end."""
    rows = []
    for (clusters, icc), stream in zip(CELLS_OF, seed.spawn(len(CELLS_OF)), strict=True):
        rng = np.random.default_rng(stream)
        held = naive = 0
        for _ in range(draws):
            last = drawn_looks(rng, clusters, icc, "proportion")[-1:]
            held += _covers(last[0])
            naive += _covers(forgotten(last)[0])
        cell = f"proportion, {clusters} clusters an arm, correlation {icc:g}"
        rows += [
            Row("coverage, by cluster", cell, draws, held / draws, lower=0.93, upper=0.97),
            Row("coverage, by unit", cell, draws, naive / draws, is_losing=True),
        ]
    return rows


def _covers(rows: Look) -> bool:
    found = compare("proportion", *rows, adjust=False)[1]
    return isinstance(found, Difference) and found.ci_lower <= 0 <= found.ci_upper


CELLS = (proportions, means, coverage)
