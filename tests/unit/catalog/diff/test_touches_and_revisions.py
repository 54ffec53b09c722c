"""Whom a change touches, and how a breaking one is told of."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from edited import FILES, TODAY, edited, version

from landed.catalog.diff import Change, Version, diff, lint_diff
from landed.errors import Fault

MARTS, SALES = "models/marts.yml", "metrics/sales.yml"
WITH_TAX = (MARTS, "amount_usd - tax_usd", "amount_usd")
REVISED = (
    SALES,
    "minimum_effect_of_interest: 0.5\n        revisions: [",
    "minimum_effect_of_interest: 0.5\n"
    "        revisions: [{date: 2026-11-28, change: tax is in, by: sales}, ",
)


def only(base: Version, folder: Path, rule: str, *edits: tuple[str, str, str]) -> Change:
    (found,) = (one for one in edited(base, folder, *edits).changes if one.rule == rule)
    return found


def faults(base: Version, folder: Path, *edits: tuple[str, str, str]) -> list[Fault]:
    head = version(folder, edits)
    return lint_diff(diff(base, head, as_of=TODAY), base, head, TODAY)


def test_a_formula_touches_metrics_releases_saved_queries_and_dashboards(
    base: Version, tmp_path: Path
) -> None:
    found = only(base, tmp_path, "formula", WITH_TAX)

    assert (found.subject, found.name, found.file) == ("metric", "revenue", SALES)
    assert found.what.endswith("was case when status = 'paid' then amount_usd - tax_usd else 0 end")
    assert found.touches.metrics == ("revenue_growth", "revenue_per_order")
    assert found.touches.releases == ("new-shop",)
    assert found.touches.saved_queries == ("weekly_sales",)
    assert found.touches.dashboards == ("sales_board",)


def test_a_change_stands_in_the_metric_that_made_it_not_in_those_made_of_it(
    base: Version, tmp_path: Path
) -> None:
    found = edited(base, tmp_path, WITH_TAX)

    assert [one.name for one in found.changes] == ["revenue"]


def test_a_lost_dimension_touches_only_the_saved_queries_that_name_it(
    base: Version, tmp_path: Path
) -> None:
    channel = "      - {name: channel, type: categorical, label: Channel}\n"
    status = "      - {name: status, type: categorical, description: Where the order stands.}\n"
    free = (SALES, "      - \"{{ Dimension('order__status') }} in ('paid', 'sent')\"\n", "")

    unnamed = only(base, tmp_path / "a", "dimension_removed", (MARTS, status, ""), free)
    broken = (
        ("metrics/saved.yml", ", \"Dimension('order__channel')\"", ""),
        ("metrics/saved.yml", "      where: \"{{ Dimension('order__channel') }} <> 'test'\"\n", ""),
    )
    named = only(base, tmp_path / "b", "dimension_removed", (MARTS, channel, ""), *broken)

    assert unnamed.touches.saved_queries == ()
    assert named.touches.saved_queries == ("weekly_sales",)


def test_a_segment_of_a_release_is_touched_by_its_dimension(base: Version, tmp_path: Path) -> None:
    plan = (
        MARTS,
        "{name: plan, type: categorical}",
        "{name: plan, type: categorical, expr: lower(plan)}",
    )

    found = only(base, tmp_path, "dimension_changed", plan)

    assert found.touches.releases == ("new-shop",)


def test_a_new_revision_answers_a_breaking_change(base: Version, tmp_path: Path) -> None:
    found = edited(base, tmp_path, WITH_TAX, REVISED)

    assert found.severity == "breaking"
    assert found.unanswered == ()
    assert faults(base, tmp_path / "again", WITH_TAX, REVISED) == []


def test_an_earlier_revision_in_other_words_answers_nothing(base: Version, tmp_path: Path) -> None:
    other_words = (
        SALES,
        "minimum_effect_of_interest: 0.5\n        revisions: [{date: 2026-01-01, change: first",
        "minimum_effect_of_interest: 0.5\n        revisions: [{date: 2026-01-01, change: the first",
    )

    assert len(edited(base, tmp_path, WITH_TAX, other_words).unanswered) == 1


def test_a_revision_dated_before_the_latest_one_answers_nothing(
    base: Version, tmp_path: Path
) -> None:
    file, old, new = REVISED

    backdated = (file, old, new.replace("2026-11-28", "2025-12-31"))

    assert [one.name for one in edited(base, tmp_path, WITH_TAX, backdated).unanswered] == [
        "revenue"
    ]


def test_the_fault_names_the_metric_what_changed_and_the_entry_to_paste(
    base: Version, tmp_path: Path
) -> None:
    (fault,) = faults(base, tmp_path, WITH_TAX)

    assert fault.code == "unrevised"
    assert "the metric `revenue` breaks what reads it (the expression is" in fault.what
    assert fault.where == SALES
    assert "- {date: 2026-11-28, change: <what and why>, by: sales}" in fault.fix


def test_several_changes_of_a_metric_are_one_fault(base: Version, tmp_path: Path) -> None:
    (fault,) = faults(base, tmp_path, WITH_TAX, (SALES, "window_days: 14", "window_days: 28"))

    assert "the expression is" in fault.what
    assert "the outcome window in days is 28, was 14" in fault.what


def test_each_metric_over_a_lost_name_has_to_tell_of_it(base: Version, tmp_path: Path) -> None:
    found = faults(base, tmp_path, (MARTS, "      - {name: page, type: categorical}\n", ""))

    assert {one.what.split("`")[1] for one in found} == {
        "visit_to_order",
        "weekly_visitors",
        "checkout",
    }


def test_a_metric_that_is_gone_cannot_be_answered_but_by_a_deprecation(
    base: Version, tmp_path: Path
) -> None:
    found = faults(base, tmp_path, (SALES, "- name: weekly_visitors", "- name: visitors_a_week"))

    assert len(found) == 1
    assert "is now called visitors_a_week" in found[0].what
    assert "put it back with config.meta.deprecated: {since: 2026-11-28" in found[0].fix


def test_a_deprecated_metric_may_not_go_before_its_day(base: Version, tmp_path: Path) -> None:
    head = version(tmp_path, ((SALES, "- name: old_orders", "- name: older_orders"),))

    early = diff(base, head, as_of=date(2026, 6, 30))
    late = diff(base, head, as_of=date(2026, 7, 1))

    assert [one.rule for one in early.unanswered] == ["metric_renamed"]
    assert "retired" in {one.rule for one in late.changes}
    assert late.unanswered == ()


def test_the_time_zone_breaks_metrics_over_instants_not_those_over_days(
    base: Version, tmp_path: Path
) -> None:
    zone = ("landed.toml", 'timezone = "UTC"', 'timezone = "Asia/Tokyo"')
    by_day = "amount_p90, agg: percentile, agg_time_dimension: ordered_on,"
    days = version(tmp_path / "days", ((MARTS, "amount_p90, agg: percentile,", by_day),))

    from_instants = only(base, tmp_path / "a", "timezone", zone)
    head = version(tmp_path / "b", ((MARTS, "amount_p90, agg: percentile,", by_day), zone))
    (from_days,) = diff(days, head, as_of=TODAY).changes

    assert set(from_instants.owners) - set(from_days.owners) == {"basket_p90"}
    assert from_days.owners


def test_a_moved_file_is_named_from_the_project(base: Version, tmp_path: Path) -> None:
    moved = {"metrics/money/saved.yml": FILES["metrics/saved.yml"], "metrics/saved.yml": ""}

    found = diff(base, version(tmp_path, files=moved), as_of=TODAY)

    assert [(one.rule, one.what) for one in found.changes] == [
        ("file_moved", "the file is metrics/money/saved.yml, was metrics/saved.yml")
    ]


@pytest.mark.parametrize("name", ["base", "head"])
def test_nothing_changes_between_a_version_and_itself(
    base: Version, tmp_path: Path, name: str
) -> None:
    one = base if name == "base" else version(tmp_path, (WITH_TAX,))

    assert diff(one, one, as_of=TODAY).changes == ()
