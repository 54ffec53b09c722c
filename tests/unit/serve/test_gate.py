"""`landed gate`: the decision in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from landed.errors import WarehouseError
from landed.gate import CheckResult, decide
from landed.project import Home
from landed.publish.gates import keep_decision
from landed.serve.gate import as_document, as_text, explained

CUTOFF_AT = datetime(2026, 3, 16, tzinfo=UTC)


def check(
    check_id: str, value: float, limit: float = 1.0, severity: str = "critical"
) -> CheckResult:
    return CheckResult(
        check_id=check_id,
        suite="exposures",
        severity=severity,  # type: ignore[arg-type]
        passed=value <= limit,
        observed=f"found {value:g}",
        expected=f"at most {limit:g}",
        because="units are lost",
        fix=f"repair {check_id}",
        sample=({"event": "seen", "variant": "control"},) if value > limit else (),
        values={"excess": value},
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two cutoffs: the check passed at the first and failed at the second."""
    home = Home(tmp_path)
    for days, value in ((0, 0.4), (1, 1.6)):
        made = decide(
            "checklist",
            [check("sample_ratio", value), check("volume", 2.0, severity="warning")],
            skipped={"must_emit": "nothing promised"},
        )
        cutoff_at = CUTOFF_AT + timedelta(days=days)
        keep_decision(home, made, cutoff_at=cutoff_at, judged_at=cutoff_at)
    return home


def text(home: Home, **options: str) -> str:
    record, judged = explained(home, "checklist", **options)
    return "\n".join(as_text(record, judged, options.get("check")))


def test_a_failed_check_comes_with_what_was_found_its_history_and_the_repair(home: Home) -> None:
    found = text(home)

    assert "checklist: BLOCKED" in found
    assert "FAILED  sample_ratio (critical)" in found
    assert "found 1.6" in found
    assert "at most 1" in found
    assert "repair sample_ratio" in found
    assert "event seen, variant control" in found
    assert "03-16 0.4, 03-17 1.6 (not passed)" in found


def test_what_failed_stands_before_what_warned(home: Home) -> None:
    found = text(home)

    assert found.index("FAILED  sample_ratio") < found.index("WARNED  volume")
    assert "nothing promised" in found


def test_an_earlier_decision_is_asked_for_by_the_day_its_data_end(home: Home) -> None:
    found = text(home, at="2026-03-16")

    assert "checklist: PASSED" in found
    assert "found 0.4" in found


def test_one_check_can_be_asked_for(home: Home) -> None:
    assert "sample_ratio" not in text(home, check="volume")
    record, judged = explained(home, "checklist", check="volume")
    document = as_document(record, judged, "volume")
    assert [one["id"] for one in document["checks"]] == ["volume"]
    assert [one["values"] for one in document["checks"][0]["history"]] == [{"excess": 2.0}] * 2


@pytest.mark.parametrize(
    ("release", "options", "message"),
    [
        ("cheklist", {}, "has not judged"),
        ("../secret", {}, "has not judged"),
        ("checklist", {"check": "volum"}, "no check"),
        ("checklist", {"at": "2026-03-18"}, "no decision"),
        ("checklist", {"at": "yesterday"}, "no decision"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(
    home: Home, release: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(WarehouseError, match=message) as raised:
        explained(home, release, **options)

    assert raised.value.faults[0].expected
