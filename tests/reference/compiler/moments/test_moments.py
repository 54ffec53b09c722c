"""Random metrics, rows and segments: every column of the moments equals a count by hand."""

from __future__ import annotations

import math
import random
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from landed.compiler import compile_unit_moments
from moments.counting import groups, sums, units_of
from moments.drawn import CUTOFF_AT, SEGMENTS, Rows, catalog_of, draw_metrics, draw_rows

CUTOFF = CUTOFF_AT.replace(tzinfo=UTC)
KEYS = ("variant", "segment", "level", "level_count")


def is_near(found: Any, counted: Any) -> bool:
    """Equality to 1e-9, with None equal to None alone."""
    if found is None or counted is None:
        return found is counted
    return math.isclose(found, counted, rel_tol=1e-9, abs_tol=1e-7)


def compare(root: Path, seed: int, rows: Rows, *, metrics: int) -> tuple[int, list[str]]:
    """Numbers compared, and what differs."""
    drawn = draw_metrics(random.Random(seed), metrics)  # noqa: S311
    catalog = catalog_of(root, drawn)
    names = [one.name for one in drawn]
    release = catalog.releases["new-start"]
    sql = compile_unit_moments(catalog, release, names, cutoff_at=CUTOFF, segments=SEGMENTS).sql
    found: dict[str, dict[Any, Any]] = {}
    for row in rows.answer(sql):
        place = tuple(row[key] for key in KEYS)
        assert place not in found.setdefault(row["metric"], {}), "two rows of one place"
        found[row["metric"]][place] = row
    wrong, count = [], 0
    for metric in drawn:
        expected = groups(units_of(rows, metric))
        if set(expected) != set(found[metric.name]):
            wrong.append(f"{metric}: {set(expected) ^ set(found[metric.name])}")
            continue
        for place, units in expected.items():
            row = found[metric.name][place]
            for column, counted in sums(units, row, is_ratio=metric.form == "ratio").items():
                count += 1
                if not is_near(row[column], counted):
                    wrong.append(f"{metric} {place} {column}: {row[column]}, counted {counted}")
    return count, wrong


def test_a_draw_of_metrics_agrees_with_counting_by_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = draw_rows(random.Random(5), units=90, events=1500)  # noqa: S311

    count, wrong = compare(tmp_path, 5, rows, metrics=24)

    with capsys.disabled():
        print(f"\nmoments, seed 5: {count} numbers, {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong[:10])
    assert count > 10_000


def test_levels_with_the_fewest_units_are_folded_into_one(tmp_path: Path) -> None:
    rows = draw_rows(random.Random(3), units=400, events=900, countries=80)  # noqa: S311

    count, wrong = compare(tmp_path, 3, rows, metrics=4)

    assert not wrong, "\n".join(wrong[:10])
    assert count > 10_000


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 130))
def test_metrics_of_all_forms_agree_with_counting_by_hand(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    countries = chance.choice([2, 8, 60])
    rows = draw_rows(chance, units=chance.choice([20, 120]), events=1500, countries=countries)

    count, wrong = compare(tmp_path, seed, rows, metrics=20)

    assert not wrong, f"of {count}\n" + "\n".join(wrong[:10])
