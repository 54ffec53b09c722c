"""What dbt refuses and landed could compute: said by `landed check`, before a run fails at it.

The rules are those of dbt 1.11; a test holds each of them against `dbt parse`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Fault
from .building_kinds import texts
from .linting_dbt_saved import lint_dashboards, lint_saved
from .names import show
from .reading import Definitions, Entry

_NAME = re.compile(r"[a-z](?:[a-z0-9_]*[a-z0-9])")
_GRAINS = "nanosecond microsecond millisecond second minute hour day week month quarter year"
_TAKEN = frozenset((*_GRAINS.split(), "metric_time", "mf_internal_uuid"))
_WORDS = (
    "and as create distinct for from full having in inner into is join left like natural not null "
    "on or right select union using where with"
)
_SQL_WORDS = frozenset(_WORDS.split())
_ELEMENTS = ("entities", "dimensions", "measures")
_SPANS = ("window", "offset_window")

#: A measure below a metric: its name, conditions, alias, and how gaps are filled.
Use = tuple[str, tuple[str, ...], str | None, bool, float | None]


def lint_dbt(found: Definitions) -> list[Fault]:
    """A fault for everything in sound definitions at which `dbt parse` ends.

    Args:
        found: All definitions as written.
    """
    metrics = {name: one for name, one in found.metrics.items() if one.kind == "metrics"}
    faults = [
        *_names(metrics, found),
        *_elements(found.semantic_models),
        *_labels(metrics, ()),
        *_labels(found.semantic_models, _ELEMENTS),
        *_inputs(metrics),
        *_versions(metrics, found.semantic_models),
        *_conversions(metrics, found.semantic_models),
        *_numbers(metrics),
        *lint_saved(found.saved_queries, metrics),
        *lint_dashboards(found.exposures, metrics),
    ]
    return list(dict.fromkeys(faults))  # both sides of a conversion may say the same


def _fault(entry: Entry, what: str, fix: str, *key: str | int) -> Fault:
    return entry.fault(what, "what dbt takes", fix, "dbt", *key)


def _bad_name(name: str, *, in_sql: bool = False) -> str:
    """Why dbt refuses a name; empty where it takes it."""
    if not _NAME.fullmatch(name):
        return "has one letter or ends with an underscore"
    if name in _TAKEN:
        return "is a word of dbt's own"
    return "is a word of SQL" if in_sql and name in _SQL_WORDS else ""


def _names(metrics: Mapping[str, Entry], found: Definitions) -> Iterator[Fault]:
    for entries, what in (
        (metrics, "metric"),
        (found.semantic_models, "semantic model"),
        (found.saved_queries, "saved query"),
    ):
        for name, entry in entries.items():
            if why := _bad_name(name):
                yield _fault(
                    entry, f"the name {show(name)} of a {what} {why}", "rename it.", "name"
                )


def _elements(models: Mapping[str, Entry]) -> Iterator[Fault]:
    """Names of entities, dimensions and measures: valid, and one thing in the whole project."""
    kinds: dict[str, tuple[str, str]] = {}
    types: dict[str, tuple[str, str]] = {}
    pairs: dict[tuple[str, str], str] = {}
    for name, entry in models.items():
        data = entry.data
        primary = [one["name"] for one in data["entities"] if one["type"] == "primary"]
        if primary and "primary_entity" in data:
            what = f"it has the primary entity {show(primary[0])}, and primary_entity too"
            yield _fault(entry, what, "remove primary_entity.", "primary_entity")
        prefix = (*primary, data.get("primary_entity", ""))[0]
        for key in _ELEMENTS:
            for index, one in enumerate(data.get(key, ())):
                its, at = one["name"], (key, index)
                kind = {"entities": "entity"}.get(key, key[:-1])
                if why := _bad_name(its, in_sql=True):
                    yield _fault(
                        entry, f"the name {show(its)} of a {kind} {why}", "rename it.", *at
                    )
                other, where = kinds.setdefault(its, (kind, name))
                if other != kind:
                    what = f"{show(its)} is a {kind} here and a {other} of {where}"
                    yield _fault(entry, what, "rename one of them.", *at)
                if key == "dimensions":
                    was, where = types.setdefault(its, (one["type"], name))
                    if was != one["type"]:
                        what = (
                            f"the dimension {show(its)} is {one['type']} here and {was} in {where}"
                        )
                        yield _fault(entry, what, "rename one of them.", *at)
                    where = pairs.setdefault((prefix, its), name)
                    if where != name:
                        what = f"{show(f'{prefix}__{its}')} is a dimension here and of {where}"
                        yield _fault(entry, what, "name the primary entities apart.", *at)
        yield from _measures(entry)


def _measures(entry: Entry) -> Iterator[Fault]:
    times = [one["name"] for one in entry.data.get("dimensions", ()) if one["type"] == "time"]
    default = entry.data.get("defaults", {}).get("agg_time_dimension")
    if default is not None and default not in times:
        what = f"the default time {show(default)} is no time dimension of it"
        yield _fault(entry, what, "name one of its own, or remove it.", "defaults")
    for index, one in enumerate(entry.data.get("measures", ())):
        at = ("measures", index)
        if one["agg"] == "count" and "expr" not in one:
            what = f"the measure {show(one['name'])} counts and has no expr"
            yield _fault(entry, what, "write the column, or expr: 1 for rows.", *at)
        if one.get("agg_params", {}).get("percentile") in (0, 1):
            what = f"the percentile of {show(one['name'])} is {one['agg_params']['percentile']}"
            yield _fault(entry, what, "write agg: min or max.", *at, "agg_params")
        level = one.get("non_additive_dimension")
        if level is not None and "window_choice" not in level:
            what = f"the level {show(one['name'])} does not say which row of a period counts"
            yield _fault(entry, what, "write window_choice: max, or min.", *at)


def _labels(entries: Mapping[str, Entry], inner: tuple[str, ...]) -> Iterator[Fault]:
    """Labels that two things of a kind share; of an entity, those that differ by model."""
    first: dict[str, str] = {}
    of_entity: dict[str, str] = {}
    for name, entry in entries.items():
        label = entry.data.get("label", "").strip()
        other = first.setdefault(label, name) if label else name
        if other != name:
            what = f"{show(name)} and {show(other)} have the same label"
            yield _fault(entry, what, "give one another label.", "label")
        for key in inner:
            seen: dict[str, str] = {}
            for index, one in enumerate(entry.data.get(key, ())):
                label, its, at = one.get("label", ""), one["name"], (key, index, "label")
                if label and seen.setdefault(label, its) != its:
                    what = f"{show(its)} and {show(seen[label])} have the same label"
                    yield _fault(entry, what, "give one another label.", *at)
                if key == "entities" and label and of_entity.setdefault(its, label) != label:
                    what = f"the entity {show(its)} is labelled {show(of_entity[its])} elsewhere"
                    yield _fault(entry, what, "give both the same label.", *at)


def _inputs(metrics: Mapping[str, Entry]) -> Iterator[Fault]:
    """Aliases of a derived metric's inputs."""
    for entry in metrics.values():
        listed = entry.data["type_params"].get("metrics", ())
        given = [{"name": one} if isinstance(one, str) else one for one in listed]
        names = {one["name"] for one in given}
        for index, one in enumerate(given):
            alias, at = one.get("alias"), ("type_params", "metrics", index)
            why = _bad_name(alias) if alias is not None else ""
            if why:
                yield _fault(entry, f"the alias {show(alias)} {why}", "rename it.", *at)
            elif alias in names:
                what = f"the alias {show(alias)} is the name of an input"
                fix = "rename it." if alias != one["name"] else "remove the alias."
                yield _fault(entry, what, fix, *at)


