from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from written import MARTS, faults, load, metric, one_fault, write

from landed.catalog import load_catalog
from landed.project import Project


def test_a_metric_carries_its_governance(tmp_path: Path) -> None:
    catalog = load(
        tmp_path,
        metric(
            meta="owner: growth, value: usd, direction: decrease_is_good, tier: certified, "
            "window_days: 7, minimum_effect_of_interest: 0.5, non_inferiority_margin: 2, "
            "cap: {value: 100}, deprecated: {since: 2026-01-01, until: 2026-06-01, use: more}, "
            "revisions: [{date: 2026-02-01, change: b, by: x}, "
            "{date: 2025-01-01, change: a, by: x}]"
        ),
        metric("more"),
    )

    found = catalog.metric("events")
    assert (found.owner, found.value, found.direction) == ("growth", "usd", "decrease_is_good")
    assert (found.tier, found.window_days, found.cap_value) == ("certified", 7.0, 100.0)
    assert (found.minimum_effect_of_interest, found.non_inferiority_margin) == (0.5, 2.0)
    assert found.revision == "2026-02-01"
    assert found.deprecated is not None
    assert found.path.name == "all.yml"
    assert len(found.digest) == 64


def test_a_project_replaces_a_core_metric_by_name(tmp_path: Path) -> None:
    core = {"metrics/usage/events.yml": "metrics:\n" + textwrap.indent(metric(), "  ")}
    core["metrics/usage/more.yml"] = "metrics:\n" + textwrap.indent(metric("more"), "  ")
    write(tmp_path / "core", {**core, "models/marts.yml": MARTS})
    own = metric(meta="owner: us, value: count, direction: neutral")
    write(tmp_path / "project", {"metrics/own.yml": "metrics:\n" + textwrap.indent(own, "  ")})

    catalog = load_catalog(Project(tmp_path / "project", "x"), core=tmp_path / "core")

    assert set(catalog.metrics) == {"events", "more"}
    assert catalog.metric("events").owner == "us"
    assert catalog.metric("more").owner == "growth"


def test_models_read_are_found_through_inputs_and_filters(tmp_path: Path) -> None:
    catalog = load(
        tmp_path,
        metric(),
        metric("exposed_units", params="{measure: exposed_unit_count}"),
        metric("rate", kind="ratio", params="{numerator: events, denominator: exposed_units}"),
        metric("pro", more="filter: \"{{ Dimension('unit__plan') }} = 'pro'\""),
    )

    assert catalog.models_read_by("events") == {"fct_events"}
    assert catalog.models_read_by("rate") == {"fct_events", "fct_exposures"}
    assert catalog.models_read_by("pro") == {"fct_events", "dim_units"}


def test_prose_does_not_change_a_digest_and_the_formula_does(tmp_path: Path) -> None:
    def digest(name: str, **change: str) -> str:
        return load(tmp_path / name, metric(**change)).metric("events").digest

    def under(name: str, condition: str) -> str:
        return digest(name, more=f'filter: "{condition}"')

    plain = digest("a")
    event, plan = "{{ Dimension('event__event_name') }}", "{{Dimension('unit__plan')}}"
    filtered = under("b", f"{event} in ('x', 'y') and {plan} = 'pro'")

    assert digest("c", about="Other words for the same thing, much longer.") == plain
    assert digest("d", meta="owner: x, value: usd, direction: neutral") == plain
    assert under("e", f"({plan} = 'pro')  AND  {event} IN ('y', 'x')") == filtered
    assert under("f", f"{event} in ('x', 'y') or {plan} = 'pro'") != filtered
    assert under("g", f"{event} in ('x', 'z') and {plan} = 'pro'") != filtered
    assert digest("h", params="{measure: amount_sum}") != plain
    assert digest("i", meta="owner: x, value: usd, direction: neutral, window_days: 7") != plain
    assert filtered != plain


def test_an_input_changes_the_digest_of_what_is_made_of_it(tmp_path: Path) -> None:
    ratio = metric("share", kind="ratio", params="{numerator: events, denominator: all}")

    before = load(tmp_path / "a", metric(), metric("all"), ratio)
    after = load(tmp_path / "b", metric(params="{measure: amount_sum}"), metric("all"), ratio)

    assert before.metric("share").digest != after.metric("share").digest
    assert before.metric("all").digest == after.metric("all").digest
    assert before.digest != after.digest


