"""What the names in a query mean: metrics, dimensions in full or short, the release scope."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..catalog.catalog import Catalog
from ..catalog.definitions import METRIC_TIME, RELEASE, RESERVED_NAMES, VARIANT, DimensionInfo
from ..catalog.expressions import Condition, Reference, parse_condition
from ..catalog.formulas import leading
from ..catalog.names import did_you_mean, refused, show
from ..errors import QueryRefused
from ..project.zones import canonical_zone, is_zone, nearest_zone
from .query import GRAINS, MetricQuery, OutputColumn

RELEASE_SCOPE = (RELEASE, VARIANT)


@dataclass(frozen=True)
class Asked:
    """A query with every name resolved.

    Args:
        metrics: Those selected, sorted or filtered by; each once.
        keys: Full names of the dimensions grouped by, in order.
        where: Conditions whose references are full names.
        having: Conditions whose references are metrics.
        order_by: (metric or full name of a dimension, descending).
        columns: Answer columns: (metric or full dimension name, name in the answer).
        is_release_scope: Whether units of one release are asked for.
        time_zone: Whose periods are meant; UTC has one name.
    """

    metrics: tuple[str, ...]
    keys: tuple[str, ...]
    where: tuple[Condition, ...]
    having: tuple[Condition, ...]
    order_by: tuple[tuple[str, bool], ...]
    columns: tuple[tuple[str, str], ...]
    is_release_scope: bool
    time_zone: str


def resolve(catalog: Catalog, query: MetricQuery) -> Asked:
    """Resolve every name of a query.

    Raises:
        QueryRefused: A name is unknown or stands where it may not.
    """
    if not query.metrics:
        raise refused("the query names no metric", "name at least one.", "no_metric")
    for name in query.metrics:
        check_metric(catalog, name)
    having = tuple(_having(catalog, text) for text in query.having)
    metrics = tuple(
        dict.fromkeys(
            (*query.metrics, *(one.name for condition in having for one in condition.references))
        )
    )
    names = Names(catalog, metrics)
    keys = tuple(dict.fromkeys(names.full(name) for name in query.group_by))
    where = tuple(one for text in query.where for one in _where(names, text).conjuncts())
    if METRIC_TIME in keys and query.grain not in GRAINS:
        raise refused(
            f"{show(METRIC_TIME)} has no grain", f"give one of {', '.join(GRAINS)}.", "no_grain"
        )
    if query.grain is not None and METRIC_TIME not in keys:
        raise refused(
            f"the grain {show(query.grain)} has nothing to apply to",
            "add metric_time to the dimensions.",
            "no_metric_time",
        )
    if query.limit is not None and query.limit < 0:
        raise refused(f"the limit {query.limit} is negative", "use 0 or more.", "limit")
    used = {*keys, *(one.name for condition in where for one in condition.references)}
    return Asked(
        metrics=metrics,
        keys=keys,
        where=where,
        having=having,
        order_by=tuple(
            (_sortable(one.name, metrics, names, keys), one.descending) for one in query.order_by
        ),
        columns=_columns(query, metrics, names, keys),
        is_release_scope=not used.isdisjoint(RELEASE_SCOPE),
        time_zone=_zone(catalog, query),
    )


def _zone(catalog: Catalog, query: MetricQuery) -> str:
    """The zone of a query, that of the project where it names none."""
    name = query.time_zone
    if name is None:
        return catalog.time_zone
    if not is_zone(name):
        near = nearest_zone(name)
        fix = f"did you mean {show(near)}?" if near else "write an IANA name, e.g. Europe/Berlin."
        raise refused(f"unknown time zone {show(name)}", fix, "time_zone")
    return canonical_zone(name)


def check_metric(catalog: Catalog, name: str) -> None:
    """Refuse a metric that does not exist, with the nearest name."""
    if name not in catalog.metrics:
        fix = did_you_mean(name, catalog.metrics)
        raise refused(f"unknown metric {show(name)}", fix, "unknown_metric")


class Names:
    """Dimensions that all metrics of a query have, by full and short name."""

    def __init__(self, catalog: Catalog, metrics: Sequence[str]) -> None:
        self._catalog = catalog
        self._metrics = metrics
        self.infos: tuple[DimensionInfo, ...] = catalog.dimensions_of(metrics)
        self._full = {info.name: info.name for info in self.infos}
        self._full |= {info.short: info.name for info in self.infos if info.short}
        self._all = catalog.metrics

    def full(self, name: str) -> str:
        """The full name of a dimension.

        Raises:
            QueryRefused: It is a metric, ambiguous or unknown.
        """
        found = self._full.get(name)
        if found is not None:
            return found
        several = [info.name for info in self.infos if info.name.endswith(f"__{name}")]
        if len(several) == 1 and name not in RESERVED_NAMES:
            return several[0]
        if len(several) > 1:
            raise refused(
                f"the dimension {show(name)} is ambiguous",
                f"write {' or '.join(show(one) for one in several)}.",
                "ambiguous_dimension",
            )
        if name in self._all:
            raise refused(
                f"{show(name)} is a metric, not a dimension",
                f"write MEASURE({name}).",
                "metric_as_dimension",
            )
        self._explain(name)
        raise refused(
            f"unknown dimension {show(name)} of {', '.join(self._metrics)}",
            did_you_mean(name, self._full),
            "unknown_dimension",
        )

    def _explain(self, name: str) -> None:
        """Refuse what joins cannot bring, with the reason; what is known nowhere is left.

        A name that some metrics have and others do not is not explained by a join.
        """
        for metric in self._metrics:
            for aggregate in leading(self._catalog.formula(metric)):
                time = aggregate.measure.agg_time_dimension
                try:
                    self._catalog.vocabulary.place(
                        aggregate.fact, Reference("dimension", name), time
                    )
                except QueryRefused as refusal:
                    if refusal.code in ("fan_out", "ambiguous_join", "join_path"):
                        raise


def _where(names: Names, text: str) -> Condition:
    condition = parse_condition(text, bare_names=True)
    times = {METRIC_TIME, *(info.name for info in names.infos if info.kind == "time")}
    for one in condition.references:
        if one.grain is not None and names.full(one.name) not in times:
            raise refused(
                f"the dimension {show(one.name)} is truncated, and holds no time",
                "truncate metric_time.",
                "grain",
            )
    references = tuple(
        one if one.kind == "entity" else Reference("dimension", names.full(one.name), one.grain)
        for one in condition.references
    )
    return Condition(condition.tree, references)


def _having(catalog: Catalog, text: str) -> Condition:
    condition = parse_condition(text, bare_names=True)
    for one in condition.references:
        if one.kind != "name":
            raise refused(
                f"the dimension {show(one.name)} stands in having", "put it in where.", "having"
            )
        check_metric(catalog, one.name)
    return condition


def _sortable(name: str, metrics: Iterable[str], names: Names, keys: Sequence[str]) -> str:
    if name in metrics:
        return name
    full = names.full(name)
    if full not in keys:
        raise refused(
            f"cannot sort by {show(name)}", "group by it, or sort by another name.", "order_by"
        )
    return full


def _columns(
    query: MetricQuery, metrics: Sequence[str], names: Names, keys: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    asked = query.columns or tuple(
        OutputColumn(name, name) for name in (*dict.fromkeys(query.group_by), *query.metrics)
    )
    found: list[tuple[str, str]] = []
    for one in asked:
        source = one.name if one.name in metrics else names.full(one.name)
        if source not in metrics and source not in keys:
            raise refused(
                f"the dimension {show(one.name)} is not grouped by",
                f"add GROUP BY {one.name}.",
                "not_grouped",
            )
        if any(one.alias == alias for _, alias in found):
            raise refused(
                f"two columns are called {show(one.alias)}", "give one an alias.", "alias"
            )
        found.append((source, one.alias))
    return tuple(found)
