"""Answers of two engines, brought to the same types and compared."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from cases import Case, MomentsCase, ScriptCase

from landed.compiler.dialects import Inexpressible

Rows = list[tuple[Any, ...]]
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")


@dataclass
class Score:
    """What an engine was asked, what it answered wrongly, and what is not written for it."""

    cases: int = 0
    rows: int = 0
    values: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.cases} cases, {self.rows} rows, {self.values} values, "
            f"{len(self.wrong)} wrong; refused: {sum(self.refused.values())} "
            f"{dict(sorted(self.refused.items()))}"
        )


def judge(case: Case | MomentsCase | ScriptCase, engine: Any, score: Score) -> Rows | None:
    """Ask an engine; its rows where it was asked at all."""
    expected = plain(case.expected())
    try:
        sql = case.sql(engine.dialect, engine.schema)
    except Inexpressible as error:
        score.refused[error.construct] += 1
        return None
    score.cases += 1
    score.rows += len(expected)
    score.values += len(expected) * case.width
    try:
        engine.hold(case.tables)
        found = plain(engine.rows(sql))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a wrong answer
        lines = [line for line in str(error).splitlines() if line.strip()]
        score.wrong.append(f"{case}\n  {type(error).__name__}: {lines[:2]}")
        return None
    if isinstance(case, ScriptCase):
        difference = _differ_in_order(found, expected, is_ordered=case.is_ordered)
    else:
        difference = differ(found, expected, case.keys)
    if difference:
        score.wrong.append(f"{case}\n  {difference}")
    return found


def tell(capsys: pytest.CaptureFixture[str], engine: object, what: str, score: Score) -> None:
    """Show a score; fail where a value is wrong or nothing was asked."""
    with capsys.disabled():
        print(f"\n{getattr(engine, 'version', '')}, {what}: {score}")
    assert not score.wrong, "\n".join(score.wrong)
    assert score.cases


def plain(rows: Sequence[Sequence[Any]]) -> Rows:
    """Values as JSON has them."""
    return [tuple(_plain(value) for value in row) for row in rows]


def differ(found: Rows, expected: Rows, keys: int) -> str:
    """How two answers differ, the order of rows aside; empty where they do not."""
    ours, theirs = _by_key(expected, keys), _by_key(found, keys)
    if len(theirs) != len(found):
        return "groups stand twice"
    missing, surplus = ours.keys() - theirs.keys(), theirs.keys() - ours.keys()
    if missing or surplus:
        few, many = sorted(map(str, missing))[:3], sorted(map(str, surplus))[:3]
        return f"{len(missing)} groups missing: {few}; {len(surplus)} too many: {many}"
    for key, values in ours.items():
        for position, (value, other) in enumerate(zip(values, theirs[key], strict=True)):
            if not same(other, value):
                return f"metric {position} at {key}: expected {value}, got {other}"
    return ""


def _differ_in_order(found: Rows, expected: Rows, *, is_ordered: bool) -> str:
    """How rows differ one by one; those without an order are brought to one."""
    ours, theirs = (one if is_ordered else sorted(one, key=str) for one in (expected, found))
    if len(ours) != len(theirs):
        return f"{len(ours)} rows expected, got {len(theirs)}"
    for row, other in zip(ours, theirs, strict=True):
        if not all(map(same, other, row)):
            return f"expected {row}, got {other}"
    return ""


def same(found: Any, expected: Any) -> bool:
    """Equality to 1e-9, with None equal to None alone."""
    if found is None or expected is None:
        return found is expected
    if isinstance(expected, str | bool):
        return bool(found == expected)
    if math.isnan(expected) or math.isnan(found):
        return math.isnan(expected) and math.isnan(found)
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


def _by_key(rows: Rows, keys: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {row[:keys]: row[keys:] for row in rows}


def _plain(value: Any) -> Any:
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else str(value)
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