def _versions(metrics: Mapping[str, Entry], models: Mapping[str, Entry]) -> Iterator[Fault]:
    """Measures that dbt cannot tell apart below a metric, and aliases that it meets twice."""
    known = {one["name"] for entry in models.values() for one in entry.data.get("measures", ())}
    aliased: dict[str, str] = {}
    for name, entry in metrics.items():
        key = ("type_params",)
        uses = _uses(metrics, name)
        for measure in sorted({one[0] for one in uses}):
            versions = {one for one in uses if one[0] == measure}
            if len(versions) > 1 and any(one[1] and one[2] is None for one in versions):
                what = f"the measure {show(measure)} stands below it in {len(versions)} versions"
                fix = "move the conditions of its inputs from their measure to their `filter:`."
                if entry.data["type"] == "conversion":
                    fix = "give each version that has a filter an alias of its own."
                yield _fault(entry, what, fix, *key)
        for alias in sorted({one[2] for one in uses if one[2] is not None}):
            why = _bad_name(alias)
            if why:
                yield _fault(entry, f"the alias {show(alias)} {why}", "rename it.", *key)
            elif alias in known:
                what = f"the alias {show(alias)} is the name of a measure"
                yield _fault(entry, what, "rename it.", *key)
            elif aliased.setdefault(alias, name) != name:
                what = f"the alias {show(alias)} is met below {aliased[alias]} too"
                fix = "remove it, with a condition moved to the metric's `filter:`, or rename it."
                yield _fault(entry, what, fix, *key)


