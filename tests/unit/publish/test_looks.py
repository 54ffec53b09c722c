from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from landed.errors import LandedError, WarehouseError
from landed.impact import ReleaseLooks
from landed.impact.look_plan import LookPlan
from landed.project import Home
from landed.publish.looks import keep_looks, read_looks

PLAN = LookPlan(
    looks="once",
    starts_at=datetime(2026, 11, 3, tzinfo=UTC),
    ends_at=datetime(2026, 12, 1, tzinfo=UTC),
    control="control",
    treatments=("new",),
    adjustment="none",
    roles=(),
    directions={},
    windows_days={},
    shares={},
)


def test_looks_are_read_back_as_they_were_kept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    looks = ReleaseLooks("new-search", PLAN)

    assert read_looks(home, "new-search") is None
    keep_looks(home, looks)
    assert read_looks(home, "new-search") == looks


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"schema": "landed.looks/1"}'])
def test_a_damaged_file_is_no_first_look(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path)
    home.looks.mkdir()
    (home.looks / "new-search.json").write_text(text, encoding="utf-8")

    with pytest.raises(LandedError):
        read_looks(home, "new-search")


def test_the_looks_of_another_release_are_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    keep_looks(home, ReleaseLooks("other", PLAN))
    (home.looks / "other.json").rename(home.looks / "new-search.json")

    with pytest.raises(WarehouseError, match="`other`"):
        read_looks(home, "new-search")
