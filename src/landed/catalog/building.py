"""Turns sound entries into frozen definitions, with the faults that a schema cannot say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from ..errors import Fault, QueryRefused
from .building_kinds import kind_params, rows_of, texts
from .definitions import (
    RESERVED_NAMES,
    UNIT_ENTITY,
    Deprecation,
    Dimension,
    Entity,
    Fill,
    Measure,
    Metric,
    MetricInput,
    MetricKind,
    NonAdditive,
    Revision,
    SemanticModel,
)
from .expressions import column_names, parse_arithmetic, parse_column_expression, parse_condition
from .kinds import parse_span
from .linting_kinds import lint_measure
from .linting_validity import lint_validity, validity_of
from .names import did_you_mean, show
from .reading import Entry

Parsed = TypeVar("Parsed")

_KINDS: dict[str, tuple[MetricKind, ...]] = {
    "metrics": ("simple", "ratio", "derived", "cumulative", "conversion"),
    "product_metrics": ("unit_mean", "funnel", "retention", "rolling_distinct", "conversion"),
}
_MODEL = re.compile(r"['\"]([a-z][a-z0-9_]*)['\"]\s*\)$")
_FILLER = {
    "a",
    "all",
    "an",
    "the",
    "of",
    "per",
    "in",
    "by",
    "for",
    "and",
    "to",
    "this",
    "is",
    "metric",
}


def build_semantic_model(
    entry: Entry,
    columns: Mapping[str, Mapping[str, str]],
    faults: list[Fault],
    unique: Mapping[str, frozenset[str]] | None = None,
) -> SemanticModel | None:
    """The semantic model of a sound entry; None where it has faults.

    Args:
        columns: Data type by column, by model.
        unique: Columns that are tested to be unique, by model.
    """
    before = len(faults)
    data = entry.data
    found = _MODEL.search(data["model"])
    model = found.group(1) if found else ""
    if columns and model not in columns:
        faults.append(
            entry.fault(
                f"the model {show(model)} is described nowhere",
                "an entry in models: with its columns",
                did_you_mean(model, columns),
                "unknown_model",
                "model",
            )
        )
    known = columns.get(model, {})
    entities = {
        name: Entity(name, raw["type"], raw.get("expr", name))
        for name, raw in _named(entry, "entities", known, faults)
    }
    dimensions = {
        name: Dimension(
            name,
            raw["type"],
            raw.get("expr", name),
            raw.get("label", ""),
            raw.get("description", "").strip(),
            validity_of(raw),
        )
        for name, raw in _named(entry, "dimensions", known, faults)
    }
    default_time = data.get("defaults", {}).get("agg_time_dimension")
    measures = {
        name: Measure(
            name,
            raw["agg"],
            str(raw.get("expr", name)),
            raw.get("agg_time_dimension", default_time) or "",
            raw.get("description", "").strip(),
            *_percentile(raw),
            _non_additive(raw.get("non_additive_dimension")),
        )
        for name, raw in _named(entry, "measures", known, faults)
    }
    for name, measure in measures.items():
        time = dimensions.get(measure.agg_time_dimension)
        if time is None or time.kind != "time":
            faults.append(
                entry.fault(
                    f"the measure {show(name)} has no time dimension",
                    "defaults.agg_time_dimension, a dimension of type time",
                    did_you_mean(
                        measure.agg_time_dimension or "",
                        [key for key, one in dimensions.items() if one.kind == "time"],
                    ),
                    "time_dimension",
                    "measures",
                )
            )
    primary = [key for key, one in entities.items() if one.kind == "primary"]
    prefix = data.get("primary_entity") or (primary[0] if len(primary) == 1 else "")
    if not prefix or len(primary) > 1:
        faults.append(
            entry.fault(
                f"it has {len(primary)} primary entities",
                "one entity of type primary, or primary_entity: <name>",
                "its dimensions are named after it, as in event__event_name.",
                "primary_entity",
                "entities",
            )
        )
    lint_validity(entry, entities, dimensions, measures, faults)
    if len(faults) > before:
        return None
    built = SemanticModel(
        name=entry.name,
        model=model,
        description=data.get("description", "").strip(),
        primary_entity=prefix,
        entities=entities,
        dimensions=dimensions,
        measures=measures,
        columns=dict(known),
        unique_columns=(unique or {}).get(model, frozenset()),
        path=entry.document.path,
    )
    for index, raw in enumerate(data.get("measures", ())):
        said = lint_measure(raw, built, measures[raw["name"]])
        if said:
            what, _, fix = said.partition(": ")
            what = f"the measure {show(raw['name'])} {what}"
            faults.append(entry.fault(what, "", fix, "measure", "measures", index))
    return built if len(faults) == before else None


def build_metric(entry: Entry, faults: list[Fault]) -> Metric | None:
    """The metric of a sound entry, without its digest; None where it has faults."""
    _lint_description(entry, faults)  # it reads badly, but can be computed
    before = len(faults)
    data = entry.data
    kinds = _KINDS[entry.kind]
    kind = data["type"]
    if kind not in kinds:
        what = f"the type {show(kind)} is unknown"
        other = [key for key, allowed in _KINDS.items() if kind in allowed]
        fix = f"move it below {other[0]}:." if other else did_you_mean(kind, kinds)
        faults.append(
            entry.fault(what, f"{' or '.join(kinds)} in {entry.kind}:", fix, "kind", "type")
        )
        return None
    if entry.name in RESERVED_NAMES:
        what = f"the name {show(entry.name)} is reserved"
        faults.append(entry.fault(what, "another name", "rename it.", "reserved_name", "name"))
    meta = data["config"]["meta"]
    params = data["type_params"]
    measure, measure_filters = rows_of(params.get("measure"))
    inputs = _inputs(params)
    more = kind_params(entry, faults)
    _lint_cap(entry, kind, faults)
    if "zero_denominator" in meta and kind != "ratio":
        what, at = f"a {kind} metric has no denominator", ("config", "meta", "zero_denominator")
        faults.append(entry.fault(what, "a ratio", "remove it.", "zero_rule", *at))
    for key, filters in _filters(entry):
        for text in filters:
            _read(parse_condition, text, entry, faults, *key)
    if kind == "derived":
        _lint_arithmetic(entry, params["expr"], inputs, faults)
    if len(faults) > before:
        return None
    return Metric(
        name=entry.name,
        label=data["label"].strip(),
        description=" ".join(data["description"].split()),
        kind=kind,
        owner=meta["owner"],
        value=meta["value"],
        direction=meta["direction"],
        tier=meta.get("tier", "draft"),
        window_days=_number(meta.get("window_days")),
        minimum_effect_of_interest=_number(meta.get("minimum_effect_of_interest")),
        non_inferiority_margin=_number(meta.get("non_inferiority_margin")),
        cap_value=_number(meta.get("cap", {}).get("value")),
        measure=measure or None,
        filters=(*texts(data.get("filter")), *measure_filters),
        inputs=inputs,
        expr=params.get("expr"),
        params=more,
        fill=_fill(params.get("measure")),
        zero_denominator=meta.get("zero_denominator"),
        revisions=tuple(
            Revision(one["date"], one["change"], one["by"]) for one in meta.get("revisions", ())
        ),
        deprecated=Deprecation(**meta["deprecated"]) if "deprecated" in meta else None,
        path=entry.document.path,
    )


def _named(
    entry: Entry, key: str, columns: Mapping[str, str], faults: list[Fault]
) -> list[tuple[str, dict[str, Any]]]:
    """Entities, dimensions or measures: each name once, each expression in the grammar."""
    found: dict[str, dict[str, Any]] = {}
    for index, raw in enumerate(entry.data.get(key, ())):
        name = raw["name"]
        if name in found:
            what = f"the name {show(name)} stands twice in {key}"
            faults.append(
                entry.fault(what, "each name once", "rename one.", "duplicate_name", key, index)
            )
            continue
        found[name] = raw
        text = str(raw.get("expr", name))
        tree = _read(parse_column_expression, text, entry, faults, key, index)
        for column in column_names(tree) if tree is not None else ():
            if columns and column not in columns:
                what = f"unknown column {show(column)} in {key} {show(name)}"
                fix = did_you_mean(column, columns)
                faults.append(entry.fault(what, "", fix, "unknown_column", key, index))
    return list(found.items())


def _read(
    parse: Callable[[str], Parsed], text: str, entry: Entry, faults: list[Fault], *key: str | int
) -> Parsed | None:
    """What `parse` returns; its refusal as a fault at `key`."""
    try:
        return parse(text)
    except QueryRefused as refusal:
        what, _, fix = refusal.faults[0].what.partition(": ")
        faults.append(entry.fault(what, "", fix, refusal.code, *key))
        return None


def _lint_description(entry: Entry, faults: list[Fault]) -> None:
    """A description that only says the name again tells a reader nothing."""
    data = entry.data
    said = _words(data["description"])
    if said <= _words(entry.name) | _words(data["label"]) | _FILLER:
        faults.append(
            entry.fault(
                "the description repeats the name",
                "what is counted, who is in and out, what a fall would mean",
                "rewrite it.",
                "description",
                "description",
            )
        )


def _lint_cap(entry: Entry, kind: str, faults: list[Fault]) -> None:
    cap = entry.data["config"]["meta"].get("cap", {})
    key = ("config", "meta", "cap")
    if "quantile" in cap:
        fix = "write cap: {value: <most a unit may count>}."
        faults.append(entry.fault("a quantile cap is not supported yet", "", fix, "cap", *key))
    elif cap and kind not in ("simple", "unit_mean"):
        what = f"a {kind} metric cannot be capped"
        fix = "cap a simple or unit_mean metric."
        faults.append(entry.fault(what, "", fix, "cap", *key))


def _lint_arithmetic(
    entry: Entry, text: str, inputs: tuple[MetricInput, ...], faults: list[Fault]
) -> None:
    tree = _read(parse_arithmetic, text, entry, faults, "type_params", "expr")
    aliases = [one.alias for one in inputs]
    key = ("type_params", "expr")
    used = column_names(tree) if tree is not None else tuple(aliases)
    for name in used:
        if name not in aliases:
            what, fix = f"unknown input {show(name)}", did_you_mean(name, aliases)
            faults.append(entry.fault(what, "", fix, "unknown_input", *key))
    for name in aliases:
        if name not in used:
            what = f"the input {show(name)} is not used in expr"
            faults.append(entry.fault(what, "", "use it or remove it.", "unused_input", *key))
        if aliases.count(name) > 1:
            what = f"the alias {show(name)} stands twice"
            faults.append(
                entry.fault(what, "each alias once", "give one an alias.", "duplicate_name", *key)
            )
            break


def _filters(entry: Entry) -> list[tuple[tuple[str | int, ...], tuple[str, ...]]]:
    """All conditions of a metric's entry, with the keys they stand at."""
    data, params = entry.data, entry.data["type_params"]
    found: list[tuple[tuple[str | int, ...], tuple[str, ...]]] = [
        (("filter",), texts(data.get("filter")))
    ]
    for at, raw in _inner(params, ("type_params",)):
        found.append(((*at, "filter"), texts(raw.get("filter"))))
    return found


