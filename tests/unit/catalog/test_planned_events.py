"""Before a release ships: events and properties it needs, held against the tracking plan."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from landed.catalog import load_catalog
from landed.catalog.linting_warnings import warnings_of
from landed.catalog.planned_events import read_planned_events, read_untracked_sources
from landed.project import core_root, load_project

DEMO = core_root() / "examples" / "demo"
BEFORE, AFTER = date(2026, 9, 1), date(2027, 9, 1)


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return shutil.copytree(DEMO, tmp_path / "demo")


def told(root: Path, today: date = BEFORE) -> list[str]:
    codes = ("unplanned_event", "unplanned_property")
    found = warnings_of(load_catalog(load_project(root)), today)
    return [one.what for one in found if one.code in codes]


def test_a_plan_that_knows_all_that_releases_need_is_no_warning(demo: Path) -> None:
    assert told(demo) == []


def test_a_promised_event_without_a_schema_is_told(demo: Path) -> None:
    (demo / "tracking" / "checklist_shown.json").unlink()

    assert told(demo) == [
        "`onboarding-checklist` promises the event `checklist_shown`, which the tracking plan does"
        " not know"
    ]


def test_an_event_that_a_metric_reads_without_a_schema_is_told(demo: Path) -> None:
    (demo / "tracking" / "search_performed.json").unlink()

    assert (
        "`search_success_rate` of `search-ranking` reads `search_performed`, which the tracking"
        " plan does not know"
    ) in told(demo)


def test_a_property_that_no_schema_names_is_told(demo: Path) -> None:
    file = demo / "tracking" / "search_performed.json"
    file.write_text(file.read_text().replace('"has_click"', '"clicked"'))

    assert (
        "`search_success_rate` of `search-ranking` reads the property `has_click`, which no schema"
        " names"
    ) in told(demo)


def test_a_release_that_is_decided_needs_nothing_any_more(demo: Path) -> None:
    (demo / "tracking" / "search_performed.json").unlink()

    assert told(demo, AFTER) == []


def test_a_project_without_a_plan_is_not_warned(demo: Path) -> None:
    shutil.rmtree(demo / "tracking")

    assert told(demo) == []


def test_a_broken_file_of_the_plan_is_left_to_who_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text('{"properties": {"x": true}}')
    (tmp_path / "c.json").write_text('{"type": "object"}')

    assert read_planned_events(tmp_path) == {"b": frozenset({"x"}), "c": None}


def test_a_source_may_be_without_a_plan(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("source: web\ntracking: false\n")
    (tmp_path / "app.yml").write_text("source: app\n")
    (tmp_path / "bad.yml").write_text("source: [")

    assert read_untracked_sources(tmp_path) == {"web"}
