"""The gate's record on disk."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from landed.errors import WarehouseError
from landed.gate import decide
from landed.project import Home
from landed.publish.gates import judged_releases, keep_decision, read_gate_record

CUTOFF_AT = datetime(2026, 3, 16, tzinfo=UTC)


def keep(home: Home, release: str = "checklist") -> None:
    keep_decision(home, decide(release, []), cutoff_at=CUTOFF_AT, judged_at=CUTOFF_AT)


def test_a_decision_that_was_kept_is_read_back(tmp_path: Path) -> None:
    home = Home(tmp_path)

    keep(home)

    found = read_gate_record(home, "checklist").latest
    assert found is not None
    assert (found.cutoff_at, found.decision) == (CUTOFF_AT, "blocked")
    assert judged_releases(home) == ["checklist"]


def test_before_the_first_run_there_is_an_empty_record(tmp_path: Path) -> None:
    assert read_gate_record(Home(tmp_path), "checklist").latest is None
    assert judged_releases(Home(tmp_path)) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "landed.gate/1"}', "7"])
def test_a_damaged_record_is_named_and_the_next_run_begins_another(
    tmp_path: Path, content: str
) -> None:
    home = Home(tmp_path)
    home.gates.mkdir()
    (home.gates / "checklist.json").write_text(content, encoding="utf-8")
    with pytest.raises(WarehouseError, match=r"record of `checklist` cannot be read"):
        read_gate_record(home, "checklist")

    keep(home)

    assert read_gate_record(home, "checklist").latest is not None


def test_a_record_under_another_releases_name_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    keep(home)
    (home.gates / "checklist.json").rename(home.gates / "other.json")

    with pytest.raises(WarehouseError, match="checklist"):
        read_gate_record(home, "other")
