"""The files: complete, deterministic, and broken only where it says so."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from landed.demo import Truth, generate
from landed.errors import PlanError

USERS = 400


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def parsed(folder: Path) -> tuple[list[dict[str, Any]], list[bytes]]:
    good, bad = [], []
    for path in sorted(folder.glob("*.jsonl.gz")):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            try:
                good.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                bad.append(line)
    return good, bad


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    folder = tmp_path_factory.mktemp("landing")
    return folder, generate(folder, users=USERS, seed=3)


def test_the_same_seed_gives_the_same_bytes(made: tuple[Path, Truth], tmp_path: Path) -> None:
    folder, _ = made

    generate(tmp_path, users=USERS, seed=3)

    assert digests(tmp_path) == digests(folder)


def test_another_seed_gives_other_events(made: tuple[Path, Truth], tmp_path: Path) -> None:
    folder, _ = made

    generate(tmp_path, users=USERS, seed=4)

    assert (
        digests(tmp_path)["events/2026-09-10.jsonl.gz"]
        != digests(folder)["events/2026-09-10.jsonl.gz"]
    )


def test_there_is_a_file_a_day_of_events_and_a_week_of_feedback(made: tuple[Path, Truth]) -> None:
    folder, _ = made

    events = sorted(path.name for path in (folder / "events").iterdir())
    feedback = [path.name for path in (folder / "feedback").iterdir()]

    assert len(events) == 60
    assert (events[0], events[-1]) == ("2026-09-01.jsonl.gz", "2026-10-30.jsonl.gz")
    assert len(feedback) == 9


def test_the_truth_counts_the_lines(made: tuple[Path, Truth]) -> None:
    folder, truth = made

    good, bad = parsed(folder / "events")
    named = Counter(event.get("event_name") for event in good)
    ids = Counter(event["event_id"] for event in good)

    assert len(good) + len(bad) == truth.written.lines
    assert sum(times - 1 for times in ids.values()) == truth.written.duplicates
    assert named["signed_up"] >= truth.written.event_kinds["signed_up"] > 0.98 * USERS
    assert len(truth.written.event_kinds) >= 12
    assert orjson.loads((folder / "truth.json").read_bytes()) == truth.document()


def test_duplicates_are_whole_copies(made: tuple[Path, Truth]) -> None:
    good, _ = parsed(made[0] / "events")
    first: dict[str, dict[str, Any]] = {}

    differing = [event for event in good if first.setdefault(event["event_id"], event) != event]

    assert differing == []


def test_a_handful_of_lines_is_broken(made: tuple[Path, Truth]) -> None:
    folder, truth = made

    good, bad = parsed(folder / "events")
    nameless = [event for event in good if "event_name" not in event]
    timeless = [event for event in good if event["occurred_at"] == "yesterday"]

    assert len(bad) + len(nameless) + len(timeless) == truth.written.broken == 14
    assert min(len(bad), len(nameless), len(timeless)) > 0


def test_events_before_the_login_know_the_device_only_and_sign_up_ties_both(
    made: tuple[Path, Truth],
) -> None:
    good, _ = parsed(made[0] / "events")

    before = [event for event in good if event.get("user_id") is None]
    devices = {event["anonymous_id"] for event in good if event.get("event_name") == "signed_up"}

    assert {event["event_name"] for event in before} == {"page_viewed"}
    assert all(event["anonymous_id"] for event in before)
    assert any(event["anonymous_id"] in devices for event in before)
    assert any(event["anonymous_id"] not in devices for event in before)  # they never signed up


def test_some_events_arrive_days_late(made: tuple[Path, Truth]) -> None:
    folder, truth = made

    good, _ = parsed(folder / "events")
    late = {
        event["event_id"]
        for event in good
        if event.get("received_at", "")[:10] > event["occurred_at"][:10]
    }

    assert 0 < truth.written.late < 0.02 * truth.events
    assert late


def test_feedback_has_texts_channels_and_ratings(made: tuple[Path, Truth]) -> None:
    folder, truth = made

    good, bad = parsed(folder / "feedback")

    assert len(good) == truth.written.feedback == truth.written.themes.total()
    assert bad == []
    assert {item["channel"] for item in good} == {"review", "survey", "ticket"}
    assert all((item["rating"] is None) == (item["channel"] == "ticket") for item in good)
    assert all(1 <= (item["rating"] or 1) <= 5 for item in good)
    assert all(item["text"] for item in good)


def test_a_large_product_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landed.demo.files.USERS_PER_BATCH", 60)

    truth = generate(tmp_path, users=150, seed=3)

    good, _ = parsed(tmp_path / "events")
    names = sorted(path.name for path in (tmp_path / "events").iterdir())
    people = {event["user_id"] for event in good if event.get("event_name") == "signed_up"}
    ids = {event["event_id"] for event in good}
    assert names[:3] == [f"2026-09-01.part-00{part}.jsonl.gz" for part in range(3)]
    assert len(people) == 150
    assert len(ids) == truth.events + 5 + 2  # with the broken lines that are JSON


def test_a_wish_for_events_decides_the_number_of_users(tmp_path: Path) -> None:
    truth = generate(tmp_path, events_target=15_000)

    assert 13_500 < truth.events < 16_500


def test_a_folder_with_another_demo_is_refused(made: tuple[Path, Truth]) -> None:
    with pytest.raises(PlanError, match="holds a demo with seed = 3"):
        generate(made[0], users=USERS, seed=5)


def test_too_few_days_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="days is 30; expected at least 60"):
        generate(tmp_path, days=30)
