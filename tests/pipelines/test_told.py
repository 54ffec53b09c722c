"""A value that a release's numbers stumble over stands in no file that a run leaves for readers."""

from __future__ import annotations

import json
from pathlib import Path

import mini_project
import orjson
import pytest

from pipelines import headless
from pipelines.resources import Workspace

MARK = "bob7761"
HOSTILE = f"{MARK}@x.example <b>\x1b[31m\n"
#: Where the rows themselves are kept, and what dbt and the engine make of them.
ROWS = ("landing", "lake", "quarantine", "warehouse", "snapshots")

METRIC = """
semantic_models:
  - name: amounts
    description: One row per event.
    model: ref('fct_events')
    defaults: {agg_time_dimension: paid_at}
    entities:
      - {name: payment, type: primary, expr: event_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: paid_at, type: time, expr: occurred_at, type_params: {time_granularity: day}}
    measures:
      - name: amount
        agg: sum
        expr: cast(json_extract_string(properties, '$.amount') as double)
metrics:
  - name: paid_amount
    label: Paid amount
    description: What was paid. Falls when people buy less.
    type: simple
    type_params: {measure: amount}
    config:
      meta:
        owner: growth
        value: usd
        direction: increase_is_good
        tier: team
        minimum_effect_of_interest: 0.1
        revisions: [{date: 2026-09-01, change: first definition, by: growth}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a metric over a property that is no number in one event."""
    folder = mini_project.write_project(tmp_path / "mini")
    (folder / "metrics" / "paid_amount.yml").write_text(METRIC)
    file = folder / "releases" / f"{mini_project.RELEASE}.yml"
    file.write_text(file.read_text().replace("metric: sessions", "metric: paid_amount"))
    mini_project.write_events(folder / ".landed" / "landing")
    first = sorted((folder / ".landed" / "landing" / "app").glob("*.jsonl"))[2]
    events = [json.loads(line) for line in first.read_text().splitlines()]
    for event in events:
        if event["event_name"] == "page_viewed":
            event["properties"]["amount"] = "3.5"
    events[-1]["properties"]["amount"] = HOSTILE
    first.write_text("".join(json.dumps(event) + "\n" for event in events))
    return folder


@pytest.mark.full
def test_a_value_that_is_no_number_blocks_its_release_and_is_shown_nowhere(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(project_dir=str(project), home_dir=str(project / ".landed"))

    headless.run(workspace, only=(), progress=print)

    home = workspace.home
    documents = [orjson.loads(one.read_bytes()) for one in home.root.glob("reports/*/*.json")]
    observed = [
        check["observed"]
        for one in documents
        if "gate" in one
        for check in one["gate"]["checks"]
        if check["id"] == "gate_error"
    ]
    assert observed, documents
    assert all("a text is not DOUBLE" in one for one in observed)
    files = [
        path.relative_to(home.root)
        for path in home.root.rglob("*")
        if path.is_file() and MARK.encode() in path.read_bytes()
    ]
    assert [str(path) for path in files if path.parts[0] not in ROWS] == []
    assert [path for path in files if path.parts[0] == "landing"]  # it is looked for rightly
    assert MARK not in "".join(capsys.readouterr())
