"""Constant days become literals: what runs says the day that was meant."""

from __future__ import annotations

from datetime import date

import pytest

from landed.compiler.front_end_dates import fold_dates
from landed.compiler.front_end_text import statement
from landed.errors import QueryRefused

TODAY = date(2026, 3, 31)  # a Tuesday, at the end of a month and a quarter


def folded(expression: str, today: date | None = TODAY) -> str:
    tree = fold_dates(statement(f"select {expression} as x"), today)
    return str(tree.expressions[0].this.sql("postgres"))


@pytest.mark.parametrize(
    ("expression", "literal"),
    [
        ("current_date", "2026-03-31"),
        ("current_date - interval '1 day'", "2026-03-30"),
        ("current_date - interval '1' day", "2026-03-30"),
        ("current_date - 7", "2026-03-24"),
        ("current_date + interval '2 weeks'", "2026-04-14"),
        ("current_date - interval '1 month'", "2026-02-28"),
        ("current_date - interval '1 quarter'", "2025-12-31"),
        ("current_date - interval '10 years'", "2016-03-31"),
        ("current_date + interval '-1 day'", "2026-03-30"),
        ("date '2028-02-29' + interval '1 year'", "2029-02-28"),
        ("date_trunc('week', current_date)", "2026-03-30"),
        ("date_trunc('us_week', current_date)", "2026-03-29"),
        ("date_trunc('month', current_date)", "2026-03-01"),
        ("date_trunc('quarter', current_date)", "2026-01-01"),
        ("date_trunc('year', current_date)", "2026-01-01"),
        ("date_trunc('month', current_date - interval '1 month') - interval '1 day'", "2026-01-31"),
        ("(current_date - interval '1 day') - interval '1 day'", "2026-03-29"),
        ("cast(timestamp '2026-03-31 12:30' as date) + 1", "2026-04-01"),
    ],
)
def test_arithmetic_on_constant_days_is_a_day(expression: str, literal: str) -> None:
    assert folded(expression) == f"CAST('{literal}' AS DATE)"


@pytest.mark.parametrize(
    ("expression", "literal"),
    [
        ("current_date - interval '1 hour'", "2026-03-30 23:00:00"),
        ("timestamp '2026-01-01 10:20:30' + interval '90 seconds'", "2026-01-01 10:22:00"),
        ("date_trunc('hour', timestamp '2026-01-01 10:20:30')", "2026-01-01 10:00:00"),
    ],
)
def test_arithmetic_below_a_day_is_an_instant(expression: str, literal: str) -> None:
    assert folded(expression) == f"CAST('{literal}' AS TIMESTAMP)"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("now()", "current_date"),
        ("current_timestamp", "current_date"),
        ("localtimestamp", "current_date"),
        ("date '2026-02-30'", "`2026-02-30` is no day"),
        ("date 'yesterday'", "`yesterday` is no day"),
        ("timestamp '2026-01-01 00:00+02'", "in UTC"),
        ("current_date - interval '1 month 2 days'", "no interval of one unit"),
        ("current_date - interval '1.5 days'", "no interval of one unit"),
        ("current_date + interval '99999 years'", "no interval of one unit"),
        ("current_date + interval '9999 years'", "no day of the calendar"),
        ("date_trunc('century', current_date)", "`century`"),
    ],
)
def test_what_is_no_day_is_refused(expression: str, message: str) -> None:
    with pytest.raises(QueryRefused) as refusal:
        folded(expression)

    assert message in str(refusal.value)


def test_current_date_is_refused_where_no_day_is_given() -> None:
    with pytest.raises(QueryRefused, match="DATE '2026-01-31'"):
        folded("current_date", None)


def test_what_is_not_constant_stays() -> None:
    assert folded("plan") == "plan"
    assert "INTERVAL" in folded("week + interval '7 days'")
