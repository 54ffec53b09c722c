"""The main job on the demo product, as a person runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "examples" / "demo"


def reports(home: Path, landed: Callable[..., Any]) -> dict[str, Any]:
    truth = json.loads((home / "truth.json").read_text("utf-8"))["releases"]
    return {
        name: landed("report", name, "--project", PROJECT, "--format", "json", home=home).json()
        for name in truth
    }


def test_every_verdict_agrees_with_the_written_truth(
    demo_home: Path, landed: Callable[..., Any]
) -> None:
    truth = json.loads((demo_home / "truth.json").read_text("utf-8"))["releases"]

    found = {name: doc["verdict"]["decision"] for name, doc in reports(demo_home, landed).items()}

    assert found == {name: entry["verdict"] for name, entry in truth.items()}
    assert set(found.values()) >= {"worked", "harmed", "no_effect", "blocked", "not_estimable"}


def test_the_first_run_names_verdict_effect_interval_and_page(demo_home: Path) -> None:
    text = (demo_home / "first_run.txt").read_text("utf-8")

    assert "worked" in text
    assert "interval" in text
    lines = [line.strip().removeprefix("overview: ") for line in text.splitlines()]
    pages = [line for line in lines if line.endswith(".html")]
    assert pages
    assert all(Path(page).is_file() for page in pages)


def test_a_second_run_does_no_work_twice(demo_home: Path, landed: Callable[..., Any]) -> None:
    before = sorted(path.name for path in (demo_home / "snapshots").iterdir())

    done = landed("demo", "--project", PROJECT, home=demo_home)

    assert done.code == 0, done.err
    assert "nothing changed" in done.err
    assert sorted(path.name for path in (demo_home / "snapshots").iterdir()) == before


def test_a_blocked_release_shows_no_number(demo_home: Path, landed: Callable[..., Any]) -> None:
    blocked = [d for d in reports(demo_home, landed).values() if d["gate"]["decision"] == "blocked"]

    assert blocked
    assert all(document["estimates"] == [] for document in blocked)


def test_the_same_activation_rate_comes_from_report_and_query(
    demo_home: Path, landed: Callable[..., Any]
) -> None:
    report = reports(demo_home, landed)["onboarding-checklist"]
    (estimate,) = (e for e in report["estimates"] if e["metric"] == "activation_rate")

    rows = landed(
        "query",
        "SELECT variant, MEASURE(activation_rate) AS rate FROM metrics"
        " WHERE release = 'onboarding-checklist' GROUP BY variant",
        "--project",
        PROJECT,
        "--format",
        "json",
        home=demo_home,
    ).json()

    rates = {row["variant"]: row["rate"] for row in rows}
    assert rates["control"] == pytest.approx(estimate["mean_control"], abs=1e-12)
    assert rates[estimate["treatment"]] == pytest.approx(estimate["mean_treatment"], abs=1e-12)


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE metrics",
        "SELECT * FROM fct_events",
        "SELECT MEASURE(activation_rat) FROM metrics",
        "SELECT sum(x) FROM metrics",
        "SELECT MEASURE(events) FROM metrics; SELECT 1",
        "SELECT MEASURE(events), read_text('/etc/passwd') FROM metrics",
    ],
)
def test_anything_but_a_metric_query_is_refused_in_one_line(
    demo_home: Path, landed: Callable[..., Any], sql: str
) -> None:
    done = landed("query", sql, "--project", PROJECT, home=demo_home)

    assert done.code == 3
    assert done.out == ""
    assert done.err.strip()


def test_check_finds_no_fault_in_the_demo(landed: Callable[..., Any]) -> None:
    done = landed("check", "--project", PROJECT)

    assert done.code == 0, done.out
    assert done.out.strip() == "0 fault(s)"


@pytest.mark.full
def test_a_build_that_does_not_fit_into_memory_spills_and_ends_the_same(
    tmp_path: Path, demo_home: Path, landed: Callable[..., Any]
) -> None:
    little = {"LANDED_MEMORY_LIMIT_MB": "180"}

    done = landed("demo", "--project", PROJECT, home=tmp_path / "home", environment=little)

    assert done.code == 0, done.out + done.err
    roomy, tight = reports(demo_home, landed), reports(tmp_path / "home", landed)
    assert [one["verdict"] for one in tight.values()] == [one["verdict"] for one in roomy.values()]
