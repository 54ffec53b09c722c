"""Our numbers beside MetricFlow's, with counting by hand as judge.

MetricFlow's answers are committed with their versions and seed. Where it is right ours are the
same; the kinds in which it is not are named, each with what it does instead.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kinds.compare import asked, catalog_of, same
from kinds.definitions import Definition, inputs_of, measures_of
from kinds.marts import MEASURES, make_engine
from kinds.oracle import Query
from peer.questions import DATA_SETS, Draw, answers_of_metricflow, read, written

COMMITTED = Path(__file__).with_name("answers.json")
#: Its environment: `pip install dbt-metricflow==0.15.0 dbt-core==1.11.16 dbt-duckdb==1.11.1`.
ENVIRONMENT = "LANDED_METRICFLOW_PYTHON"
#: What MetricFlow does where its numbers are others.
OTHERWISE = {
    "conversion": "counts any row of the entity as a base row where both steps are of one table",
    "filtered run": "drops a condition on the measure of a cumulative metric",
    "window by period": "takes a period's first, last or mean day of the days that have rows",
    "hours before": "looks for days that lie hours before days, of which there are none",
    "months before": "moves rows by months, so that days of two periods meet in one",
    "level": "loses rows whose entities or dimensions are NULL when it looks for the moment",
}

Groups = dict[tuple[Any, ...], Any]


@pytest.fixture(scope="module")
def asked_of_it() -> tuple[Draw, Mapping[str, Any]]:
    draw, found = read(COMMITTED)
    assert len(found["answers"]) == DATA_SETS * len(draw.questions)
    return draw, found


def test_our_numbers_are_metricflows_where_it_is_right(
    asked_of_it: tuple[Draw, Mapping[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    draw, committed = asked_of_it
    catalog = catalog_of(tmp_path, draw.metrics)
    equal: Counter[str] = Counter()
    wrong: list[str] = []
    other: Counter[str] = Counter()
    for number in range(DATA_SETS):
        oracle, engine = draw.oracle(number), make_engine(*draw.rows[number])
        for at, query in enumerate(draw.questions):
            answer = committed["answers"][number * len(draw.questions) + at]
            (name,) = query.metrics
            by_hand = {key: one[name] for key, one in oracle.answer(query).items()}
            ours = {key: one[name] for key, one in asked(catalog, engine, query)}
            assert ours.keys() == by_hand.keys()
            assert all(same(ours[key], value) for key, value in by_hand.items()), query
            values, differences = compared(draw.metrics[name], as_days(ours), answer)
            reason = otherwise(draw.metrics, query)
            if reason is None:
                equal[draw.metrics[name]["type"]] += values
                wrong += [f"data {number}, {query}: {one}" for one in differences]
            elif differences:
                other[reason] += 1

    with capsys.disabled():
        print(f"\nas MetricFlow {committed['versions']['metricflow']}: {dict(equal)} values equal,"
              f" {len(wrong)} not; questions it answers otherwise: {dict(other)}")  # fmt: skip
    assert not wrong, "\n".join(wrong)
    assert set(other) == set(OTHERWISE)  # none of them is said without being seen
    assert all(equal[kind] > 10 for kind in ("simple", "ratio", "derived", "cumulative"))


@pytest.mark.full
def test_metricflow_still_answers_what_is_committed(
    asked_of_it: tuple[Draw, Mapping[str, Any]], tmp_path: Path
) -> None:
    draw, committed = asked_of_it
    python = os.environ.get(ENVIRONMENT)
    if not python:
        pytest.skip(f"{ENVIRONMENT} names no interpreter of an environment with MetricFlow")
    found = answers_of_metricflow(python, tmp_path, draw)
    if found["versions"] != committed["versions"]:
        written(tmp_path / "answers.json", draw, found)
        pytest.fail(f"other versions: {found['versions']}; its answers: {tmp_path}/answers.json")

    assert found["answers"] == committed["answers"]


def compared(metric: Definition, ours: Groups, answer: Mapping[str, Any]) -> tuple[int, list[str]]:
    """How many values were held against each other, and those that differ.

    It has no row, or NULL, where nothing was counted: in a ratio or an arithmetic that takes the
    whole value away. What it divides by zero is infinite. Its calendar goes on behind the last row,
    and knows no row without a time.
    """
    if "error" in answer:
        return 0, [answer["error"]]
    theirs = {tuple(row[:-1]): row[-1] for row in answer["rows"]}
    is_made = metric["type"] in ("ratio", "derived")
    values, differences = 0, []
    for key, value in ours.items():
        found = theirs.get(key)
        if key[-1] is None or (found is None and (is_made or not value)):
            continue
        if value is None and found == "inf":
            continue
        values += 1
        if not same(found, value) and not (value is None and found == 0):
            differences.append(f"{key}: ours {value}, its {found}")
    return values, differences


def as_days(groups: Mapping[Any, Any]) -> Groups:
    """Values by the dimensions and the day, as its answers are written."""
    return {
        (*dims, None if day is None else day.isoformat()): value
        for (dims, day), value in groups.items()
    }


def otherwise(metrics: Mapping[str, Definition], query: Query) -> str | None:
    """Why MetricFlow's numbers are others; None where they should be ours."""
    for metric, used in _below(metrics, query.metrics[0]):
        params = metric["type_params"]
        given = [one if isinstance(one, dict) else {"name": one} for one in measures_of(metric)]
        if metric["type"] == "conversion":
            return "conversion"
        if any(MEASURES[one["name"]].level for one in given):
            return "level"
        if metric["type"] == "cumulative":
            if any("filter" in one for one in given):
                return "filtered run"
            if "window" in params.get("cumulative_type_params", {}) and query.grain != "day":
                return "window by period"
        unit = used.get("offset_window", "0 days").split()[1].rstrip("s")
        if unit == "hour":
            return "hours before"
        if unit in ("month", "quarter", "year"):
            return "months before"
    return None


def _below(
    metrics: Mapping[str, Definition], name: str, used: Mapping[str, Any] | None = None
) -> Iterator[tuple[Definition, Mapping[str, Any]]]:
    """A metric and all it is made of, each with how it is used."""
    yield metrics[name], used or {}
    for one in inputs_of(metrics[name]):
        yield from _below(metrics, one["name"], one)