def test_all_faults_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        metric("a", params="{measure: event_cont}"),
        metric("b", meta="owner: growth"),
        metric("c", about="c"),
        metrics__other="metrics:\n" + textwrap.indent(metric("a"), "  "),
        metrics__broken="metrics: [",
    )

    text = "\n".join(found)
    for part in ("did you mean `event_count`", "value, direction", "malformed YAML", "twice"):
        assert part in text
    assert len(found) >= 5
    assert all(".yml:" in fault for fault in found)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (metric(more="filtre: x"), "unknown key(s) filtre"),
        (metric(meta="value: count, direction: neutral"), "lacks owner"),
        (metric(meta="owner: x, direction: neutral"), "lacks value"),
        (metric(meta="owner: x, value: count"), "lacks direction"),
        (metric(meta="owner: x, value: count, direction: up"), "`config.meta.direction` is 'up'"),
        (metric(meta="owner: x, value: count, direction: neutral, colour: red"), "colour"),
        (metric(meta="owner: x, value: count, direction: neutral, window_days: 0"), "window_days"),
        (metric(about="events, all of the events"), "repeats the name"),
        (metric(about="too short"), "description"),
        (metric("Events"), "`name` is 'Events'"),
        (metric("a__b"), "`name` is 'a__b'"),
        (metric("metric_time"), "reserved"),
        (metric(params="{measure: event_cuont}"), "did you mean `event_count`?"),
        (metric(params="{}"), "`type_params` lacks measure"),
        (metric(params="{measure: event_count, fill_nulls_with: 0}"), "unknown key(s) fill_nulls"),
        (metric(kind="ratio", params="{numerator: events}"), "`type_params` lacks denominator"),
        (metric(kind="ratio", params="{numerator: evnt, denominator: x}"), "unknown metric"),
        (metric(kind="derived", params="{expr: a + 1, metrics: [events]}"), "unknown input `a`"),
        (metric(kind="derived", params="{expr: 1 + 1, metrics: [events]}"), "not used"),
        (metric(kind="derived", params="{expr: sum(events), metrics: [events]}"), "`sum()`"),
        (metric(kind="derived", params="{expr: events, metrics: [events]}"), "events → events"),
        (metric(kind="cumulative", params="{}"), "`type_params` lacks measure"),
        (metric(kind="conversion", params="{}"), "`type_params` lacks conversion_type_params"),
        (metric(kind="smple"), "did you mean `simple`?"),
        (metric(kind="unit_mean"), "move it below product_metrics"),
        (
            metric(meta="owner: x, value: count, direction: neutral, cap: {quantile: 0.99}"),
            "quantile cap is not supported yet",
        ),
        (
            metric(
                meta="owner: x, value: count, direction: neutral, "
                "deprecated: {since: 2026-01-01, until: 2026-02-01, use: evnts}"
            ),
            "the successor `evnts` does not exist",
        ),
        (metric(more="filter: \"{{ Dimension('unit__pln') }} = 1\""), "did you mean `unit__plan`?"),
        (metric(more="filter: \"{{ Dimension('unit__plan') }}; drop\""), "not one statement"),
        (metric(more="filter: plan = 'pro'"), "is no template"),
        (metric(more="filter: \"{{ env_var('HOME') }} = 'x'\""), "is not allowed"),
        (metric(more="filter: \"{{ Dimension('unit__plan') }} = f('x')\""), "`f()`"),
        (metric(more="filter: \"{% if x %} 1=1\""), "`{%`"),
        (metric(more="filter: \"{{ Entity('user') }} = 'x'\""), "unknown entity `user`"),
        (metric(about="Reads {{ env_var('HOME') }} and tells it everybody."), "description"),
        (metric(meta="owner: '{# x #}', value: count, direction: neutral"), "stands in"),
    ],
)  # fmt: skip
def test_a_wrong_metric_is_refused_with_where_and_fix(
    tmp_path: Path, entry: str, said: str
) -> None:
    found = faults(tmp_path, entry)

    assert any(said in fault for fault in found), found
    assert all("all.yml:" in fault for fault in found)


def test_a_cycle_is_named_once(tmp_path: Path) -> None:
    params = "{{numerator: {0}, denominator: {0}}}"

    found = one_fault(
        tmp_path,
        metric("a", kind="ratio", params=params.format("b")),
        metric("b", kind="ratio", params=params.format("c")),
        metric("c", kind="ratio", params=params.format("a")),
        metric("d", kind="ratio", params=params.format("a")),
    )

    assert "form a cycle" in found


