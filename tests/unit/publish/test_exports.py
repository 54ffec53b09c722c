"""Files of saved queries say what the current snapshot may say, and nothing older."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from landed.catalog import load_catalog
from landed.publish import publish_snapshot, snapshot_id
from landed.publish.exports import export_saved
from landed.publish.readers import releases_digest
from landed.settings import Settings
from landed.warehouse import Engine

SETTINGS = Settings(threads=1)
SAVED = """\
saved_queries:
  - name: arms
    description: Events by arm of a release.
    config: {meta: {owner: growth}}
    query_params:
      metrics: [events]
      group_by: ["Dimension('variant')"]
      where: ["{{ Dimension('release') }} = 'good'"]
"""
CUTOFF = """\
create table dim_releases as select 'good' as release, timestamp '2026-11-22' as cutoff_at
"""


@pytest.fixture
def arms(make_small: Callable[..., Any]) -> Any:
    small = make_small()
    with Engine.open(small.home.build, settings=SETTINGS) as engine:
        engine.execute(CUTOFF)
    (small.project.root / "metrics").mkdir()
    (small.project.root / "metrics" / "saved.yml").write_text(SAVED, encoding="utf-8")
    core = small.project.root.parent / "core"
    return replace(small, catalog=load_catalog(small.project, core=core))


def publish(small: Any, state: str, blocked: tuple[str, ...]) -> None:
    definitions = {"catalog": small.catalog.digest, "releases": releases_digest(small.catalog)}
    inputs = {"lake": state, **definitions}
    name = snapshot_id(inputs)
    reports = [small.report(one, name, blocked=one in blocked) for one in small.catalog.releases]
    publish_snapshot(
        small.project, small.home, small.catalog, reports,
        inputs=inputs, settings=SETTINGS, created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )  # fmt: skip


def test_a_file_goes_when_the_gate_of_its_release_no_longer_passes(arms: Any) -> None:
    path: Path = arms.home.exports / "arms.parquet"
    publish(arms, "1", blocked=())
    written = export_saved(arms.home, arms.catalog, "arms", SETTINGS)
    assert written.refused == ""
    assert pq.read_table(path).to_pydict()["variant"] == ["checklist", "control"]

    publish(arms, "2", blocked=("good",))
    refused = export_saved(arms.home, arms.catalog, "arms", SETTINGS)

    assert refused.refused == "the release good has no passed gate in this snapshot"
    assert refused.rows == 0
    assert not path.exists()
