"""Properties of the events that a release needs keep being there, with their types."""

from __future__ import annotations

import pytest
from profile_rows import SHIPPED_ON, add_numbers, add_rows, add_texts, read_amount


@pytest.fixture
def orders(world):
    add_rows(world)
    return read_amount(world)


def test_schema_drift_refuses_a_property_that_was_always_there_and_is_gone(orders, result_of):
    add_numbers(orders, 1.5, until="2026-03-10")

    decision = orders.data()

    check = result_of(decision, "schema_drift")
    assert [each.check_id for each in decision.failed] == ["schema_drift"]
    assert check.observed == (
        "`amount` of `order` was always there and is missing in 100 % of the rows since 2026-03-10"
    )


def test_schema_drift_refuses_a_number_that_became_text(orders, result_of):
    add_numbers(orders, 1.5, until="2026-03-10")
    add_texts(orders, {3: 20, 4: 20}, since="2026-03-10", property="amount")

    check = result_of(orders.data(), "schema_drift")

    assert check.blocks
    assert check.observed == "`amount` of `order` was number and is string since 2026-03-10"


def test_schema_drift_refuses_a_value_that_a_third_of_the_rows_send_as_null(orders, result_of):
    add_numbers(orders, 1.5, until="2026-03-10")
    add_numbers(orders, 1.5, since="2026-03-10", rows=28)
    orders.run(
        "insert into int_property_days by name select * replace ('null' as type, 12 as row_count,"
        " null as log10_median, null as places) from int_property_days"
        " where type = 'number' and event_on >= '2026-03-10'"
    )

    assert result_of(orders.data(), "schema_drift").blocks


ONE_DAY = {"since": "2026-03-10", "until": "2026-03-11"}


def test_schema_drift_passes_one_person_whose_old_client_sends_many_rows(orders, result_of):
    add_numbers(orders, 1.5, until="2026-03-10")
    add_numbers(orders, 1.5, since="2026-03-11")
    add_numbers(orders, 1.5, **ONE_DAY)
    add_rows(orders, **ONE_DAY, rows=12, persons=[7])

    assert result_of(orders.data(), "schema_drift").passed is True


def test_schema_drift_passes_one_such_person_beside_three_with_a_row_each(orders, result_of):
    add_numbers(orders, 1.5, until="2026-03-10")
    add_numbers(orders, 1.5, since="2026-03-11")
    add_numbers(orders, 1.5, **ONE_DAY)
    add_rows(orders, **ONE_DAY, rows=40, persons=[7])
    add_rows(orders, **ONE_DAY, rows=3, persons=[1, 2, 3])

    assert result_of(orders.data(), "schema_drift").passed is True


def test_schema_drift_refuses_what_several_persons_lost_beside_one_with_many_rows(
    orders, result_of
):
    add_numbers(orders, 1.5, until="2026-03-10")
    add_numbers(orders, 1.5, since="2026-03-11")
    add_numbers(orders, 1.5, **ONE_DAY, rows=100)
    add_rows(orders, **ONE_DAY, rows=60, persons=range(20))
    add_rows(orders, **ONE_DAY, rows=15, persons=range(5))

    check = result_of(orders.data(), "schema_drift")

    assert check.blocks
    assert "is missing in 13 % of the rows since 2026-03-10" in check.observed


def test_schema_drift_passes_a_type_that_one_person_sends(orders, result_of):
    add_numbers(orders, 1.5)
    add_rows(orders, **ONE_DAY, rows=30, persons=[7])
    add_texts(orders, {3: 30}, **ONE_DAY, property="amount", persons=[7])

    assert result_of(orders.data(), "schema_drift").passed is True


def test_what_few_persons_always_sent_is_no_schema_yet(world, result_of):
    add_rows(world, persons=range(9))
    add_numbers(world, 1.5, until="2026-03-10", persons=range(9))

    assert "schema_drift" in read_amount(world).data().skipped


def test_schema_drift_warns_of_a_new_property(orders, result_of):
    add_numbers(orders, 1.5)
    add_texts(orders, {1: 40}, since="2026-03-10", property="currency")

    check = result_of(orders.data(), "schema_drift")

    assert (check.severity, check.passed) == ("warning", False)
    assert check.observed == "`currency` of `order` is new since 2026-03-10"


def test_schema_drift_passes_a_property_that_some_rows_never_had(orders, result_of):
    add_numbers(orders, 1.5, rows=36, until=SHIPPED_ON)
    add_numbers(orders, 1.5, rows=28, since=SHIPPED_ON)

    assert result_of(orders.data(), "schema_drift").passed is True


def test_schema_drift_misses_nothing_on_a_day_with_more_properties_than_a_profile_holds(
    orders, result_of
):
    add_numbers(orders, 1.5, until="2026-03-10")
    add_rows(orders, since="2026-03-10", type="left out", name_count=7)

    assert result_of(orders.data(), "schema_drift").passed is True


def test_schema_drift_passes_again_once_the_days_were_delivered_anew(orders, result_of):
    add_numbers(orders, 1.5, until="2026-03-10")
    assert result_of(orders.data(), "schema_drift").blocks

    add_numbers(orders, 1.5, since="2026-03-10")

    assert result_of(orders.data(), "schema_drift").passed is True


def test_days_after_the_cutoff_count_for_nothing(orders, result_of):
    add_numbers(orders, 1.5)
    before = result_of(orders.data(), "schema_drift")

    add_rows(orders, since="2026-03-16", until="2026-03-18")

    assert result_of(orders.data(), "schema_drift") == before


def test_an_event_that_came_with_the_release_has_no_schema_before_it(world, result_of):
    add_rows(world, since=SHIPPED_ON)
    add_numbers(world, 1.5, since=SHIPPED_ON)

    assert read_amount(world).data().skipped["schema_drift"] == (
        "no event that it reads was there before it shipped"
    )