def _uses(metrics: Mapping[str, Entry], name: str) -> set[Use]:
    """The measures below a metric, as written on the simple metrics and the like."""
    if name not in metrics:
        return set()
    params = metrics[name].data["type_params"]
    sides = params.get("conversion_type_params", {})
    raws = [params.get("measure"), sides.get("base_measure"), sides.get("conversion_measure")]
    found = {_use(one) for one in raws if one is not None}
    inputs = [params.get("numerator"), params.get("denominator"), *params.get("metrics", ())]
    for one in inputs:
        if one is not None:
            found |= _uses(metrics, one if isinstance(one, str) else one["name"])
    return found


def _use(raw: str | Mapping[str, Any]) -> Use:
    if isinstance(raw, str):
        return raw, (), None, False, None
    filled = raw.get("join_to_timespine", False), raw.get("fill_nulls_with")
    return raw["name"], texts(raw.get("filter")), raw.get("alias"), *filled


def _conversions(metrics: Mapping[str, Entry], models: Mapping[str, Entry]) -> Iterator[Fault]:
    measures = {
        one["name"]: (one, entry)
        for entry in models.values()
        for one in entry.data.get("measures", ())
    }
    for entry in metrics.values():
        params = entry.data["type_params"].get("conversion_type_params")
        if params is None:
            continue
        for side in ("base", "conversion"):
            at = ("type_params", "conversion_type_params", f"{side}_measure")
            measure, model = measures[_use(params[f"{side}_measure"])[0]]
            is_count = measure["agg"] in ("count", "count_distinct")
            if not is_count and (measure["agg"] != "sum" or str(measure.get("expr")) != "1"):
                what = f"the measure {show(measure['name'])} is a {measure['agg']}, no count"
                yield _fault(entry, what, "count rows, or move it below product_metrics:.", *at)
            own = {
                one["name"] for key in ("entities", "dimensions") for one in model.data.get(key, ())
            }
            for one in params.get("constant_properties", ()):
                given = one[f"{side}_property"]
                if given not in own:
                    what = f"the constant property {show(given)} is none of {model.name} itself"
                    short = given.rpartition("__")[2]
                    fix = f"write {short}." if short in own else "move it below product_metrics:."
                    yield _fault(entry, what, fix, *at[:2], "constant_properties")


def _numbers(metrics: Mapping[str, Entry]) -> Iterator[Fault]:
    """Spans with more than one space, and what is shown in gaps other than an integer."""
    for entry in metrics.values():
        for key, value in _scalars(entry.data["type_params"], ("type_params",)):
            if key[-1] in _SPANS and isinstance(value, str) and value != " ".join(value.split()):
                what = f"the span {show(value)} is written with more spaces than one"
                yield _fault(entry, what, f"write {' '.join(value.split())}.", *key)
            if key[-1] == "fill_nulls_with" and int(value) != value:
                yield _fault(entry, f"gaps are filled with {value}", "write an integer.", *key)


def _scalars(raw: Any, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if not isinstance(raw, dict | list):
        yield at, raw
        return
    for key, inner in raw.items() if isinstance(raw, dict) else enumerate(raw):
        yield from _scalars(inner, (*at, key))