def _inner(raw: Any, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every object below a metric's parameters, with the keys that lead to it."""
    items = raw.items() if isinstance(raw, dict) else enumerate(raw)
    for key, inner in items:
        if isinstance(inner, dict):
            yield (*at, key), inner
        if isinstance(inner, dict | list):
            yield from _inner(inner, (*at, key))


def _fill(raw: str | dict[str, Any] | None) -> Fill | None:
    if not isinstance(raw, dict) or not (raw.get("join_to_timespine") or "fill_nulls_with" in raw):
        return None
    return Fill(_number(raw.get("fill_nulls_with")), raw.get("join_to_timespine", False))


def _inputs(params: Mapping[str, Any]) -> tuple[MetricInput, ...]:
    raws = [params[key] for key in ("numerator", "denominator") if key in params]
    raws.extend(params.get("metrics", ()))
    return tuple(
        MetricInput(raw, raw)
        if isinstance(raw, str)
        else MetricInput(
            raw["name"],
            raw.get("alias", raw["name"]),
            texts(raw.get("filter")),
            parse_span(raw.get("offset_window", "")),
            raw.get("offset_to_grain"),
        )
        for raw in raws
    )


def _words(text: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"[a-z0-9]+", text.lower())} | {""}


def _number(raw: int | float | None) -> float | None:
    return None if raw is None else float(raw)


def _percentile(raw: Mapping[str, Any]) -> tuple[float | None, bool, bool]:
    """A measure's percentile, whether it must occur, whether it is estimated."""
    params = raw.get("agg_params", {})
    return (
        _number(params.get("percentile")),
        params.get("use_discrete_percentile", False),
        params.get("use_approximate_percentile", "sketch" in raw.get("config", {}).get("meta", {})),
    )


def _non_additive(raw: Mapping[str, Any] | None) -> NonAdditive | None:
    if raw is None:
        return None
    groupings = tuple(raw.get("window_groupings", ()))
    return NonAdditive(raw["name"], raw.get("window_choice", "min"), groupings)


def is_unit_model(model: SemanticModel) -> bool:
    """Whether it has one row per unit: the only model that others are joined to."""
    unit = model.unit
    return unit is not None and unit.kind == "primary" and model.primary_entity == UNIT_ENTITY
