"""How semantic models differ: their tables, keys, dimensions and measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from .definitions import Dimension, Measure, SemanticModel
from .diff_aspects import column_key
from .diff_changes import Change, Version, now_and_before

One = TypeVar("One", Dimension, Measure)


def model_changes(base: Version, head: Version) -> Iterator[Change]:
    """Every change of a semantic model that is more than one of its metrics' formulas."""
    before, after = base.catalog.semantic_models, head.catalog.semantic_models
    reported: set[str] = set()  # full names of dimensions that a change already tells of
    for name, old in before.items():
        new = after.get(name) or _same_table(old, before, after)
        if new is None:
            reported |= _names(old)
            owners = _in_both(base.metrics_over(name), base, head)
            file = base.file(old.path)
            yield Change("model_removed", "model", name, "the model is gone", file, owners)
            continue
        for change in _changes(old, new, base, head):
            reported |= {change.dimension} if change.dimension else set()
            reported |= _names(old) if change.rule == "prefix_changed" else set()
            yield change
    known = {one.model for one in before.values()}
    for name, new in after.items():
        if name not in before and new.model not in known:
            file = head.file(new.path)
            yield Change("model_added", "model", name, "the model is new", file)
    yield from _offered(base, head, reported)


def _changes(
    old: SemanticModel, new: SemanticModel, base: Version, head: Version
) -> Iterator[Change]:
    file, name = head.file(new.path), new.name
    over = _in_both(base.metrics_over(old.name), base, head)
    if old.model != new.model:
        what = now_and_before("the table", new.model, old.model)
        yield Change("model_changed", "model", name, what, file, over)
    if old.primary_entity != new.primary_entity:
        what = now_and_before(
            "the prefix of its dimensions", new.primary_entity, old.primary_entity
        )
        yield Change("prefix_changed", "model", name, what, file, over)
    if old.description != new.description:
        yield Change("description", "model", name, "the description is other words", file)
    if base.file(old.path) != file:
        what = now_and_before("the file", file, base.file(old.path))
        yield Change("file_moved", "model", name, what, file)
    yield from _entities(old, new, over, file)
    yield from _dimensions(old, new, base, head, file)
    yield from _measures(old, new, base, head, file)


def _entities(
    old: SemanticModel, new: SemanticModel, over: tuple[str, ...], file: str
) -> Iterator[Change]:
    for name, was in old.entities.items():
        now, full = new.entities.get(name), f"{name} of {new.name}"
        if now is None:
            yield Change("entity_removed", "entity", full, "the entity is gone", file, over)
        elif column_key(was.expr) != column_key(now.expr):
            what = now_and_before("its key", now.expr, was.expr)
            yield Change("entity_changed", "entity", full, what, file, over)
        elif was.kind != now.kind:
            what = now_and_before("its type", now.kind, was.kind)
            yield Change("entity_changed", "entity", full, what, file, over)
    for name in new.entities.keys() - old.entities.keys():
        what = "the entity is new"
        yield Change("entity_added", "entity", f"{name} of {new.name}", what, file)


def _dimensions(
    old: SemanticModel, new: SemanticModel, base: Version, head: Version, file: str
) -> Iterator[Change]:
    renamed = _renamed(old.dimensions, new.dimensions, _dimension_key)
    for short, was in old.dimensions.items():
        full, now = f"{old.primary_entity}__{short}", new.dimensions.get(short)
        owners = _offering(full, base, head)

        def change(rule: str, what: str, full: str = full, owned: Any = owners) -> Change:
            return Change(rule, "dimension", full, what, file, owned, dimension=full)

        if now is None and short in renamed:
            yield change("dimension_renamed", f"the dimension is now called {renamed[short]}")
        elif now is None:
            yield change("dimension_removed", "the dimension is gone")
        else:
            if was.kind != now.kind:
                yield change("dimension_type", now_and_before("its type", now.kind, was.kind))
            types = old.columns.get(was.expr, ""), new.columns.get(now.expr, "")
            if column_key(was.expr) != column_key(now.expr):
                what = now_and_before("its expression", now.expr, was.expr)
                yield change("dimension_changed", what)
            elif was.validity != now.validity:
                yield change(
                    "dimension_changed", now_and_before("its validity", now.validity, was.validity)
                )
            elif was.expr != now.expr:
                what = "its expression is the same, written otherwise"
                yield replace(change("written_otherwise", what), owners=(), dimension="")
            elif all(types) and types[0].lower() != types[1].lower():
                what = now_and_before("the type of its column", types[1], types[0])
                yield change("dimension_type", what)
            for field in ("label", "description"):
                if getattr(was, field) != getattr(now, field):
                    what = f"the {field} is other words"
                    yield replace(change(field, what), owners=(), dimension="")
    for short in new.dimensions:
        if short not in old.dimensions and short not in renamed.values():
            full = f"{new.primary_entity}__{short}"
            yield Change("dimension_added", "dimension", full, "the dimension is new", file)


