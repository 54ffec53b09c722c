"""No number that a metric reads became a power of ten of what it was."""

from __future__ import annotations

import pytest
from profile_rows import SHIPPED_ON, add_numbers, add_rows, read_amount


@pytest.fixture
def orders(world):
    add_rows(world)
    return read_amount(world)


def test_unit_change_refuses_an_amount_that_came_in_cents(orders, result_of):
    add_numbers(orders, 1.5, until=SHIPPED_ON)
    add_numbers(orders, 3.5, since=SHIPPED_ON)

    decision = orders.data()

    check = result_of(decision, "unit_change")
    assert [each.check_id for each in decision.failed] == ["unit_change"]
    assert check.observed == ("`amount` of `order` is 100 times what it was in day 2026-03-02")


def test_unit_change_refuses_one_day_in_the_middle(orders, result_of):
    add_numbers(orders, 3.1, until="2026-03-08")
    add_numbers(orders, 0.1, since="2026-03-08", until="2026-03-09")
    add_numbers(orders, 3.1, since="2026-03-09")

    check = result_of(orders.data(), "unit_change")

    assert check.blocks
    assert "is 1/1,000 of what it was in day 2026-03-08" in check.observed


def test_unit_change_refuses_a_version_that_sends_another_unit(orders, result_of):
    add_numbers(orders, 3.1)
    add_numbers(orders, 0.1, since="2026-03-09", rows=20, app_version="1.1.0")

    check = result_of(orders.data(), "unit_change")

    assert check.blocks
    assert check.observed.endswith("what it was in version 1.1.0")


def test_unit_change_passes_an_amount_that_grew_as_amounts_do(orders, result_of):
    add_numbers(orders, 1.5, until=SHIPPED_ON)
    add_numbers(orders, 1.9, since=SHIPPED_ON)

    assert result_of(orders.data(), "unit_change").passed is True


def test_unit_change_passes_a_median_that_hops_between_two_plans(orders, result_of):
    ones, tens = ({1000: 22, 1004: 18}, {1000: 18, 1004: 22})
    add_numbers(orders, 0.0, until=SHIPPED_ON)
    orders.run(
        f"update int_property_days set places = map {ones}, place_persons = map {ones}"
        " where type = 'number'"
    )
    add_numbers(orders, 1.0, since=SHIPPED_ON)
    orders.run(
        f"update int_property_days set places = map {tens}, place_persons = map {tens}"
        " where type = 'number' and event_on >= '2026-03-02'"
    )

    assert result_of(orders.data(), "unit_change").passed is True


def test_unit_change_passes_a_new_version_of_an_app_that_always_sent_seconds(orders, result_of):
    add_numbers(orders, 3.1, rows=80)
    add_numbers(orders, 0.1, rows=12, until="2026-03-09", app_version="ios 1")
    add_numbers(orders, 0.1, rows=12, since="2026-03-09", app_version="ios 2")

    assert result_of(orders.data(), "unit_change").passed is True


def _with_one_buyer(orders, others: float, persons: int = 20):
    """Before 100 orders of one person, ten times as large as usual, lie those of others."""
    add_numbers(orders, 1.5, until="2026-03-10")
    add_numbers(orders, 1.5, since="2026-03-11")
    add_numbers(
        orders, others, since="2026-03-10", until="2026-03-11", rows=40, persons=range(persons)
    )
    add_numbers(orders, 2.5, since="2026-03-10", until="2026-03-11", rows=100, persons=[31])
    # most of the rows are hers
    orders.run(
        "update int_property_days set log10_median = 2.5"
        " where type = 'number' and event_on = '2026-03-10'"
    )
    return orders


def test_unit_change_passes_one_person_with_many_orders_of_ten_times_the_size(orders, result_of):
    assert result_of(_with_one_buyer(orders, 1.5).data(), "unit_change").passed is True


def test_unit_change_refuses_it_where_the_others_do_likewise(orders, result_of):
    assert result_of(_with_one_buyer(orders, 2.5).data(), "unit_change").blocks


def test_unit_change_passes_a_day_of_few_persons(orders, result_of):
    assert result_of(_with_one_buyer(orders, 2.5, persons=8).data(), "unit_change").passed is True


def test_unit_change_warns_of_a_number_that_no_metric_reads(orders, result_of):
    add_numbers(orders, 1.5, until=SHIPPED_ON, property="weight")
    add_numbers(orders, 4.5, since=SHIPPED_ON, property="weight")

    check = result_of(orders.data(), "unit_change")

    assert (check.passed, check.severity) == (False, "warning")


def test_unit_change_passes_again_once_the_days_were_delivered_anew(orders, result_of):
    add_numbers(orders, 1.5, until=SHIPPED_ON)
    add_numbers(orders, 3.5, since=SHIPPED_ON)
    orders.run("delete from int_property_days where type = 'number' and event_on >= '2026-03-02'")
    add_numbers(orders, 1.5, since=SHIPPED_ON)

    assert result_of(orders.data(), "unit_change").passed is True


def test_days_after_the_cutoff_count_for_nothing(orders, result_of):
    add_numbers(orders, 1.5)
    before = result_of(orders.data(), "unit_change")

    add_numbers(orders, 4.5, since="2026-03-16", until="2026-03-18")

    assert result_of(orders.data(), "unit_change") == before
