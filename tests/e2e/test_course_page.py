"""A real experiment, against numbers computed independently with scipy and statsmodels."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "examples" / "course_page"


@pytest.fixture(scope="module")
def home(real_data: Path, landed: Callable[..., Any], tmp_path_factory: Any) -> Path:
    folder: Path = tmp_path_factory.mktemp("course") / "home"
    done = landed("run", "--project", PROJECT, home=folder)
    assert done.code == 0, done.out + done.err
    (folder / "first_run.txt").write_text(done.err, encoding="utf-8")
    return folder


def test_the_release_worked_with_the_known_numbers(home: Path, landed: Callable[..., Any]) -> None:
    done = landed("report", "course-page", "--project", PROJECT, "--format", "json", home=home)

    assert done.code == 0
    report = done.json()
    assert report["verdict"]["decision"] == "worked"
    assert report["gate"]["decision"] == "pass"
    assert report["exposure"]["counts"] == {"control": 1586, "experiment": 1645}
    assert report["exposure"]["sample_ratio_p_value"] == pytest.approx(0.299, abs=5e-4)
    (estimate,) = (e for e in report["estimates"] if e["metric"] == "mean_view_seconds")
    assert (estimate["n_control"], estimate["n_treatment"]) == (1579, 1645)
    assert (estimate["n_missing_control"], estimate["n_missing_treatment"]) == (7, 0)
    assert estimate["mean_control"] == pytest.approx(115.3864, abs=1e-3)
    assert estimate["mean_treatment"] == pytest.approx(131.3208, abs=1e-3)
    assert estimate["absolute_effect"] == pytest.approx(15.9345, abs=1e-3)
    assert estimate["ci_lower"] == pytest.approx(10.9413, abs=1e-3)
    assert estimate["ci_upper"] == pytest.approx(20.9276, abs=1e-3)
    assert estimate["p_value"] == pytest.approx(4.44e-10, rel=2e-3)
    assert estimate["method"] == "welch"


def test_missing_durations_on_one_side_are_a_caveat(home: Path, landed: Callable[..., Any]) -> None:
    report = landed(
        "report", "course-page", "--project", PROJECT, "--format", "json", home=home
    ).json()

    failed = {check["id"]: check for check in report["gate"]["checks"] if not check["passed"]}

    assert set(failed) == {"missing_outcome"}
    assert failed["missing_outcome"]["severity"] == "warning"
    assert report["caveats"]


def test_enrolment_is_blocked_where_published_analyses_call_it_a_win(
    home: Path, landed: Callable[..., Any]
) -> None:
    done = landed(
        "report", "course-page-enrolment", "--project", PROJECT, "--format", "json", home=home
    )

    assert done.code == 2
    report = done.json()
    assert report["verdict"]["decision"] == "blocked"
    assert report["estimates"] == []
    assert report["exposure"]["counts"] == {"control": 1586, "experiment": 1645}
    failed = [
        check
        for check in report["gate"]["checks"]
        if not check["passed"] and check["severity"] == "critical"
    ]
    assert [check["id"] for check in failed] == ["outcome_without_exposure"]
    assert "797 of 814" in failed[0]["observed"]


def test_every_row_is_accounted_for(home: Path, landed: Callable[..., Any]) -> None:
    first = (home / "first_run.txt").read_text("utf-8")
    again = landed("ingest", "--project", PROJECT, "--format", "json", home=home).json()

    # four lines of the file stand in it twice, to the last digit
    assert (
        "course_page: 4,074 rows in = 4,070 accepted + 4 duplicate + 0 conflict + 0 quarantined"
        in first
    )
    assert [(account["files_seen"], account["rows_in"]) for account in again] == [(1, 0)]


def test_the_same_number_comes_from_a_query(home: Path, landed: Callable[..., Any]) -> None:
    done = landed(
        "query",
        "SELECT variant, MEASURE(mean_view_seconds) AS seconds FROM metrics"
        " WHERE release = 'course-page' GROUP BY variant ORDER BY variant",
        "--project",
        PROJECT,
        "--format",
        "json",
        home=home,
    )

    rows = done.json()
    assert [row["variant"] for row in rows] == ["control", "experiment"]
    assert rows[0]["seconds"] == pytest.approx(115.3864, abs=1e-3)
    assert rows[1]["seconds"] == pytest.approx(131.3208, abs=1e-3)


def test_with_a_third_of_control_lost_the_release_is_blocked_by_the_sample_ratio(
    real_data: Path, tmp_path: Path, landed: Callable[..., Any]
) -> None:
    project = tmp_path / "examples" / "course_page"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".landed"))
    data = tmp_path.parent / "shared" / "data" / "course_page_experiment"
    data.mkdir(parents=True, exist_ok=True)
    (original,) = (real_data / "course_page_experiment").glob("*.csv")
    with original.open(newline="") as source, (data / original.name).open("w", newline="") as out:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(out, rows.fieldnames or [])
        writer.writeheader()
        for row in rows:
            is_lost = row["group"] == "control" and int(row["id"]) % 3 == 0
            if not is_lost:
                writer.writerow(row)

    ran = landed("run", "--project", project, home=tmp_path / "home")
    done = landed(
        "report", "course-page", "--project", project, "--format", "json", home=tmp_path / "home"
    )

    assert ran.code == 0, ran.err
    assert done.code == 2
    report = done.json()
    assert report["verdict"]["decision"] == "blocked"
    failed = [
        c["id"] for c in report["gate"]["checks"] if not c["passed"] and c["severity"] == "critical"
    ]
    assert failed == ["sample_ratio"]


def test_without_the_data_the_missing_path_is_named(
    tmp_path: Path, landed: Callable[..., Any]
) -> None:
    project = tmp_path / "a" / "b" / "course_page"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".landed"))

    done = landed("run", "--project", project, home=tmp_path / "home")

    assert done.code == 3
    assert "course_page_experiment" in done.err