def _measures(
    old: SemanticModel, new: SemanticModel, base: Version, head: Version, file: str
) -> Iterator[Change]:
    renamed = _renamed(old.measures, new.measures, _measure_key)
    for name, was in old.measures.items():
        now = new.measures.get(name)
        users = [metric for metric, used in base.measures_of.items() if name in used]
        owners = tuple(one for one in users if one in head.catalog.metrics)
        if now is None and not users:
            yield Change("unused_measure", "measure", name, "the measure is gone", file)
        elif now is None and name in renamed:
            what = f"the measure is now called {renamed[name]}"
            yield Change("measure_renamed", "measure", name, what, file, owners)
        elif now is None:
            yield Change("measure_removed", "measure", name, "the measure is gone", file, owners)
        else:
            if not users and _measure_key(was) != _measure_key(now):
                what = "the measure computes something else"
                yield Change("unused_measure", "measure", name, what, file)
            if was.description != now.description:
                what = "the description is other words"
                yield Change("description", "measure", name, what, file)
    for name in new.measures:
        if name not in old.measures and name not in renamed.values():
            yield Change("measure_added", "measure", name, "the measure is new", file)


def _offered(base: Version, head: Version, reported: set[str]) -> Iterator[Change]:
    """Names that a metric's queries could use before and cannot now, for reasons elsewhere."""
    lost: dict[tuple[str, str], list[str]] = {}
    for metric, names in base.offered.items():
        now = head.offered.get(metric)
        if now is None:
            continue
        shorts = {short: full for full, short in now.items() if short}
        for full, short in names.items():
            if full not in now and not any(_ends_with(full, one) for one in reported):
                lost.setdefault(("dimension_unreachable", full), []).append(metric)
            elif full in now and short and shorts.get(short) != full:
                lost.setdefault(("dimension_ambiguous", full), []).append(metric)
    for (rule, full), metrics in sorted(lost.items()):
        short = full.partition("__")[2]
        what = (
            "no longer reached from what counts"
            if rule == "dimension_unreachable"
            else (f"{short} alone is no longer clear")
        )
        file = head.file(head.catalog.metrics[metrics[0]].path)
        yield Change(rule, "dimension", full, what, file, tuple(metrics), dimension=full)


def _same_table(
    old: SemanticModel, before: Mapping[str, SemanticModel], after: Mapping[str, SemanticModel]
) -> SemanticModel | None:
    """A model of another name over the same table: nothing but messages names the model."""
    found = [one for name, one in after.items() if name not in before and one.model == old.model]
    return found[0] if len(found) == 1 else None


def _renamed(before: Mapping[str, One], after: Mapping[str, One], key: Any) -> dict[str, str]:
    """New name by old: what has gone and come under another name, all else the same."""
    new = {name: key(one) for name, one in after.items() if name not in before}
    found: dict[str, str] = {}
    for name, one in before.items():
        if name in after:
            continue
        same = [other for other in new if new[other] == key(one) and other not in found.values()]
        if same:
            found[name] = same[0]
    return found


def _dimension_key(one: Dimension) -> Any:
    return [one.kind, column_key(one.expr), one.validity]


def _measure_key(one: Measure) -> Any:
    """All that a measure computes: the measure, but for its name and description."""
    return replace(one, name="", description="", expr=""), column_key(one.expr)


def _names(model: SemanticModel) -> set[str]:
    return {f"{model.primary_entity}__{name}" for name in model.dimensions}


def _offering(full: str, base: Version, head: Version) -> tuple[str, ...]:
    return tuple(
        metric
        for metric, names in base.offered.items()
        if any(_ends_with(one, full) for one in names) and metric in head.catalog.metrics
    )


def _ends_with(name: str, full: str) -> bool:
    """Whether a name is a dimension's own, or its own behind the entities of a longer join."""
    return name == full or name.endswith(f"__{full}")


def _in_both(metrics: frozenset[str], base: Version, head: Version) -> tuple[str, ...]:
    return tuple(
        name for name in base.catalog.metrics if name in metrics & head.catalog.metrics.keys()
    )
