"""The quick ways and the careful way of a record give the same rows and the same reasons."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from landed.ingest import staging
from landed.ingest.formats.records import SCHEMA
from landed.ingest.sources import Source
from landed.ingest.staging import Stage, positioned
from landed.ingest.tracking import TrackingPlan, load_tracking_plan
from landed.settings import Settings
from landed.warehouse import Engine

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PLAN = {
    "purchase": {
        "type": "object",
        "required": ["amount"],
        "properties": {"amount": {"type": "number", "minimum": 0}, "plan": {"enum": ["a", "b"]}},
    },
    "search": {"type": "object", "properties": {"q": {"type": "string", "pattern": "^[a-z]+$"}}},
}
# each takes a compact record apart and puts it together otherwise
DAMAGE = (
    lambda text, _: text.replace(":", ": ").replace(",", ", "),
    lambda text, _: text[:-1] + ",}",
    lambda text, _: text[:-1],
    lambda text, _: text[:-1] + ',"user_id":"twice"}',
    lambda text, _: text[:-1] + ',"User_Id":"case"}',
    lambda text, _: text[:-1] + ',"extra":NaN}',
    lambda text, _: text[:-1] + ',"extra":[1,-Infinity]}',
    lambda text, _: text[:-1] + ',"extra":1e999}',
    lambda text, _: text.replace('"properties":{', '"properties":{"n":1e999,'),
    lambda text, _: text.replace('"properties":{', '"properties":{"n":NaN,'),
    lambda text, _: text.replace('"properties":{', '"properties":{"n":[1,nan],'),
    lambda text, _: text.replace('"properties":{', '"properties":{"n":1,"n":2,'),
    lambda text, _: text.replace('"properties":{', '"properties":{"n":0.10,'),
    lambda text, _: text.replace('"properties":{', '"properties":{"n":12345678901234567890123,'),
    lambda text, _: text.replace("user_id", "USER_ID"),
    lambda text, _: text.replace("u", "\\u0075"),
    lambda text, rng: text[: rng.randrange(len(text))] + text[rng.randrange(len(text)) :],
    lambda text, rng: text.replace(rng.choice(text), rng.choice('"{}[]:,\\ 0eN-')),
    lambda text, _: "[" + text + "]",
    lambda text, _: text + text,
    lambda _, __: "{}",
)


def record(rng: random.Random, number: int) -> str:
    """One record as a machine writes it, good or odd in its values."""
    properties: Any = {"amount": rng.choice([1, 2.5, -1, "x"]), "plan": rng.choice(["a", "z"])}
    given: dict[str, Any] = {
        "event_id": rng.choice([f"e{number}", f"e{number}", 9007199254740993, "", None]),
        "event_name": rng.choice(["purchase", "search", "view", "view", None]),
        "occurred_at": rng.choice(
            [
                "2026-11-01T10:00:00Z",
                "2026-11-01T10:00:00.123Z",
                "2026-11-01 10:00:00+02:00",
                " 2026-11-01T10:00:00Z",
                1793527200,
                "2026-13-01T10:00:00Z",
                "2027-01-01T00:00:00Z",
            ]
        ),
        "received_at": rng.choice(["2026-11-01T10:00:05Z", "2026-11-01T12:00:00Z", "", None]),
        "sent_at": rng.choice(["2026-11-01T10:00:01Z", "2026-11-01T08:00:01Z", "never", None]),
        "user_id": rng.choice(["u1", "ü", 'q"uote', 17, None]),
        "anonymous_id": rng.choice(["a1", None]),
        "properties": rng.choice(
            [
                properties,
                properties,
                properties,
                {"q": "ok"},
                {"q": "NO"},
                [],
                "text",
                json.dumps(properties),
                '{"a":NaN}',
                None,
            ]
        ),
    }
    if rng.random() < 0.2:
        given.pop(rng.choice(list(given)))
    text = json.dumps(given, separators=(",", ":"), ensure_ascii=rng.random() < 0.3)
    return rng.choice(DAMAGE)(text, rng) if rng.random() < 0.4 else text


def outcome(source: Source, plan: TrackingPlan, lines: list[str]) -> tuple[Any, Any]:
    """What became of every line: staged rows, and refused ones with their reasons."""
    count = len(lines)
    records = pa.Table.from_arrays(
        [
            pa.array(range(1, count + 1), pa.int64()),
            pa.array(range(count), pa.int64()),
            pa.array([f"{line}\n" for line in lines], pa.large_string()),
            pa.nulls(count, pa.string()),
        ],
        schema=SCHEMA,
    )
    with Engine.open_sealed(settings=Settings(threads=2, memory_limit_mb=512)) as engine:
        stage = Stage(source, plan, NOW, engine, key=b"k" * 32)
        half = count // 2  # two chunks: the second meets what the first taught
        stage.run(positioned(records.slice(0, half), 0), None, 0)
        stage.run(positioned(records.slice(half), 0), None, half)
        names = ", ".join(source.envelope.judged_columns)
        return (
            engine.rows(f"select row_no, {names}, event_hash from staged order by row_no"),
            engine.rows("select row_no, raw, reason, detail from refused order by row_no"),
        )


@pytest.fixture
def plan(tmp_path):
    for name, schema in PLAN.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(schema))
    return load_tracking_plan(tmp_path)


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(2, 40))]
)
def test_the_way_of_a_record_leaves_no_trace(plan, monkeypatch, seed):
    rng = random.Random(seed)  # noqa: S311
    lines = [record(rng, number) for number in range(400)]
    personal = ("user_id", "/plan") if seed % 3 == 0 else ()
    source = Source("app", "events", "jsonl", "events/*", personal=personal)

    monkeypatch.setattr(staging, "LEAST_RECORDS", 1)
    monkeypatch.setattr(staging, "MOST_MISSES", 1_000)
    by_form = outcome(source, plan, lines)
    monkeypatch.setattr(staging, "MOST_MISSES", 0)
    by_keys = outcome(source, plan, lines)
    monkeypatch.setattr(Stage, "_quick", lambda *_: 0)
    carefully = outcome(source, plan, lines)

    assert by_form == carefully
    assert by_keys == carefully
    assert len(carefully[0]) > 20
    assert len({reason for _, _, reason, _ in carefully[1]}) > 8


def test_records_alike_go_by_their_form_and_the_odd_ones_do_not(plan, monkeypatch):
    monkeypatch.setattr(staging, "LEAST_RECORDS", 1)
    looked: list[int] = []
    real = Stage._unsure
    monkeypatch.setattr(
        Stage,
        "_unsure",
        lambda self, base, staged: looked.append(staged) or real(self, base, staged),
    )
    good = [
        json.dumps({"event_id": str(n), "event_name": "view", "occurred_at": "2026-11-01T10:00:00Z",
                    "user_id": "u", "properties": {"n": n}}, separators=(",", ":"))
        for n in range(100)
    ]  # fmt: skip

    rows, refused = outcome(Source("app", "events", "jsonl", "x"), plan, good)

    assert (len(rows), len(refused), looked) == (100, 0, [])

    good[70] = good[70].replace(":", ": ", 1)
    rows, refused = outcome(Source("app", "events", "jsonl", "x"), plan, good)

    assert (len(rows), len(refused), looked) == (100, 0, [49])
