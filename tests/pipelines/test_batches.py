"""What a run of the ingest shows of what it brought: counts of all sources, and nobody's data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines import automation
from pipelines.defs.ingest import definitions
from pipelines.headless import QUIET
from pipelines.resources import Workspace

SOURCES = {
    "app": "kind: events\nformat: jsonl\npath: app/*\n",
    "web": "kind: events\nformat: jsonl\npath: web/*\n",
    "survey": "kind: feedback\nformat: jsonl\npath: survey/*\n",
}
PERSONAL = ("someone", "anon-7", "session-3", "a@b.example", "I am Ada", "event-", "answer-1")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Metadata of `batches` after a first ingest of three sources."""
    root = tmp_path_factory.mktemp("batches")
    project = root / "project"
    (project / "sources").mkdir(parents=True)
    (project / "landed.toml").write_text('[project]\nname = "batches"\n', encoding="utf-8")
    for name, text in SOURCES.items():
        file = project / "sources" / f"{name}.yml"
        file.write_text(f"source: {name}\n{text}", encoding="utf-8")
    landing = root / "home" / "landing"
    first = _event(1, "page_viewed", "2026-09-01T10:00:00Z")
    _land(landing / "app" / "a.jsonl", [first, first, _event(2, "search", "2026-09-02T10:00:00Z")])
    _land(landing / "web" / "a.jsonl", [_event(3, "search", "2026-09-03T10:00:00Z"), "{broken"])
    _land(landing / "web" / "b.jsonl", [_event(4, "search", "2026-09-04T10:00:00Z")])
    _land(landing / "web" / "c.jsonl", [_event(4, "search", "2026-09-04T11:00:00Z")])
    answer = {"feedback_id": "answer-1", "given_at": "2026-09-05T10:00:00Z", "channel": "survey"}
    _land(landing / "survey" / "a.jsonl", [json.dumps({**answer, "text": "I am Ada, a@b.example"})])
    workspace = Workspace(project_dir=str(project), home_dir=str(root / "home"))
    given = dg.Definitions(jobs=[automation.ingest_job], resources={"workspace": workspace})
    job = dg.Definitions.merge(definitions, given).resolve_job_def("ingest_landing")
    result = job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), run_config=QUIET)
    (found,) = (
        event.step_materialization_data.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("batches")
    )
    return {name: value.value for name, value in found.metadata.items()}


def test_rows_by_outcome_are_those_of_all_sources(shown: Mapping[str, Any]) -> None:
    outcomes = {name: shown[name] for name in ("rows_in", "accepted", "duplicate")}
    refused = {name: shown[name] for name in ("conflict", "quarantined")}

    assert outcomes == {"rows_in": 8, "accepted": 5, "duplicate": 1}
    assert refused == {"conflict": 1, "quarantined": 1}
    assert shown["quarantine_reasons"] == {"conflict": 1, "invalid_json": 1}
    assert shown["rows_by_source"]["app"] == {
        "files": 1, "rows_in": 3, "accepted": 2, "duplicate": 1, "conflict": 0, "quarantined": 0,
    }  # fmt: skip
    assert shown["rows_by_source"]["web"] == {
        "files": 3, "rows_in": 4, "accepted": 2, "duplicate": 0, "conflict": 1, "quarantined": 1,
    }  # fmt: skip
    assert shown["rows_by_source"]["survey"]["accepted"] == 1


def test_rows_by_event_and_freshness_are_those_of_all_event_sources(
    shown: Mapping[str, Any],
) -> None:
    assert shown["rows_by_event"] == {"search": 3, "page_viewed": 1}
    assert shown["latest_event_at"] == "2026-09-04T10:00:00+00:00"
    assert shown["latest_event_at_by_source"] == {
        "app": "2026-09-02T10:00:00+00:00",
        "web": "2026-09-04T10:00:00+00:00",
    }
    assert shown["freshness_seconds"] > 0


def test_a_sample_comes_from_several_sources_and_nothing_shown_is_personal(
    shown: Mapping[str, Any],
) -> None:
    whole = json.dumps(dict(shown))

    assert {row["source"] for row in shown["sample"]} == {"app", "web"}
    assert {key for row in shown["sample"] for key in row} == {
        "event_name",
        "occurred_at",
        "app_version",
        "source",
    }
    assert [text for text in PERSONAL if text in whole] == []


def _event(number: int, name: str, at: str) -> str:
    event = {
        "event_id": f"event-{number}",
        "event_name": name,
        "occurred_at": at,
        "user_id": "someone",
        "anonymous_id": "anon-7",
        "session_id": "session-3",
        "app_version": "1.2.0",
        "properties": {"email": "a@b.example"},
    }
    return json.dumps(event)


def _land(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
