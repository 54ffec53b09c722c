"""Per-unit outcomes of a release, summed to moments: one query for all metrics and segments.

Each fact is scanned once, joined to the release's population; one wide row a unit; one row of
sums a cell (variant and level of each segment). Moments add up, so segments and the whole are
made of these few rows; then one row a metric, variant and level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.definitions import EXPOSURES_MODEL
from ..catalog.forms import NoUnitForm, UnitForm
from ..catalog.names import show
from ..catalog.releases import Release
from ..errors import Fault, PlanError
from .clustered import (
    CLUSTER_COLUMNS,
    CLUSTERS,
    by_cluster,
    same_level,
    shown_clusters,
    squares_of_clusters,
)
from .dialects import Inexpressible, check_dialect, render
from .outcomes import POPULATION, Outcomes, population
from .query import Column, Compiled, Dialect, Relations
from .refusals import by_metric
from .segments import all_levels, codes, ranked_levels, segment_columns, with_levels
from .sums import SUMS, Sums
from .syntax import (
    aliased,
    append_cte,
    column,
    common,
    count_rows,
    instant,
    named,
    text,
    union_all,
    where,
    zero_if_null,
)

_KEYS = ("metric", "variant", "segment", "level", "level_count", "form")
MOMENT_COLUMNS = (*_KEYS, *SUMS)

_UNITS = "units"
_CENTRES = "centres"
_CELLS = "cells"
_ROLLED = "rolled"
_LEVELS = "levels"
_LONG = "long"
_VARIANTS = "variants"


def compile_unit_moments(
    catalog: Catalog,
    release: Release,
    metrics: Sequence[str],
    *,
    cutoff_at: datetime,
    segments: Sequence[str] = (),
    dialect: Dialect = "duckdb",
    relations: Relations | None = None,
) -> Compiled:
    """One query whose rows are the moments of each metric, variant and level of a segment.

    Units are those of `fct_exposures` without bots and crossovers. Where clusters were assigned,
    the columns of `CLUSTER_COLUMNS` follow. A row without a segment is
    over all units of a variant; a declared variant nobody met gives rows with n = 0. What each
    column holds stands in docs/reference/moments.md.

    Args:
        metrics: Names, each with a unit form; a repeated one counts once.
        cutoff_at: Aware; rows at or after it are not looked at.
        segments: Dimensions of the unit that are known as of the exposure.

    Raises:
        PlanError: A metric has no unit form, none is named, a segment is not known as of the
            exposure, the cutoff has no zone, or the dialect is not known or has no exact form of
            a metric.
        ContractError: A metric is unknown.
    """
    check_dialect(dialect)
    tree = moments_query(
        catalog,
        release,
        metrics,
        instant(cutoff_at),
        relations=relations or Relations(),
        segments=segments,
    )
    ordered = tree.query.order_by(
        *(
            exp.Ordered(this=column(name), nulls_first=name == "segment")
            for name in ("metric", "variant", "segment", "level", "level_count")
        ),
        copy=False,
    )
    columns = tuple(
        Column(name, "dimension" if name in _KEYS else "metric", name) for name in tree.columns
    )
    try:
        return Compiled(render(ordered, dialect), columns, tree.models)
    except Inexpressible as error:

        def alone(name: str) -> str:
            at, places = instant(cutoff_at), relations or Relations()
            one = moments_query(catalog, release, [name], at, relations=places, segments=segments)
            return render(one.query, dialect)

        raise by_metric(error, catalog, list(dict.fromkeys(metrics)), alone) from None


@dataclass(frozen=True)
class MomentsTree:
    """The moments as a syntax tree, and the models that it reads."""

    query: exp.Select
    models: frozenset[str]
    columns: tuple[str, ...] = MOMENT_COLUMNS


def moments_query(
    catalog: Catalog,
    release: Release,
    metrics: Sequence[str],
    cutoff: exp.Expr,
    *,
    relations: Relations,
    segments: Sequence[str] = (),
) -> MomentsTree:
    """The moments of a release's metrics as a tree, with any cutoff expression."""
    names = tuple(dict.fromkeys(metrics))
    forms = unit_forms(catalog, names)
    cuts = tuple(dict.fromkeys(segments))
    plan = Outcomes(catalog, cutoff, has_pre_period=True)
    values = [
        plan.add(index, catalog.metric(name), forms[name]) for index, name in enumerate(names)
    ]
    sums = [Sums(value, _UNITS, _CENTRES) for value in values]
    people = population(release, plan, relations, segments=segment_columns(catalog, cuts))
    by = ("variant",) if release.cluster is None else ("variant", "cluster_id")
    units = plan.units(values, [*(column(key, POPULATION) for key in by), *codes(len(cuts))])
    centred = [one for each in sums for one in each.centres()]
    shown = MOMENT_COLUMNS if release.cluster is None else (*MOMENT_COLUMNS, *CLUSTER_COLUMNS)
    query = exp.select(*(column(name) for name in shown)).from_(named(_LONG))
    append_cte(query, common(_VARIANTS, declared_variants(release)))
    append_cte(query, common(POPULATION, people, materialized=True))
    for cte in ranked_levels(len(cuts)):
        append_cte(query, cte)
    for name, outcome in plan.scans(relations):
        append_cte(query, common(name, outcome))
    append_cte(query, common(_UNITS, with_levels(units, len(cuts)), materialized=bool(centred)))
    if centred:
        append_cte(query, common(_CENTRES, exp.select(*centred).from_(named(_UNITS))))
    counts = ["units", *(f"mature{window}" for window in range(len(plan.windows)))]
    cells = _cells(sums, counts[1:], (*by, *_codes(len(cuts))), is_centred=bool(centred))
    append_cte(query, common(_CELLS, cells, materialized=True))
    append_cte(query, common(_LEVELS, all_levels(cuts)))
    summed = [*counts, *(name for one in sums for name in one.columns)]
    matches, more = _matches(len(cuts)), list[exp.Expr]()
    if release.cluster is not None:
        clusters = by_cluster(summed, matches, _CELLS, _LEVELS)
        append_cte(query, common(CLUSTERS, clusters, materialized=True))
        matches, more = same_level(_LEVELS), squares_of_clusters(sums)
    source = _CELLS if release.cluster is None else CLUSTERS
    rolled = _rolled(sums, summed, source, matches, is_centred=bool(centred))
    rolled = rolled.select(*more, copy=False)
    append_cte(query, common(_ROLLED, rolled, materialized=True))
    append_cte(query, common(_LONG, _long(names, forms, sums, has_clusters=bool(more))))
    return MomentsTree(query, plan.models() | {EXPOSURES_MODEL}, shown)