def test_a_fault_of_an_input_is_not_repeated_for_what_is_made_of_it(tmp_path: Path) -> None:
    found = one_fault(
        tmp_path,
        metric("a", params="{measure: nowhere}"),
        metric("b", kind="derived", params="{expr: a, metrics: [a]}"),
    )

    assert "unknown measure `nowhere`" in found


def test_a_product_metric_is_no_input_of_a_dbt_metric(tmp_path: Path) -> None:
    found = one_fault(
        tmp_path,
        metric("twice", kind="derived", params="{expr: 2 * mean_amount, metrics: [mean_amount]}"),
        product=metric("mean_amount", kind="unit_mean", params="{measure: amount_sum}"),
    )

    assert "stands under product_metrics" in found


def test_a_unit_mean_needs_the_values(tmp_path: Path) -> None:
    found = one_fault(tmp_path, product=metric("mean_events", kind="unit_mean"))

    assert "is a count of events" in found


def test_unknown_top_level_keys_are_refused_because_dbt_would_drop_them(tmp_path: Path) -> None:
    found = one_fault(tmp_path, metrics__b="metric: []")

    assert "unknown top-level key `metric`" in found
    assert "did you mean `metrics`?" in found


@pytest.mark.parametrize(
    "text",
    [
        "models: [{name: a, description: \"{{ env_var('HOME') }}\"}]",
        "models: [{name: a, data_tests: [{not_null: {config: {where: \"{{ env_var('X') }}\"}}}]}]",
        "models: [{name: a, meta: {filter: '{{ x }}'}}]",
        "unit_tests: [{name: a, model: '{% x %}'}]",
        "semantic_models: [{name: a, model: \"{{ ref('a') }}\", entities: []}]",
    ],
)
def test_templates_are_refused_wherever_dbt_would_run_them(tmp_path: Path, text: str) -> None:
    found = faults(tmp_path, models__b=text)

    assert any("the template" in fault for fault in found), found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("ref('fct_events')", "ref('fct_evnts')"), "did you mean `fct_events`?"),
        (("expr: amount}", "expr: amout}"), "did you mean `amount`?"),
        (("expr: amount}", "expr: sum(amount)}"), "`sum()` is not allowed"),
        (("expr: amount}", "expr: (select 1)}"), "`subquery` is not allowed"),
        (("expr: amount}", "expr: read_text('/etc/passwd')}"), "is not allowed"),
        (("agg: max", "agg: mode"), "one of sum, count"),
        (("{agg_time_dimension: occurred_at}", "{}"), "has no time dimension"),
        (("type: primary, expr: event_id", "type: foreign, expr: event_id"), "primary_entity"),
        (("name: amount_most", "name: amount_sum"), "stands twice"),
        (("name: exposed_unit_count", "name: amount_sum"), "stands in events and exposures"),
        (("primary_entity: exposure", "primary: exposure"), "unknown key(s) primary"),
    ],
)  # fmt: skip
def test_a_wrong_semantic_model_is_refused(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    found = faults(tmp_path, metric(), models__marts=MARTS.replace(*change))

    assert any(said in fault for fault in found), found


def test_a_saved_query_names_known_metrics(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        metric(),
        metrics__saved="""
            saved_queries:
              - name: weekly
                query_params: {metrics: [evnts], where: ["plan = 1"]}
        """,
    )

    assert "did you mean `events`?" in found[0]
    assert "is no template" in found[1]


def test_loading_imports_no_engine_and_no_framework(tmp_path: Path) -> None:
    code = (
        "import sys; import landed.catalog, landed.compiler; "
        "heavy = {'duckdb', 'dbt', 'dagster', 'great_expectations', 'pandas', 'numpy'}; "
        "bad = heavy & set(sys.modules); "
        "sys.exit(str(bad) if bad else 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_fifty_metrics_load_quickly(tmp_path: Path) -> None:
    for index in range(50):
        write(
            tmp_path,
            {
                f"project/metrics/m{index}.yml": "metrics:\n"
                + textwrap.indent(metric(f"m{index}"), "  ")
            },
        )
    load(tmp_path)
    started = time.process_time()

    catalog = load(tmp_path)

    assert len(catalog.metrics) == 50
    assert time.process_time() - started < 0.5
