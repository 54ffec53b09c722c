"""What no single file can know is wrong: references, cycles, and releases' use of metrics."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

from ..errors import Fault, QueryRefused
from .building import is_unit_model
from .daily_forms import groupings, is_total, no_daily_form
from .definitions import EXPOSED_UNITS, Measure, Metric, SemanticModel
from .expressions import parse_condition
from .forms import NoUnitForm, unit_form
from .formulas import Formula, Vocabulary, aggregates
from .linting_deprecation import lint_deprecation
from .linting_kinds import lint_kind, lint_offsets
from .names import did_you_mean, show
from .reading import Entry
from .releases import Release, RoleOfMetric
from .segments import segment_expressions

_ROLE_KEYS = {"guardrail": "guardrails", "diagnostic": "diagnostics"}


def measures_by_name(
    models: Mapping[str, SemanticModel], faults: list[Fault]
) -> dict[str, tuple[SemanticModel, Measure]]:
    """Every measure with its model; a name that two models use is a fault, as it is to dbt."""
    found: dict[str, tuple[SemanticModel, Measure]] = {}
    for model in models.values():
        for name, measure in model.measures.items():
            if name in found:
                what = f"the measure {show(name)} stands in {found[name][0].name} and {model.name}"
                fix = "rename one of them."
                faults.append(Fault(what, "one", str(model.path), fix, "duplicate_name"))
            found[name] = (model, measure)
    return found


def unit_model(models: Mapping[str, SemanticModel], faults: list[Fault]) -> SemanticModel | None:
    """The model with one row per unit; several are a fault."""
    found = [model for model in models.values() if is_unit_model(model)]
    for model in found[1:]:
        what = f"{model.name} and {found[0].name} both have the primary entity `unit`"
        fix = "make it foreign in one of them."
        faults.append(Fault(what, "one model of units", str(model.path), fix, "unit_model"))
    return found[0] if found else None


def lint_references(
    vocabulary: Vocabulary,
    entries: Mapping[str, Entry],
    broken_models: Collection[str],
    faults: list[Fault],
) -> set[str]:
    """Names of the metrics that cannot be resolved, with the faults of those that cause it."""
    bad: set[str] = {name for name in entries if name not in vocabulary.metrics}
    for name, metric in vocabulary.metrics.items():
        if _unknown(metric, vocabulary, entries, broken_models, faults):
            bad.add(name)
    bad |= _cycles(vocabulary.metrics, entries, faults)
    for name in sorted(set(vocabulary.metrics) - bad):  # without a cycle, this ends
        if lint_offsets(vocabulary.metrics, entries[name], faults):
            bad.add(name)
    while True:  # what is made of something bad is bad, without a fault of its own
        spoilt = {
            name
            for name, metric in vocabulary.metrics.items()
            if name not in bad and any(one.metric in bad for one in metric.inputs)
        }
        if not spoilt:
            break
        bad |= spoilt
    for name in sorted(set(vocabulary.metrics) - bad):
        if _unplaced(vocabulary.metrics[name], vocabulary, entries[name], faults):
            bad.add(name)
    return bad


def _lint_daily(
    role: RoleOfMetric, metric: Metric, formula: Formula, fault: Callable[..., None]
) -> None:
    """What a release that is judged by days or groups, not by units, cannot use of a metric."""
    refused = no_daily_form(formula)
    if refused is not None:
        fault(
            f"the metric {show(metric.name)} has no value by day: {refused}",
            "a metric over all rows",
            "name another metric.",
            "no_daily_form",
        )
    own = metric.non_inferiority_margin if role.role in ("guardrail", "survival") else None
    limit = role.non_inferiority_margin or role.minimum_effect_of_interest or own
    if is_total(formula) and limit is not None and not role.relative:
        fault(
            f"the limit of {show(metric.name)} is {limit:g}, and by day it is a total over the"
            " product",
            "a limit as a share of it",
            "declare the limit in the release, with `relative: true`.",
            "absolute_limit_of_a_total",
        )


def lint_release(
    release: Release, vocabulary: Vocabulary, known: Collection[str], bad: Collection[str] = ()
) -> list[Fault]:
    """What is wrong with a release's use of metrics and segments.

    Args:
        known: Names of all metrics that are declared, sound or not.
        bad: Those that have faults of their own, which are not repeated here.
    """
    faults: list[Fault] = []

    def fault(what: str, expected: str, fix: str, code: str, key: str) -> None:
        where = f"{_shown(release.path)} ({key})"
        faults.append(Fault(what, expected, where, fix, code))

    for role in release.roles:
        name = role.metric
        key = _ROLE_KEYS.get(role.role, role.role)
        if name not in known:
            fix = did_you_mean(name, known)
            fault(f"unknown metric {show(name)}", "a metric", fix, "unknown_metric", key)
            continue
        metric = vocabulary.metrics.get(name)
        if metric is None or name in bad:
            continue
        form = unit_form(metric, vocabulary.formula(metric))
        if isinstance(form, NoUnitForm) and form.kind == "refused":
            fault(
                f"the metric {show(name)} has no unit outcome: {form.reason}",
                "a simple, ratio or unit_mean metric over rows of a unit",
                "name another metric, or query this one without a release.",
                "no_unit_form",
                key,
            )
        formula = vocabulary.formula(metric)
        if release.has_design and not release.has_concurrent_control:
            _lint_daily(role, metric, formula, partial(fault, key=key))
        if release.cohorts is not None:
            names = groupings(vocabulary, formula)
            if release.cohorts.by not in names:
                fault(
                    f"{show(name)} cannot be grouped by {show(release.cohorts.by)}",
                    "a dimension that every metric of the release has",
                    did_you_mean(release.cohorts.by, names),
                    "cohort_dimension",
                    key,
                )
        margin = role.non_inferiority_margin or metric.non_inferiority_margin
        if role.role in ("guardrail", "survival") and margin is None:
            fault(
                f"the {role.role} metric {show(name)} has no margin",
                "non_inferiority_margin in the release or in the metric",
                "say how much worse it may get.",
                "no_margin",
                key,
            )
        if role.role != "diagnostic" and metric.direction == "neutral":
            fault(
                f"the {role.role} metric {show(name)} is neutral",
                "increase_is_good or decrease_is_good",
                "give it a direction, or name it under diagnostics.",
                "neutral_direction",
                key,
            )
    units = vocabulary.units
    known_then = segment_expressions(vocabulary)
    for segment in release.segments:
        if segment in known_then:
            continue
        what, expected = f"unknown segment {show(segment)}", "a dimension of the unit"
        if units is not None and segment in units.dimensions:
            what = f"the segment {show(segment)} is not known as of the exposure"
            expected = "a dimension of the unit whose columns stand in fct_exposures too"
        fix = did_you_mean(segment, known_then)
        fault(what, expected, fix, "unknown_segment", "segments")
    return faults


def _unknown(
    metric: Metric,
    vocabulary: Vocabulary,
    entries: Mapping[str, Entry],
    broken_models: Collection[str],
    faults: list[Fault],
) -> bool:
    """Whether the metric names a measure or metric that does not exist (or is broken)."""
    entry = entries[metric.name]
    bad = lint_kind(metric, vocabulary, entry, broken_models, faults)
    lint_deprecation(metric, vocabulary.metrics, entries, faults)
    for one in metric.inputs:
        found = entries.get(one.metric)
        if found is None:
            what = f"unknown metric {show(one.metric)}"
            fix = did_you_mean(one.metric, entries)
            faults.append(entry.fault(what, "a metric", fix, "unknown_metric", "type_params"))
        elif found.kind == "product_metrics":
            what = f"the input {show(one.metric)} stands under product_metrics"
            fix = "dbt does not know it; name a metric of metrics:."
            faults.append(entry.fault(what, "a metric", fix, "product_input", "type_params"))
        else:
            continue
        bad = True
    return bad


def _cycles(
    metrics: Mapping[str, Metric], entries: Mapping[str, Entry], faults: list[Fault]
) -> set[str]:
    """Names of the metrics on a cycle; each cycle is one fault."""
    found: set[str] = set()
    done: set[str] = set()
    for start in metrics:
        stack: list[tuple[str, list[str]]] = [(start, [start])]
        while stack:
            name, trail = stack.pop()
            if name in done or name in found:
                continue
            following = [one.metric for one in metrics[name].inputs if one.metric in metrics]
            for other in following:
                if other in trail:
                    loop = trail[trail.index(other) :]
                    if not found & set(loop):
                        what = f"the metrics {' → '.join([*loop, other])} form a cycle"
                        fix = "make one of them of measures."
                        key = "type_params"
                        faults.append(entries[other].fault(what, "none", fix, "cycle", key))
                    found.update(loop)
                elif other not in done:
                    stack.append((other, [*trail, other]))
        done.add(start)
    return found


def _unplaced(metric: Metric, vocabulary: Vocabulary, entry: Entry, faults: list[Fault]) -> bool:
    """Whether one of its conditions names something that a fact it applies to does not have."""
    seen: set[str] = set()
    for aggregate in aggregates(vocabulary.formula(metric)):
        for text in aggregate.filters:
            for reference in parse_condition(text).references:
                time = aggregate.measure.agg_time_dimension
                try:
                    vocabulary.place(aggregate.fact, reference, time)
                except QueryRefused as refusal:
                    what, _, fix = refusal.faults[0].what.partition(": ")
                    if what not in seen:
                        seen.add(what)
                        faults.append(entry.fault(what, "", fix, refusal.code, "filter"))
    if metric.name == EXPOSED_UNITS and metric.kind != "simple":
        what = "exposed_units is not a simple metric"
        fix = "it counts distinct units of the exposures."
        faults.append(entry.fault(what, "type: simple", fix, "exposed_units", "type"))
        return True
    return bool(seen)


def _shown(path: Path) -> str:
    return str(path) if path.name else "the release"