def unit_forms(catalog: Catalog, names: Sequence[str]) -> dict[str, UnitForm]:
    """The unit form of each metric.

    Raises:
        PlanError: None is named, or one has no unit form; all faults at once.
    """
    if not names:
        raise PlanError("no metric is named", expected="at least one", code="no_metric")
    forms: dict[str, UnitForm] = {}
    faults = []
    for name in names:
        form = catalog.unit_form(name)
        if isinstance(form, NoUnitForm):
            what = f"the metric {show(name)} has no unit outcome: {form.reason}"
            where_ = str(catalog.metric(name).path)
            faults.append(Fault(what, "", where_, "leave it out.", "no_unit_form"))
        else:
            forms[name] = form
    if faults:
        raise PlanError(faults)
    return forms


def declared_variants(release: Release) -> exp.Expr:
    """The declared variants, so that one nobody met still gives a row."""
    parts: list[exp.Expr] = [
        exp.select(aliased(text(name), "variant")) for name in release.variants
    ]
    return union_all(parts)


def _cells(
    sums: Sequence[Sums], flags: Sequence[str], names: Sequence[str], *, is_centred: bool
) -> exp.Select:
    """One wide row of sums for each variant and combination of levels that occurs."""
    keys = [column(name, _UNITS) for name in names]
    select = exp.select(*(key.copy() for key in keys), aliased(count_rows(), "units"))
    for flag in flags:
        mature = where(count_rows(), column(flag, _UNITS))
        select = select.select(aliased(mature, flag), copy=False)
    for one in sums:
        select = select.select(*one.of_units(), copy=False)
    select = select.from_(named(_UNITS))
    if is_centred:
        select = select.join(named(_CENTRES), join_type="cross", copy=False)
    return select.group_by(*keys, copy=False)


def _matches(cuts: int) -> exp.Expr:
    """Whether a cell belongs to a level: all do to that over all units."""
    matches: list[exp.Expr] = [
        exp.EQ(this=column("segment_code", _LEVELS), expression=exp.Literal.number("-1"))
    ]
    matches.extend(
        exp.And(
            this=exp.EQ(
                this=column("segment_code", _LEVELS), expression=exp.Literal.number(str(index))
            ),
            expression=exp.EQ(this=column("code", _LEVELS), expression=column(name, _CELLS)),
        )
        for index, name in enumerate(_codes(cuts))
    )
    return exp.or_(*matches, copy=False)


def _rolled(
    sums: Sequence[Sums],
    names: Sequence[str],
    source: str,
    matches: exp.Expr,
    *,
    is_centred: bool,
) -> exp.Select:
    """The cells added up: a row for each variant, over all units and for each level."""
    on = exp.and_(
        exp.EQ(this=column("variant", _VARIANTS), expression=column("variant", source)),
        matches,
        copy=False,
    )
    keys = [
        column("variant", _VARIANTS),
        *(column(name, _LEVELS) for name in ("segment", "level", "level_count")),
    ]
    select = exp.select(*(key.copy() for key in keys))
    for name in names:
        total = zero_if_null(exp.Sum(this=column(name, source)))
        select = select.select(aliased(total, name), copy=False)
    for one in sums:
        for shift in one.shifts.values():
            least = exp.Min(this=column(shift, _CENTRES))
            select = select.select(aliased(least, shift), copy=False)
    select = select.from_(named(_VARIANTS)).join(named(_LEVELS), join_type="cross", copy=False)
    if is_centred:
        select = select.join(named(_CENTRES), join_type="cross", copy=False)
    select = select.join(named(source), on=on, join_type="left", copy=False)
    return select.group_by(*keys, copy=False)


def _codes(cuts: int) -> list[str]:
    return [f"g{index}" for index in range(cuts)]


def _long(
    names: Sequence[str],
    forms: dict[str, UnitForm],
    sums: Sequence[Sums],
    *,
    has_clusters: bool = False,
) -> exp.Expr:
    """One row a metric, variant and level, from the few wide rows."""
    parts: list[exp.Expr] = []
    for index, (name, one) in enumerate(zip(names, sums, strict=True)):
        shown = one.shown()
        more = shown_clusters(index) if has_clusters else []
        parts.append(
            exp.select(
                aliased(text(name), "metric"),
                *(column(key) for key in ("variant", "segment", "level", "level_count")),
                aliased(text(forms[name].name), "form"),
                *(aliased(shown[column_name], column_name) for column_name in SUMS),
                *more,
            ).from_(named(_ROLLED))
        )
    return union_all(parts)
