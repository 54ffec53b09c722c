"""Faults of landed files, through the real ingest, build and gate, beside the clean twin."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import landed_product as product
import pytest

from landed.gate import JudgedRelease
from landed.publish.gates import read_gate_record
from landed.publish.reports import read_report
from pipelines import headless
from pipelines.resources import Workspace


@dataclass(frozen=True)
class Run:
    """What a run said of the release."""

    judged: JudgedRelease
    report: dict[str, Any]

    @property
    def decision(self) -> str:
        return self.judged.decision

    @property
    def fired(self) -> dict[str, str]:
        """State of each check that did not pass."""
        return {one.check_id: one.state for one in self.judged.checks if one.state != "passed"}

    @property
    def numbers(self) -> list[float]:
        """Effects and bounds that were published."""
        return [
            one[of] for one in self.report["estimates"] for of in ("absolute_effect", "ci_lower")
        ]


Spoil = Callable[[Path], None]
Send = Callable[[product.Event], product.Event | None]


def as_it_is(event: product.Event) -> product.Event:
    """No fault of the sender."""
    return event


def run(folder: Path, fault: Send = as_it_is, spoil: Spoil | None = None) -> Run:
    """Land the files with a fault, and run."""
    project = product.write_project(folder / "readers")
    workspace = Workspace(project_dir=str(project), home_dir=str(folder / "home"))
    product.write(workspace.home.landing, fault)
    if spoil is not None:
        spoil(workspace.home.landing / "app")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workspace, "now", property(lambda _: product.LANDED_AT))
        headless.run(workspace, (), lambda *_: None)
    judged = read_gate_record(workspace.home, product.RELEASE).latest
    assert judged is not None
    return Run(judged, read_report(workspace.home, product.RELEASE).document)


def late_files(folder: Path) -> list[Path]:
    """Files of the release's days."""
    return [one for one in sorted(folder.iterdir()) if one.stem >= str(product.SHIPPED_ON)]


def files_twice(folder: Path) -> None:
    """The same files under other names, and what the treated sent in a file of its own."""
    for one in late_files(folder):
        shutil.copy(one, folder / f"copy-{one.name}")
        lines = one.read_text().splitlines()
        treated = [line for line in lines if product.is_treated(json.loads(line)["user_id"])]
        (folder / f"again-{one.name}").write_text("\n".join(treated) + "\n")


def other_content(event: product.Event) -> str:
    return json.dumps({**event, "properties": {**event["properties"], "seconds": 1}})


def conflicts(folder: Path) -> None:
    """One more file that has one in 25 events with other content."""
    lines = [
        other_content(one)
        for one in product.events()
        if product.chance("other", one["event_id"]) < 0.042
    ]
    (folder / "2026-09-22.jsonl").write_text("\n".join(lines) + "\n")


def malformed(folder: Path) -> None:
    """Six lines in a hundred are cut off."""
    for one in folder.iterdir():
        lines = [
            line[:-9] if product.chance("m", line) < 0.06 else line
            for line in one.read_text().splitlines()
        ]
        one.write_text("\n".join(lines) + "\n")


def cut(folder: Path) -> None:
    """A file that ends within a line, at ten in the morning."""
    (one,) = [one for one in late_files(folder) if one.stem == "2026-09-17"]
    lines = one.read_text().splitlines()
    lines.sort(key=lambda line: json.loads(line)["occurred_at"])
    half = [line for line in lines if json.loads(line)["occurred_at"][11:13] < "10"]
    one.write_text("\n".join(half)[:-30])


def stale(folder: Path) -> None:
    """Nothing came any more after four days."""
    for one in late_files(folder)[4:]:
        one.unlink()


def field_renamed(folder: Path) -> None:
    """A client that names the time of an event otherwise."""
    for one in late_files(folder):
        one.write_text(one.read_text().replace('"occurred_at"', '"occurredAt"'))


def property_renamed(event: product.Event) -> product.Event:
    """What the metric reads goes by another name from the release on."""
    if product.is_late(event) and "seconds" in event["properties"]:
        return {**event, "properties": {"duration": event["properties"]["seconds"]}}
    return event


def clock_ahead(event: product.Event) -> product.Event:
    """A tenth of the people have a clock that is three days ahead."""
    if product.chance("clock", event["user_id"]) < 0.1:
        at = datetime.fromisoformat(event["occurred_at"]) + timedelta(days=3)
        return {**event, "occurred_at": at.isoformat()}
    return event


def capitals(event: product.Event) -> product.Event:
    """Readings of the release spell their user in capitals."""
    if product.is_late(event) and event["event_name"] == "page_read":
        return {**event, "user_id": event["user_id"].upper()}
    return event


def lost_in_one_arm(event: product.Event) -> product.Event | None:
    """A fifth of the treated are never said to be exposed."""
    is_exposure = event["event_name"] == "feature_flag.evaluation"
    user = event["user_id"]
    if is_exposure and product.is_treated(user) and product.chance("lost", user) < 0.2:
        return None
    return event


#: Of each fault: how events are sent, what becomes of the files, and the checks that block by it.
FAULTS: dict[str, tuple[Send, Spoil | None, set[str]]] = {
    "ids with other content": (as_it_is, conflicts, {"row_conflicts"}),
    "malformed lines": (as_it_is, malformed, {"quarantine_rate"}),
    "a file cut within a line": (as_it_is, cut, {"volume"}),
    "a stale source": (as_it_is, stale, {"freshness"}),
    "a renamed field": (
        as_it_is, field_renamed, {"exposed_units", "freshness", "outcome_rows", "quarantine_rate"},
    ),
    "a renamed property": (property_renamed, None, {"schema_drift"}),
    "clocks three days ahead": (clock_ahead, None, {"quarantine_rate"}),
    "ids in capitals": (capitals, None, {"identity_breaks"}),
    "exposures of one arm lost": (lost_in_one_arm, None, {"sample_ratio"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same product without a fault."""
    return run(tmp_path_factory.mktemp("clean"))


def test_rows_that_come_twice_in_one_arm_are_no_sample_ratio_mismatch(tmp_path: Path) -> None:
    found = run(tmp_path, spoil=files_twice)

    ratio = found.judged.of("sample_ratio")
    account = found.judged.of("row_accounting")
    assert ratio is not None
    assert ratio.passed, ratio
    assert account is not None
    assert account.passed, account
    assert found.decision == "pass", found.fired
    assert "sample_ratio" not in found.fired
    assert found.numbers


@pytest.mark.full
def test_rows_that_come_twice_leave_the_numbers_of_their_clean_twin(
    clean: Run, tmp_path: Path
) -> None:
    found = run(tmp_path, spoil=files_twice)

    assert clean.decision == "pass"
    assert clean.fired == {}
    assert clean.numbers
    # rows that come in another order are summed in another order: the last bit may differ
    assert found.numbers == pytest.approx(clean.numbers, rel=1e-12)


@pytest.mark.full
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_of_landed_files_blocks_its_release_by_the_checks_it_is_for(
    kind: str, clean: Run, tmp_path: Path
) -> None:
    send, spoil, blocking = FAULTS[kind]

    found = run(tmp_path, send, spoil)

    assert clean.decision == "pass"
    assert found.decision == "blocked"
    assert {name for name, state in found.fired.items() if state == "failed"} == blocking
    assert found.report["estimates"] == []
