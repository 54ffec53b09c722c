"""Selects that an author wrote: what they may do to a record, and what they may not."""

import pytest

from landed.errors import ContractError, SourceError
from landed.ingest import load_sources

SOURCE = """\
kind: events
format: jsonl
path: events/*
select: |
  select event_id, {expression}, occurred_at, user_id from raw
"""


def select(world, expression):
    world.source("app", SOURCE.format(expression=expression))


def test_a_record_that_the_select_fails_on_is_refused_and_its_neighbours_stay(world, event):
    select(world, "cast(age as integer)::varchar as event_name")
    ages = ["31", "thirty", "40", "x", "1"]
    world.land("events/a.jsonl", "".join(event(n, age=age) for n, age in enumerate(ages)))

    account = world.one()

    assert (account.accepted, account.reasons) == (3, {"select_failed": 2})
    assert world.refused() == [(2, "select_failed"), (4, "select_failed")]


def test_a_select_that_fails_on_most_records_is_wrong_and_tells_no_value(world, event):
    select(world, "cast(age as integer)::varchar as event_name")
    lines = [event(n, age="alice@secret.example") for n in range(1_000)]
    world.land("events/a.jsonl", "".join(lines))

    with pytest.raises(SourceError, match="more than 200 records, first on line 1") as error:
        world.ingest()

    assert "alice" not in str(error.value)


def test_a_select_that_needs_a_column_which_is_not_there_names_it(world):
    world.source("app", SOURCE.format(expression="nowhere as event_name").replace("jsonl", "csv"))
    world.land("events/a.csv", "event_id,occurred_at,user_id\n1,2026-11-01,3\n")

    with pytest.raises(SourceError, match="nowhere"):
        world.ingest()


@pytest.mark.parametrize(
    "expression",
    [
        "regexp_split_to_table(event_name, ',') as event_name",
        "generate_subscripts([1, 2], 1)::varchar as event_name",
        "random()::varchar as event_name",
        "current_setting('secret_directory') as event_name",
        "gen_random_uuid()::varchar as event_name",
        "write_log(event_name)::varchar as event_name",
        "now()::varchar as event_name",
    ],
)
def test_a_function_that_is_none_of_the_record_s_values_is_refused(world, expression):
    select(world, expression)

    with pytest.raises(ContractError, match="select"):
        load_sources(world.project)


@pytest.mark.parametrize("more", ["tablesample 10%", ", (show databases)"])
def test_a_select_over_less_or_more_than_raw_is_refused(world, more):
    world.source("app", SOURCE.format(expression="event_name").rstrip() + f" {more}\n")

    with pytest.raises(ContractError, match="select"):
        load_sources(world.project)


def test_names_are_folded_as_the_engine_folds_them(world, event):
    """The Kelvin sign is a k to Python and none to the engine."""
    world.source("app", "kind: events\nformat: jsonl\npath: events/*\nevent_id: key\n")
    odd = event(1).replace("user_id", "\u212aey", 1).replace("{", '{"user_id": "u1", ', 1)
    world.land("events/a.jsonl", odd + event(2, key="k2"))

    assert world.one().accepted == 1
    assert world.refused() == [(1, "no_id")]


def test_a_key_called_like_a_column_of_ours_is_none_of_it(world, event):
    world.source(
        "app",
        "kind: events\nformat: jsonl\npath: events/*\nevent_id: key\n"
        "select: select event_name, occurred_at, user_id from raw\n",
    )
    world.land("events/a.jsonl", event(1, key="k1", _landed_id="x") + event(2, key="k2"))

    world.ingest()

    assert world.rows("select event_id from lake.events order by 1") == [("k1",), ("k2",)]
