"""Real feedback: GitHub issues counted by product, type and month."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2] / "examples" / "issues"


@pytest.fixture(scope="module")
def home(real_data: Path, landed: Callable[..., Any], tmp_path_factory: Any) -> Path:
    folder: Path = tmp_path_factory.mktemp("issues") / "home"
    done = landed("run", "--project", PROJECT, home=folder)
    assert done.code == 0, done.out + done.err
    return folder


def test_feedback_counts_by_product_type_and_month_equal_the_file(
    home: Path, real_data: Path, landed: Callable[..., Any]
) -> None:
    csv.field_size_limit(10_000_000)  # bodies of issues are long
    with (real_data / "issue_feedback" / "issues_train.csv").open(newline="") as file:
        expected = Counter(
            (row["repo"], row["label"], row["created_at"][:7]) for row in csv.DictReader(file)
        )

    done = landed(
        "query",
        "SELECT product, kind, date_trunc('month', metric_time) AS month,"
        " MEASURE(feedback_items) AS items FROM metrics GROUP BY 1, 2, 3",
        "--project",
        PROJECT,
        "--format",
        "json",
        home=home,
    )

    found = {
        (row["product"], row["kind"], str(row["month"])[:7]): row["items"] for row in done.json()
    }
    assert sum(expected.values()) == 1472
    assert found == dict(expected)
