"""Values of properties lie where they lay."""

from __future__ import annotations

import pytest
from profile_rows import SHIPPED_ON, add_numbers, add_rows, add_texts, read_amount

from landed.gate.checks.value_drift import stability_index

EVEN = {1: 20, 5: 12, 9: 8}


@pytest.fixture
def orders(world):
    add_rows(world)
    return read_amount(world)


@pytest.fixture
def drifts(result_of):
    def observed(world) -> str:
        check = result_of(world.data(), "value_drift")
        assert check.severity == "warning"
        assert check.passed is False
        return check.observed

    return observed


def test_value_drift_warns_of_plans_that_are_mixed_otherwise(orders, drifts):
    add_texts(orders, EVEN, until=SHIPPED_ON)
    add_texts(orders, {1: 4, 5: 6, 9: 30}, since=SHIPPED_ON)

    assert drifts(orders).startswith("`plan` of `order` is spread otherwise")


def test_value_drift_warns_of_a_value_that_never_was(orders, drifts):
    add_texts(orders, EVEN, until=SHIPPED_ON)
    add_texts(orders, {**EVEN, 12: 1}, since=SHIPPED_ON)

    assert drifts(orders) == (
        "`plan` of `order` has values that it never had, in 2.44 % of the rows"
    )


def test_value_drift_warns_of_numbers_ten_times_beyond_their_range(orders, drifts):
    add_numbers(orders, 1.5)
    orders.run(
        "update int_property_days set places = map {1005: 10, 1006: 20, 1007: 9, 1020: 1}"
        f" where type = 'number' and event_on >= '{SHIPPED_ON}'"
    )

    assert drifts(orders) == (
        "`amount` of `order` is ten times beyond its range in 2.5 % of the rows"
    )


def test_value_drift_warns_of_more_nulls(orders, drifts):
    add_texts(orders, EVEN)
    orders.run(
        "insert into int_property_days by name select * replace ('null' as type, 8 as row_count,"
        f" null as places) from int_property_days where property = 'plan'"
        f" and event_on >= '{SHIPPED_ON}'"
    )

    assert "is null in 16.7 % of the rows that have it, not 0 %" in drifts(orders)


def test_value_drift_passes_an_even_mix(orders, result_of):
    add_texts(orders, EVEN)
    add_numbers(orders, 1.5)

    assert result_of(orders.data(), "value_drift").passed is True


def test_value_drift_warns_of_a_mix_that_is_new_in_the_latest_week(orders, drifts):
    add_texts(orders, EVEN, until="2026-03-11")
    add_texts(orders, {1: 6, 5: 6, 9: 28}, since="2026-03-11")
    whole = {1: 9 * 20 + 5 * 6, 5: 9 * 12 + 5 * 6, 9: 9 * 8 + 5 * 28}
    assert stability_index(EVEN, whole) < 0.25

    assert drifts(orders).startswith("`plan` of `order` is spread otherwise in the last seven days")
