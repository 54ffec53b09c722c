from __future__ import annotations

from pathlib import Path

import pytest
from written import faults, load, metric

from landed.catalog import Catalog

METRICS = (
    metric(meta="owner: x, value: count, direction: increase_is_good, non_inferiority_margin: 2"),
    metric("amount", params="{measure: amount_sum}"),
    metric("most", params="{measure: amount_most}"),
    metric("exposed_units", params="{measure: exposed_unit_count}"),
    metric("neutral", meta="owner: x, value: count, direction: neutral, window_days: 7"),
    metric("twice", kind="derived", params="{expr: 2 * events, metrics: [events]}"),
    metric("nested", kind="ratio", params="{numerator: twice, denominator: events}"),
)


def release(**keys: str) -> str:
    more = "\n        ".join(f"{key}: {value}" for key, value in keys.items())
    return f"""
        release: new-start
        shipped_at: 2026-03-01T00:00:00Z
        owner: growth
        rollout:
          kind: experiment
          exposure: {{event: feature_flag.evaluation, flag: new_start}}
          control: control
          treatments: [checklist]
          allocation: {{control: 0.5, checklist: 0.5}}
        horizon: {{exposure_ends_at: 2026-03-15T00:00:00Z}}
        {more}
    """


def declared(tmp_path: Path, **keys: str) -> Catalog:
    return load(tmp_path, *METRICS, **{"releases__new-start": release(**keys)})


def said(tmp_path: Path, **keys: str) -> list[str]:
    return faults(tmp_path, *METRICS, **{"releases__new-start": release(**keys)})


def test_a_sound_release_is_part_of_the_catalog(tmp_path: Path) -> None:
    catalog = declared(
        tmp_path,
        success="[{metric: amount}]",
        guardrails="[{metric: events}]",
        survival="[{metric: most, non_inferiority_margin: 1}]",
        diagnostics="[neutral]",
        segments="[plan]",
    )

    found = catalog.releases["new-start"]
    assert catalog.lint_release(found) == []
    assert str(catalog.decides_at(found)) == "2026-03-22 00:00:00+00:00"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("metric: amuont", "did you mean `amount`?"),
        ("metric: twice", "derived metric has no value"),
        ("metric: nested", "not simple"),
        ("metric: exposed_units", "counts the population itself"),
        ("metric: neutral", "is neutral"),
    ],
)
def test_a_metric_that_cannot_play_its_role_is_refused(
    tmp_path: Path, entry: str, expected: str
) -> None:
    found = said(tmp_path, success=f"[{{{entry}}}]")

    assert len(found) == 1
    assert expected in found[0]
    assert "new-start.yml" in found[0]


@pytest.mark.parametrize("role", ["success", "guardrails", "survival", "diagnostics"])
def test_a_funnel_is_refused_in_every_role_so_that_no_report_holds_one_that_rises(
    tmp_path: Path, role: str
) -> None:
    steps = "[{name: came, measure: event_count}, {name: paid, measure: event_count}]"
    funnel = metric("checkout", kind="funnel", params=f"{{steps: {steps}}}")
    entry = "checkout" if role == "diagnostics" else "{metric: checkout, non_inferiority_margin: 1}"
    roles = {"success": "[{metric: events}]", role: f"[{entry}]"}

    found = faults(tmp_path, *METRICS, product=funnel, **{"releases__new-start": release(**roles)})

    assert len(found) == 1
    assert "`checkout` has no unit outcome: a funnel metric has no value" in found[0]


@pytest.mark.parametrize("role", ["guardrails", "survival"])
def test_a_guardrail_without_a_margin_is_refused(tmp_path: Path, role: str) -> None:
    found = said(tmp_path, success="[{metric: events}]", **{role: "[{metric: amount}]"})

    assert len(found) == 1
    assert "has no margin" in found[0]


