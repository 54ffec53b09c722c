import sqlite3

import pyarrow as pa
import pyarrow.parquet as pq

from landed.ingest import Ledger


def test_the_same_event_twice_in_one_file_is_a_duplicate(events, event):
    events.land("events/a.jsonl", event(1) + event(2) + event(1))

    account = events.one()

    assert (account.accepted, account.duplicate, account.conflict) == (2, 1, 0)


def test_the_same_id_with_other_content_is_a_conflict_and_the_first_stays(events, event):
    events.land("events/a.jsonl", event(1) + event(1, event_name="other") + event(2))

    account = events.one()

    assert (account.accepted, account.conflict, account.quarantined) == (2, 1, 0)
    assert account.reasons == {"conflict": 1}
    assert events.refused() == [(2, "conflict")]
    assert events.rows("select event_name from lake.events where event_id = 'e1'") == [
        ("page_view",)
    ]


def test_a_later_file_with_known_events_adds_only_the_new_ones(events, event):
    events.land("events/a.jsonl", event(1) + event(2))
    events.ingest()
    events.land("events/b.jsonl", event(2) + event(3) + event(1, event_name="other"))

    account = events.one()

    assert (account.files_new, account.files_seen) == (1, 1)
    assert (account.accepted, account.duplicate, account.conflict) == (1, 1, 1)


def test_a_redelivery_a_year_later_is_still_a_duplicate(events, event):
    for month in (1, 6, 11):
        text = event(month, occurred_at=f"2026-{month:02d}-01T00:00:00Z")
        events.land(f"events/{month:02d}.jsonl", text)
        events.ingest()
    events.land("events/again.jsonl", event(1, occurred_at="2026-01-01T00:00:00Z") + "\n\n")

    account = events.one()

    assert (account.rows_in, account.duplicate) == (1, 1)


def test_properties_are_compared_as_values(events, event):
    one = event(1, properties={"a": 1, "b": [1, 2.50]})
    other = one.replace('{"a": 1, "b": [1, 2.5]}', '{ "b":[1,2.50],  "a":1 }')
    third = one.replace('"a": 1', '"a": true')
    fourth = one.replace("[1, 2.5]", "[2.5, 1]")
    assert len({one, other, third, fourth}) == 4
    events.land("events/a.jsonl", one + other + third + fourth)

    account = events.one()

    assert (account.accepted, account.duplicate, account.conflict) == (1, 1, 2)


def test_big_numbers_in_properties_are_compared_exactly(events, event):
    one = event(1, properties={"n": 9007199254740993, "a": 0})
    other = event(1, properties={"a": 0, "n": 9007199254740992})
    events.land("events/a.jsonl", one + other)

    assert events.one().conflict == 1


def test_the_time_of_receipt_is_no_content(events, event):
    early = event(1, received_at="2026-11-01T10:00:02Z")
    events.land("events/a.jsonl", early + event(1, received_at="2026-11-02T10:00:00Z"))

    assert events.one().duplicate == 1


def test_another_source_may_use_the_same_ids(world, event):
    world.source("app", "kind: events\nformat: jsonl\npath: app/*\n")
    world.source("web", "kind: events\nformat: jsonl\npath: web/*\n")
    world.land("app/a.jsonl", event(1))
    world.land("web/a.jsonl", event(1))

    accounts = world.ingest().accounts

    assert [(one.source, one.accepted) for one in accounts] == [("app", 1), ("web", 1)]


def test_ids_that_only_look_alike_are_different(events, event):
    events.land("events/a.jsonl", event(1, event_id="7") + event(1, event_id="07"))

    assert events.one().accepted == 2


def test_content_ids_tell_records_apart_by_all_they_hold(world, event):
    world.source(
        "app",
        "kind: events\nformat: jsonl\npath: events/*\nevent_id: content\nselect: select user_id,"
        " event_name, occurred_at from raw\n",
    )
    other = event(1, properties={"left": "out"})
    world.land("events/a.jsonl", event(1) + other + event(1))
    world.land("events/b.jsonl", other.rstrip())

    account = world.one()

    assert (account.accepted, account.duplicate, account.conflict) == (2, 2, 0)
    ids = [row[0] for row in world.rows("select event_id from lake.events")]
    assert all(len(one) == 32 for one in ids)


def test_a_repeat_is_found_though_another_engine_hashed_otherwise(events, event):
    events.land("events/a.jsonl", event(1))
    events.ingest()
    _hash_otherwise(events)

    events.land("events/b.jsonl", event(1) + event(2) + event(1, event_name="other"))
    account = events.one()

    assert (account.accepted, account.duplicate, account.conflict) == (1, 1, 1)


def _hash_otherwise(events):
    """The lake as an engine would have left it whose hash function is another one."""
    (file,) = Ledger(events.home).files("events")
    table = pq.read_table(file.path)
    at = table.column_names.index("event_hash")
    hashes = pa.array([0] * table.num_rows, pa.uint64())
    pq.write_table(table.set_column(at, "event_hash", hashes), file.path)
    with sqlite3.connect(events.home.ledger) as ledger:
        ledger.execute("update hashing set probe = 'of another engine'")


def _apart(event, *days):
    """Deliveries of one id on days of October, each with content of its own."""
    return [
        event(1, occurred_at=f"2026-10-{day:02d}T10:00:00Z", event_name=f"on_{day}") for day in days
    ]


def test_an_id_that_comes_more_than_seven_days_apart_is_two_rows_however_files_are_cut(
    events, event
):
    """The 5th is a conflict with the 1st; the 10th is too far from the row that stayed."""
    lines = _apart(event, 1, 5, 10, 12, 30)
    events.land("events/a.jsonl", "".join(lines))

    account = events.one()

    assert (account.accepted, account.conflict) == (3, 2)
    assert events.refused() == [(2, "conflict"), (4, "conflict")]


def test_a_file_a_row_finds_the_same_repeats_as_one_file(events, event):
    other = event(7, occurred_at="2026-10-12T00:00:00Z")  # a neighbour that looks further back
    for number, line in enumerate(_apart(event, 1, 5, 10, 12, 30)):
        events.land(f"events/{number}.jsonl", line + (other if number == 4 else ""))
        events.ingest()

    names = events.rows("select event_name from lake.events where event_id = 'e1' order by 1")

    assert names == [("on_1",), ("on_10",), ("on_30",)]
