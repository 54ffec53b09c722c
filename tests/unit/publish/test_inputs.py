"""What a run depends on: a lapsed exemption and the calendar of an open release count."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import mini_project
import pytest

from landed.catalog import load_catalog
from landed.errors import PlanError
from landed.ingest import ingest
from landed.project import Home, load_project
from landed.publish import inputs, snapshot_id
from landed.publish.inputs import midnight, require_unchanged, run_inputs, up_to_date
from landed.settings import Settings

EXEMPTION = """\
exemptions:
  - {check: sample_ratio, reason: known, owner: search, expires_at: 2026-09-15T12:00:00Z}
"""


def test_an_exemption_that_lapses_changes_the_inputs(tmp_path: Path) -> None:
    root = mini_project.write_project(tmp_path / "mini")
    file = root / "releases" / "new-search.yml"
    file.write_text(file.read_text("utf-8") + EXEMPTION, encoding="utf-8")
    project, home = load_project(root), Home(tmp_path / "home")
    catalog = load_catalog(project)

    before = run_inputs(project, home, catalog, datetime(2026, 9, 15, tzinfo=UTC))
    after = run_inputs(project, home, catalog, datetime(2026, 9, 16, tzinfo=UTC))

    assert before["exemptions"] != after["exemptions"]


def test_an_open_release_depends_on_the_day(tmp_path: Path) -> None:
    project = load_project(mini_project.write_project(tmp_path / "mini"))
    catalog, home = load_catalog(project), Home(tmp_path / "home")

    inputs = run_inputs(project, home, catalog, datetime(2026, 9, 5, tzinfo=UTC))

    assert inputs["day"] == "2026-09-05"


def test_marts_of_other_files_are_refused_but_a_new_day_is_not() -> None:
    built = {"catalog": "a", "day": "2026-09-05"}

    require_unchanged(built, {"catalog": "a", "day": "2026-09-06"})
    with pytest.raises(PlanError, match="catalog changed"):
        require_unchanged(built, {"catalog": "b", "day": "2026-09-05"})


def test_the_clock_of_a_run_is_its_day() -> None:
    assert midnight(datetime(2026, 9, 5, 23, 59, tzinfo=UTC)) == datetime(2026, 9, 5, tzinfo=UTC)


def test_a_run_without_new_files_has_work_where_rows_are_kept_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = mini_project.write_project(tmp_path / "mini")
    source = root / "sources" / "app.yml"
    source.write_text(source.read_text("utf-8") + "retention: {lake_days: 100}\n", "utf-8")
    project, home = load_project(root), Home(tmp_path / "home")
    mini_project.write_events(home.landing, users=20)
    catalog, now = load_catalog(project), datetime(2026, 10, 1, tzinfo=UTC)
    ingest(project, home, Settings(threads=1, memory_limit_mb=512), now=now)
    published = snapshot_id(run_inputs(project, home, catalog, now))
    monkeypatch.setattr(inputs, "current", lambda _: SimpleNamespace(id=published))
    # published, and killed before the release's latest report was said to be that of the snapshot
    assert up_to_date(project, home, catalog, now) is None
    latest = home.reports / "new-search" / "latest.json"
    latest.parent.mkdir(parents=True)
    latest.write_text(f'{{"snapshot": "{published}"}}', encoding="utf-8")

    later = datetime(2026, 12, 11, tzinfo=UTC)

    assert run_inputs(project, home, catalog, later) == run_inputs(project, home, catalog, now)
    assert up_to_date(project, home, catalog, now) == published
    assert up_to_date(project, home, catalog, later) is None