def test_a_segment_that_no_unit_has_is_refused(tmp_path: Path) -> None:
    found = said(tmp_path, success="[{metric: events}]", segments="[plann, event_name]")

    assert len(found) == 2
    assert "did you mean `plan`?" in found[0]
    assert "unknown segment `event_name`" in found[1]


def test_a_segment_that_is_known_only_as_of_now_is_refused(tmp_path: Path) -> None:
    found = said(tmp_path, success="[{metric: events}]", segments="[plan, city]")

    assert len(found) == 1
    assert "the segment `city` is not known as of the exposure" in found[0]


def test_a_metric_with_a_fault_of_its_own_is_not_called_unknown(tmp_path: Path) -> None:
    files = {"releases__new-start": release(success="[{metric: broken}]")}

    found = faults(tmp_path, metric("broken", params="{measure: nowhere}"), **files)

    assert len(found) == 1
    assert "unknown measure" in found[0]


def to_everyone(**keys: str) -> dict[str, str]:
    return rolled_out("          kind: everyone\n", **keys)


def by_cohort(by: str, **keys: str) -> dict[str, str]:
    starts = "{a: 2026-03-01T00:00:00Z}"
    cohorts = f"          cohorts: {{by: {by}, starts: {starts}}}\n"
    return rolled_out("          kind: staged\n" + cohorts, **keys)


def rolled_out(how: str, **keys: str) -> dict[str, str]:
    text = release(**keys)
    start, end = text.index("          kind: experiment"), text.index("        horizon:")
    return {"releases__new-start": text[:start] + how + text[end:]}


@pytest.mark.parametrize("entry", ["metric: events", "metric: amount, relative: true"])
def test_a_release_to_everyone_may_name_a_total_without_an_absolute_limit(
    tmp_path: Path, entry: str
) -> None:
    catalog = load(tmp_path, *METRICS, **to_everyone(success=f"[{{{entry}}}]"))

    assert catalog.releases["new-start"].kind == "everyone"


def test_an_absolute_limit_of_a_total_is_refused_in_a_release_to_everyone(tmp_path: Path) -> None:
    keys = {
        "success": "[{metric: amount, minimum_effect_of_interest: 3}]",
        "guardrails": "[{metric: events}]",  # its own margin is absolute
    }

    found = faults(tmp_path, *METRICS, **to_everyone(**keys))

    assert len(found) == 2
    assert "the limit of `amount` is 3" in found[0]
    assert "the limit of `events` is 2" in found[1]


def test_a_share_of_exposed_units_is_refused_in_a_release_to_everyone(tmp_path: Path) -> None:
    share = metric("rate", kind="ratio", params="{numerator: events, denominator: exposed_units}")

    found = faults(tmp_path, *METRICS, share, **to_everyone(success="[{metric: rate}]"))

    assert len(found) == 1
    assert "none before the change" in found[0]


def test_an_absolute_limit_of_a_total_is_refused_in_a_version_that_is_judged(
    tmp_path: Path,
) -> None:
    named = "[{metric: amount, minimum_effect_of_interest: 3}]"

    files = rolled_out("          kind: version\n        app_version: '2.0'\n", success=named)

    found = faults(tmp_path, *METRICS, **files)

    assert len(found) == 1
    assert "the limit of `amount` is 3" in found[0]


@pytest.mark.parametrize("by", ["plan", "unit__plan"])
def test_cohorts_go_by_a_dimension_of_every_metric(tmp_path: Path, by: str) -> None:
    catalog = load(tmp_path, *METRICS, **by_cohort(by, success="[{metric: events}]"))

    assert catalog.releases["new-start"].cohorts is not None


def test_cohorts_by_something_that_a_metric_cannot_be_grouped_by_are_refused(
    tmp_path: Path,
) -> None:
    found = faults(tmp_path, *METRICS, **by_cohort("unit__plann", success="[{metric: events}]"))

    assert len(found) == 1
    assert "`events` cannot be grouped by `unit__plann`" in found[0]
    assert "did you mean `unit__plan`?" in found[0]
