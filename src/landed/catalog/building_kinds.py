"""What a kind says beyond a measure, with the faults that a schema cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Fault
from .kinds import (
    Conversion,
    Cumulative,
    Funnel,
    KindParams,
    Retention,
    Span,
    Step,
    parse_span,
    step_named,
)
from .names import did_you_mean, show
from .reading import Entry


def texts(raw: str | list[str] | None) -> tuple[str, ...]:
    """Conditions, however many were written."""
    if raw is None:
        return ()
    return (raw.strip(),) if isinstance(raw, str) else tuple(text.strip() for text in raw)


def rows_of(raw: str | Mapping[str, Any] | None) -> tuple[str, tuple[str, ...]]:
    """A measure and the conditions on its rows; no name where none is given."""
    if isinstance(raw, Mapping):
        return raw["name"], texts(raw.get("filter"))
    return raw or "", ()


def kind_params(entry: Entry, faults: list[Fault]) -> KindParams | None:
    """The parameters of a kind that has some; None for the others, and where they are wrong."""
    kind, params = entry.data["type"], entry.data["type_params"]
    if kind == "cumulative":
        more = params.get("cumulative_type_params", {})
        return Cumulative(
            _span(more.get("window")), more.get("grain_to_date"), more.get("period_agg", "first")
        )
    if kind == "rolling_distinct":
        return Cumulative(_span(params["window"]), None, params.get("period_agg", "last"))
    if kind == "conversion":
        return _conversion(entry, params["conversion_type_params"], faults)
    if kind == "funnel":
        return _funnel(entry, params, faults)
    if kind == "retention":
        cohort, returns = (Step(name, *rows_of(params[name])) for name in ("cohort", "returns"))
        return Retention(
            cohort,
            returns,
            params["period"],
            params["number"],
            params.get("rolling", False),
            params.get("recurring", False),
        )
    return None


def _conversion(entry: Entry, params: Mapping[str, Any], faults: list[Fault]) -> Conversion:
    if entry.kind == "metrics" and "touch" in params:  # dbt would refuse the file
        key = ("type_params", "conversion_type_params", "touch")
        what, fix = "dbt knows no `touch`", "leave it out (dbt's is `last`) or move it below "
        faults.append(entry.fault(what, "", f"{fix}product_metrics:.", "touch", *key))
    base, base_filters = rows_of(params["base_measure"])
    converted, converted_filters = rows_of(params["conversion_measure"])
    return Conversion(
        base=base,
        converted=converted,
        entity=params["entity"],
        base_filters=base_filters,
        converted_filters=converted_filters,
        window=_span(params.get("window")),
        calculation=params.get("calculation", "conversion_rate"),
        constants=tuple(
            (one["base_property"], one["conversion_property"])
            for one in params.get("constant_properties", ())
        ),
        touch=params.get("touch", "last"),
    )


def _funnel(entry: Entry, params: Mapping[str, Any], faults: list[Fault]) -> Funnel | None:
    steps = tuple(
        Step(one["name"], one["measure"], texts(one.get("filter"))) for one in params["steps"]
    )
    names = [one.name for one in steps]
    key = ("type_params", "steps")
    for name in sorted({name for name in names if names.count(name) > 1}):
        what = f"the step {show(name)} stands twice"
        faults.append(entry.fault(what, "each name once", "rename one.", "duplicate_name", *key))
    of, over = params.get("of", names[-1]), params.get("over", names[0])
    for word, name in (("of", of), ("over", over)):
        if name not in names:
            what = f"there is no step {show(name)}"
            fix = did_you_mean(name, names)
            faults.append(entry.fault(what, "a step", fix, "unknown_step", "type_params", word))
    if of in names and over in names and step_named(steps, of) < step_named(steps, over):
        what = f"the step {show(of)} comes before {show(over)}"
        fix = "swap `of` and `over`."
        faults.append(entry.fault(what, "a later step", fix, "step_order", "type_params", "of"))
    return Funnel(steps, _span(params.get("window")), params.get("order", "loose"), of, over)


def _span(text: str | None) -> Span | None:
    return None if text is None else parse_span(text)
