"""Two looks at one release, days apart: each is taken once, and kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import mini_project
import pytest

from landed.publish.looks import read_looks
from landed.publish.reports import read_report
from landed.warehouse import run_lock
from pipelines import headless
from pipelines.resources import Workspace

METRIC = """\
metrics:
  - name: events_in_a_day
    label: Events in a day
    description: Events of a unit in the day after its exposure.
    type: simple
    type_params: {measure: event_count}
    config:
      meta:
        owner: search
        value: count
        direction: increase_is_good
        tier: team
        window_days: 1
        revisions:
          - {date: 2026-09-01, change: first definition, by: search}
"""


def test_each_run_on_a_new_day_takes_one_look_and_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = mini_project.write_project(tmp_path / "mini")
    (project / "metrics" / "events_in_a_day.yml").write_text(METRIC, encoding="utf-8")
    release = project / "releases" / "new-search.yml"
    text = release.read_text("utf-8").replace("looks: once", "looks: daily")
    release.write_text(text.replace("metric: sessions", "metric: events_in_a_day"), "utf-8")
    source = project / "sources" / "app.yml"
    whole = source.read_text("utf-8")
    home = tmp_path / "home"
    mini_project.write_events(home / "landing", users=600)
    workspace = Workspace(project_dir=str(project), home_dir=str(home))
    looks, reports = [], []
    for day in ("2026-09-06", "2026-09-11"):
        source.write_text(whole.replace("2026-09-11", day), encoding="utf-8")
        _hold_back(home / "landing" / "app", until=day)
        midnight = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        monkeypatch.setattr(Workspace, "now", property(lambda _, at=midnight: at))

        with run_lock(workspace.home):
            headless.run(workspace, (), lambda *_: None)
        looks.append(read_looks(workspace.home, "new-search"))
        reports.append(read_report(workspace.home, "new-search").document)

    first, second = (found.of("events_in_a_day", "ranked") for found in looks if found)
    assert (len(first), len(second)) == (1, 2)
    assert first == second[:1]
    assert first[0].tests["success"].bound > second[1].tests["success"].bound > 1.977
    assert second[1].fraction == 1.0
    assert [report["look"] for report in reports] == [
        {"number": 1, "planned": 9},
        {"number": 2, "planned": 9},
    ]
    assert reports[1]["verdict"]["decision"] == "worked"


def _hold_back(folder: Path, *, until: str) -> None:
    """Files of days not reached yet go by another name, which the source does not read."""
    for path in sorted(folder.iterdir()):
        day = path.name.removesuffix(".later").removesuffix(".jsonl")
        path.rename(folder / (f"{day}.jsonl" if day < until else f"{day}.jsonl.later"))
