"""The parts of the ingest benchmark, at two thousand events. Nothing here is about time."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ingest_cases import fingerprint, landed, landed_again, limit, limit_job
from benchmarks.ingest_data import Shape, daily_files, on, one_file
from benchmarks.ingest_measure import CaseFailed, Cost, Rounds, interleave, measure

SHAPE = Shape(2_000, days=4)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def packed(data: Path) -> Path:
    return one_file(data, SHAPE, packed=True)


def _events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def test_a_shape_gives_the_same_bytes_each_time(packed, tmp_path):
    again = one_file(tmp_path, SHAPE, packed=True)

    assert again.read_bytes() == packed.read_bytes()


def test_another_seed_gives_other_events(packed, tmp_path):
    other = one_file(tmp_path, Shape(2_000, days=4, seed=8), packed=True)

    assert {one["event_id"] for one in _events(other)}.isdisjoint(
        one["event_id"] for one in _events(packed)
    )


def test_daily_files_hold_the_lines_of_the_one_file_in_their_order(data, packed):
    days = daily_files(data, SHAPE)

    assert [event for day in days for event in _events(day)] == _events(packed)
    assert [day.name for day in days] == [f"{on(day)}.jsonl.gz" for day in range(4)]


def test_one_line_in_a_hundred_repeats_an_event_with_another_time_of_receipt(packed):
    events = _events(packed)

    assert len(events) == 2_000
    assert len(events) - len({one["event_id"] for one in events}) == 20
    assert len({(one["event_id"], one["received_at"]) for one in events}) == 2_000


def test_late_events_happened_up_to_three_days_before_they_came(data):
    (last,) = daily_files(data, Shape(2_000, days=4, late=0.1), days=range(3, 4))

    behind = Counter(
        (on(3) - on(0)).days - (int(one["occurred_at"][8:10]) - on(0).day) for one in _events(last)
    )

    assert set(behind) == {0, 1, 2, 3}
    assert 25 < sum(rows for days, rows in behind.items() if days) < 100


def test_landed_and_duckdb_alone_agree_on_the_rows_that_are_compared(packed, tmp_path):
    alone = limit_job(out=str(tmp_path / "alone"), pattern=str(packed))()
    ours = landed(out=str(tmp_path / "ours"), pattern=str(packed), plan=True)()

    assert alone == {"accepted": 1_980}
    assert ours == {
        "rows_in": 2_000, "accepted": 1_980, "duplicate": 20, "conflict": 0, "quarantined": 0,
    }  # fmt: skip
    assert fingerprint(f"{tmp_path}/ours/home/lake/events/*/*.parquet") == fingerprint(
        f"{tmp_path}/alone/lake/*/*.parquet"
    )


def test_the_limit_keeps_every_line_in_either_encoding(packed, tmp_path):
    usual = limit(out=str(tmp_path / "usual"), pattern=str(packed))()
    own = limit(out=str(tmp_path / "own"), pattern=str(packed), own=True)()

    assert usual == own == {"accepted": 2_000}


def test_one_more_day_finds_what_the_day_before_brought_and_leaves_the_saved_home(data, tmp_path):
    days = daily_files(data, SHAPE)
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / days[0].name).symlink_to(days[0])
    landed(out=str(tmp_path), pattern=f"{landing}/*.jsonl.gz")()
    (tmp_path / "home").rename(tmp_path / "saved")
    (landing / days[1].name).symlink_to(days[1])
    before = sorted(path for path in (tmp_path / "saved").rglob("*.parquet"))

    given = {"project": f"{tmp_path}/project", "home": f"{tmp_path}/home"}
    found = [landed_again(saved=f"{tmp_path}/saved", **given)() for _ in range(2)]

    assert found[0] == found[1]
    assert found[0]["rows_in"] == 500
    assert found[0]["duplicate"] == 5  # one of them repeats the day before
    assert sorted((tmp_path / "saved").rglob("*.parquet")) == before


def test_the_watched_stages_are_where_the_harness_looks_for_them(packed, tmp_path):
    cost = measure("ingest_stages", "stages", out=str(tmp_path / "out"), pattern=str(packed))

    assert cost.answer["missing"] == []
    stages = {name for name, _, _ in cost.answer["stages"]}
    assert {"parse, type, judge", "find repeats", "sort and write the lake"} <= stages
    assert cost.cpu > 0
    assert cost.peak_mb > 50


def test_a_case_that_fails_says_why(tmp_path):
    with pytest.raises(CaseFailed, match="no_such_file"):
        measure("ingest_peers", "use_pandas", out=str(tmp_path / "out"), path="/no_such_file")


def test_rounds_alternate_and_peers_have_one_turn():
    turns: list[str] = []

    def case(name: str, cpu: float) -> Cost:
        turns.append(name)
        return Cost(cpu=cpu * len(turns), wall=1.0, start_cpu=0.0, peak_mb=1.0)

    cases = {"a": lambda: case("a", 1.0), "b": lambda: case("b", 2.0), "c": lambda: case("c", 3.0)}
    found = interleave(cases, 2, once=["c"], told=lambda _: None)

    assert turns == ["a", "b", "c", "a", "b"]
    assert found["b"].ratios(found["a"]) == [4.0, 2.5]
    assert found["c"].ratios(found["a"]) == [9.0]
    assert found["a"].median("cpu") == pytest.approx(2.5)


def test_a_ratio_is_taken_within_its_round():
    slow, fast = (Cost(cpu=cpu, wall=1.0, start_cpu=0.0, peak_mb=1.0) for cpu in (8.0, 2.0))

    assert Rounds([slow, fast]).ratios(Rounds([None, fast])) == [1.0]
