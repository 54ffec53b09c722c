"""Kinds of metrics that name what they cannot be made of."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from written import MARTS, faults, load, metric

from landed.catalog import NoUnitForm
from landed.catalog.kinds import Conversion

MORE = """
          - {name: amount_median, agg: median, expr: amount}
          - {name: amount_p90, agg: percentile, expr: amount, agg_params: {percentile: 0.9}}
          - name: balance
            agg: sum
            expr: amount
            non_additive_dimension: {name: occurred_at, window_choice: max}
      - name: builds
        model: ref('fct_builds')
        defaults: {agg_time_dimension: built_at}
        entities: [{name: build, type: primary, expr: build_id}]
        dimensions: [{name: built_at, type: time, type_params: {time_granularity: second}}]
        measures: [{name: build_count, agg: count, expr: build_id}]
"""
BUILDS = """
      - name: fct_builds
        columns:
          - {name: build_id, data_type: varchar}
          - {name: built_at, data_type: timestamp}
"""
_MOST = "          - {name: amount_most, agg: max, expr: amount}"
KINDS = MARTS.replace(_MOST, _MOST + MORE.rstrip()).replace(
    "    semantic_models:", BUILDS.strip("\n") + "\n    semantic_models:"
)


def found_in(tmp_path: Path, kind: str, params: str) -> list[str]:
    """Faults of one metric."""
    key = "metrics" if kind in ("cumulative", "conversion", "derived") else "product_metrics"
    text = f"{key}:\n" + textwrap.indent(metric("m", kind=kind, params=params), "  ")
    return faults(tmp_path, metric(), models__marts=KINDS, metrics__more=text)


CONVERSION = (
    "{{conversion_type_params: {{base_measure: {0}, conversion_measure: {1}, entity: {2}}}}}"
)
FUNNEL = "{{steps: [{{name: a, measure: {0}}}, {{name: b, measure: {1}}}]}}"
RETENTION = "{{cohort: {0}, returns: {1}, period: day, number: 1}}"


def test_touch_stands_where_dbt_does_not_look(tmp_path: Path) -> None:
    params = (
        "{conversion_type_params: {base_measure: event_count, conversion_measure: event_count, "
        "entity: unit, touch: any}}"
    )

    (fault,) = found_in(tmp_path / "a", "conversion", params)
    product = metric("m", kind="conversion", params=params)
    found = load(tmp_path / "b", metric(), product=product, models__marts=KINDS).metrics["m"]

    assert "dbt knows no `touch`" in fault
    assert "move it below product_metrics:" in fault
    assert isinstance(found.params, Conversion)
    assert found.params.touch == "any"


@pytest.mark.parametrize(
    ("kind", "params", "said", "fix"),
    [
        (
            "cumulative",
            "{measure: event_cuont}",
            "unknown measure `event_cuont`",
            "did you mean `event_count`?",
        ),
        (
            "cumulative",
            "{measure: amount_median}",
            "a median, which no window adds up",
            "name a sum, count",
        ),
        (
            "cumulative",
            "{measure: amount_p90, cumulative_type_params: {window: 7 days}}",
            "a percentile, which no window adds up",
            "name a sum, count",
        ),
        (
            "cumulative",
            "{measure: event_units, cumulative_type_params: {window: 1 month}}",
            "a window of 1 month of the distinct values",
            "in days, or use grain_to_date",
        ),
        (
            "cumulative",
            "{measure: event_count, cumulative_type_params: {window: 12 hours}}",
            "one of hours",
            "in days or longer",
        ),
        (
            "cumulative",
            "{measure: event_count, cumulative_type_params: {grain_to_date: hour}}",
            "one of hours",
            "in days or longer",
        ),
        ("cumulative", "{measure: balance}", "a level", "without non_additive_dimension"),
        (
            "rolling_distinct",
            "{measure: event_count, window: 7 days}",
            "`event_count` is a count",
            "make the metric cumulative",
        ),
        (
            "rolling_distinct",
            "{measure: event_units, window: 1 month}",
            "a window of 1 month",
            "in days",
        ),
        (
            "conversion",
            CONVERSION.format("event_cuont", "event_count", "unit"),
            "unknown measure `event_cuont`",
            "did you mean `event_count`?",
        ),
        (
            "conversion",
            CONVERSION.format("event_count", "amount_most", "unit"),
            "`amount_most` is a max",
            "counted or summed",
        ),
        (
            "conversion",
            CONVERSION.format("event_count", "event_units", "untt"),
            "unknown entity `untt` of events",
            "did you mean `unit`?",
        ),
        (
            "conversion",
            CONVERSION.format("event_count", "build_count", "unit"),
            "unknown entity `unit` of builds",
            "`build`",
        ),
        (
            "conversion",
            CONVERSION.format("event_count", "balance", "unit"),
            "a level, which a conversion cannot use",
            "without non_additive_dimension",
        ),
        (
            "conversion",
            "{conversion_type_params: {base_measure: event_count, conversion_measure: event_count, "
            "entity: unit, constant_properties: [{base_property: event__event_name, "
            "conversion_property: event__evnt_name}]}}",
            "unknown dimension `event__evnt_name`",
            "did you mean `event__event_name`?",
        ),
        (
            "funnel",
            FUNNEL.format("event_count", "event_cuont"),
            "unknown measure `event_cuont`",
            "did you mean `event_count`?",
        ),
        (
            "funnel",
            FUNNEL.format("event_count", "build_count"),
            "`build_count` is of builds, which has no units",
            "a funnel follows units",
        ),
        (
            "retention",
            RETENTION.format("build_count", "event_count"),
            "`build_count` is of builds, which has no units",
            "a retention follows units",
        ),
        (
            "retention",
            RETENTION.format("event_count", "evnt_count"),
            "unknown measure `evnt_count`",
            "did you mean `event_count`?",
        ),
        (
            "unit_mean",
            "{measure: balance}",
            "a level, which a unit_mean cannot use",
            "without non_additive_dimension",
        ),
        (
            "derived",
            "{expr: events, metrics: [{name: events, offset_to_grain: hour}]}",
            "the start of an hour",
            "use a day or longer",
        ),
    ],
)
def test_a_kind_that_cannot_be_computed_is_refused_with_its_fix(
    tmp_path: Path, kind: str, params: str, said: str, fix: str
) -> None:
    found = found_in(tmp_path, kind, params)

    assert len(found) == 1, found
    assert said in found[0]
    assert fix in found[0]
    assert "more.yml:" in found[0]


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("cumulative", "{measure: amount_most, cumulative_type_params: {window: 1 month}}"),
        ("cumulative", "{measure: event_units, cumulative_type_params: {grain_to_date: month}}"),
        ("rolling_distinct", "{measure: event_units, window: 4 weeks}"),
        ("conversion", CONVERSION.format("event_count", "event_units", "unit")),
        ("funnel", FUNNEL.format("event_count", "exposed_unit_count")),
        ("retention", RETENTION.format("exposed_unit_count", "event_count")),
    ],
)
def test_kinds_that_can_be_computed_load(tmp_path: Path, kind: str, params: str) -> None:
    key = "metrics" if kind in ("cumulative", "conversion") else "product_metrics"
    text = f"{key}:\n" + textwrap.indent(metric("m", kind=kind, params=params), "  ")

    catalog = load(tmp_path, metric(), models__marts=KINDS, metrics__more=text)

    assert catalog.metric("m").kind == kind


def test_an_offset_of_what_is_offset_is_refused_with_its_fix(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        metric("events"),
        metric(
            "change",
            kind="derived",
            params="{expr: events - before, metrics: [events, "
            "{name: events, alias: before, offset_window: 7 days}]}",
        ),
        metric(
            "change_before",
            kind="derived",
            params="{expr: change, metrics: [{name: change, offset_window: 1 month}]}",
        ),
    )

    assert len(found) == 1
    assert "the input `change` is offset, and so are inputs of its own" in found[0]
    assert "each with the whole offset" in found[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("agg: max", "agg: percentile"), "`amount_most` is a percentile without its share"),
        (
            ("{name: event_count, agg: count,", "{name: event_count, agg: count, agg_params: "
             "{percentile: 0.5},"),
            "`event_count` is a count with agg_params",
        ),
        (
            ("{name: occurred_at, window_choice", "{name: event_name, window_choice"),
            "`balance` is no sum over `event_name`, no time dimension of events",
        ),
        (
            ("window_choice: max}", "window_choice: max, window_groupings: [untt]}"),
            "`balance` groups its window by `untt`, no entity of events",
        ),
    ],
)  # fmt: skip
def test_a_measure_without_a_meaning_is_refused(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    found = faults(tmp_path, metric(), models__marts=KINDS.replace(*change))

    assert any(said in fault for fault in found), found


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        (
            "{name: amount_sum, agg: sum, expr: amount, config: {meta: {sketch: hyperloglog}}}",
            "the measure `amount_sum` is a sum with a sketch",
        ),
        (
            "{name: amount_sum, agg: count_distinct, expr: amount, config: {meta: {sketch: "
            "hyperloglog}}, non_additive_dimension: {name: occurred_at}}",
            "the measure `amount_sum` is a level, which no sketch holds",
        ),
        (
            "{name: amount_sum, agg: count_distinct, expr: amount, "
            "config: {meta: {sketch: theta}}}",
            "theta",
        ),
    ],
)
def test_a_sketch_stands_where_it_can_be_kept(tmp_path: Path, measure: str, said: str) -> None:
    given = MARTS.replace("{name: amount_sum, agg: sum, expr: amount}", measure)

    assert any(said in one for one in faults(tmp_path, metric(), models__marts=given))


def test_a_conversion_counts_exactly_and_takes_no_sketch(tmp_path: Path) -> None:
    given = MARTS.replace(
        "{name: event_units, agg: count_distinct, expr: unit_id}",
        "{name: event_units, agg: count_distinct, expr: unit_id, "
        "config: {meta: {sketch: hyperloglog}}}",
    )
    params = CONVERSION.format("event_units", "event_count", "unit")

    found = faults(tmp_path, metric("m", kind="conversion", params=params), models__marts=given)

    assert len(found) == 1
    assert "the measure `event_units` is a sketch, and conversions are exact" in found[0]


@pytest.mark.parametrize(
    ("measure", "reason", "kind"),
    [
        ("amount_median", "a median over units needs a quantile method", "not_estimable"),
        ("amount_p90", "a percentile over units needs a quantile method", "not_estimable"),
        ("balance", "balance is a level at one moment", "refused"),
    ],
)
def test_a_rank_and_a_level_have_no_value_for_a_single_unit(
    tmp_path: Path, measure: str, reason: str, kind: str
) -> None:
    one = metric("one", params=f"{{measure: {measure}}}")

    form = load(tmp_path, metric(), one, models__marts=KINDS).unit_form("one")

    assert isinstance(form, NoUnitForm)
    assert reason in form.reason
    assert form.kind == kind
