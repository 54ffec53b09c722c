"""The one function from marts to report: a pass gives a report, anything else a notice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from landed.errors import WarehouseError
from landed.impact.calendar import Calendar
from landed.report import assess as assessing
from landed.report.assess import Assessment

CUTOFF_AT = datetime(2026, 3, 16, tzinfo=UTC)


def assess(world: Any, **more: Any) -> Assessment:
    return world.assess(Calendar(world.release.release, CUTOFF_AT, CUTOFF_AT, CUTOFF_AT), **more)


def test_a_clean_release_gets_a_report_with_estimates(world: Any) -> None:
    found = assess(world)

    assert found.decision.passed
    assert found.report.document["estimates"]
    assert found.verdict is not None


def test_a_blocked_release_gets_a_notice_and_nothing_is_measured(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a blocked release was measured")

    monkeypatch.setattr(assessing, "measure_segments", never)
    world.run("delete from fct_exposures where variant = 'checklist'")
    found = assess(world)

    assert found.report.is_blocked
    assert found.estimates == ()
    assert found.moments == ()


def test_a_release_that_cannot_be_measured_is_blocked_and_raises_nothing(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise WarehouseError("the mart is gone")

    monkeypatch.setattr(assessing, "measure_segments", broken)
    found = assess(world)

    failed = [check for check in found.decision.checks if not check.passed]
    assert found.report.is_blocked
    assert [check.check_id for check in failed] == ["gate_error"]
    assert "the mart is gone" in failed[0].observed


def test_looks_that_cannot_be_read_block_their_release_only(world: Any) -> None:
    def damaged() -> None:
        raise WarehouseError("the looks cannot be read")

    found = assess(world, looks=damaged)

    assert found.report.is_blocked
    assert "the looks cannot be read" in str(found.report.document["gate"]["checks"])
    assert found.looks is None
