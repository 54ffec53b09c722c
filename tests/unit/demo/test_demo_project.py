"""The demo's project files agree with the simulation."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

import jsonschema
import orjson
import pytest

from landed.catalog import load_catalog
from landed.demo import generate
from landed.demo.design import CHANGES, EXPERIMENTS, STARTED_AT, Change
from landed.project import core_root, load_project

DEMO = core_root() / "examples" / "demo"


def test_the_catalog_loads_and_has_a_dozen_metrics_of_the_demo_s_own() -> None:
    catalog = load_catalog(load_project(DEMO))

    own = {path.stem for path in (DEMO / "metrics").rglob("*.yml")}
    assert own <= {*catalog.metrics, *catalog.saved_queries}  # one definition a file
    assert len(own & set(catalog.metrics)) >= 12


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.release)
def test_the_release_file_says_what_the_simulation_does(change: Change) -> None:
    catalog = load_catalog(load_project(DEMO))

    release = catalog.releases[change.release]
    windows = [catalog.metric(name).window_days for name in release.metrics]

    assert release.shipped_at == change.shipped_at
    assert release.exposure_ends_at == change.exposure_ends_at
    assert release.decides_at(windows) == change.decides_at
    assert change.decides_at <= STARTED_AT + timedelta(days=58)
    assert [role.metric for role in release.with_role("success")] == [change.main_metric]
    if change in EXPERIMENTS:
        assert release.exposure is not None
        assert release.exposure.flag == change.flag
        assert release.variants == ("control", change.treatment)


def test_every_release_of_the_simulation_has_a_file_and_no_other() -> None:
    catalog = load_catalog(load_project(DEMO))

    assert set(catalog.releases) == {change.release for change in CHANGES}


def test_every_event_follows_its_tracking_plan(tmp_path: Path) -> None:
    truth = generate(tmp_path, users=300)
    plan = {
        path.stem: jsonschema.Draft202012Validator(orjson.loads(path.read_bytes()))
        for path in (DEMO / "tracking").glob("*.json")
    }

    seen = {}
    for path in (tmp_path / "events").iterdir():
        for line in gzip.decompress(path.read_bytes()).splitlines():
            if b'"event_name":' in line and line.endswith(b"}}"):
                event = orjson.loads(line)
                seen.setdefault(event["event_name"], []).append(event["properties"])

    assert set(plan) == set(seen) == set(truth.written.event_kinds)
    wrong = {
        name: [error.message for p in rows[:200] for error in plan[name].iter_errors(p)]
        for name, rows in seen.items()
    }
    assert {name: faults for name, faults in wrong.items() if faults} == {}
