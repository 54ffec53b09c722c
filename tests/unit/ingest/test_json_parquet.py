import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def test_a_json_array_gives_its_objects_with_lines_and_offsets(world, event):
    world.source("app", "kind: events\nformat: json\npath: events/*\n")
    text = f"[\n{event(1)},\n 5,\n{event(2)}]"
    world.land("events/a.json", text)

    account = world.one()

    assert (account.accepted, account.reasons) == (2, {"not_an_object": 1})
    (refused,) = world.quarantine("app")
    assert (refused["line"], refused["byte_offset"], refused["raw"]) == (4, text.index("5,"), "5")


def test_a_json_array_that_breaks_off_keeps_what_came_before(world, event):
    world.source("app", "kind: events\nformat: json\npath: events/*\n")
    world.land("events/a.json", f"[{event(1)},{event(2)}, {{")
    world.land("events/b.json", "[]")
    world.land("events/c.json", event(3))

    account = world.one()

    assert (account.accepted, account.reasons) == (3, {"invalid_json": 1})


def test_parquet_is_read_as_text_whatever_its_types(world):
    world.source("app", "kind: events\nformat: parquet\npath: events/*\n")
    table = pa.table(
        {
            "event_id": pa.array([9007199254740993, 2], pa.int64()),
            "event_name": ["view", None],
            "occurred_at": pa.array([1793527200000000, 1793527201000000], pa.timestamp("us")),
            "user_id": ["u1", "u2"],
            "properties": [{"n": 1}, {"n": 2}],
        }
    )
    path = world.land("events/a.parquet", b"")
    pq.write_table(table, path)

    account = world.one()

    assert account.reasons == {"no_event_name": 1}
    assert world.rows("select event_id, occurred_at::varchar, properties from lake.events") == [
        ("9007199254740993", "2026-11-01 10:00:00", '{"n":1}')
    ]
    assert world.refused() == [(2, "no_event_name")]
    assert '"event_id":"2"' in world.quarantine("app")[0]["raw"]


def test_a_damaged_parquet_file_is_one_refused_record(world):
    world.source("app", "kind: events\nformat: parquet\npath: events/*\n")
    world.land("events/a.parquet", b"PAR1 not really")

    assert world.one().reasons == {"unreadable_file": 1}


@pytest.mark.parametrize("twin", ["user_id", "User_Id"])
def test_a_parquet_file_with_two_columns_of_one_name_is_refused(world, twin):
    world.source("app", "kind: events\nformat: parquet\npath: events/*\n")
    names = ["event_id", "event_name", "occurred_at", "properties", "user_id", twin]
    inner = [{"user_id": "in here", "n": [1]}]  # no column, and may be called so
    rows = [["e1"], ["view"], ["2026-11-01T10:00:00Z"], inner, ["u1"], ["u2"]]
    table = pa.Table.from_arrays([pa.array(row) for row in rows], names=names)
    pq.write_table(table, world.land("events/a.parquet", b""))
    pq.write_table(table.select(range(5)), world.land("events/b.parquet", b""))

    account = world.one()

    assert (account.accepted, account.reasons) == (1, {"bad_header": 1})
    assert world.quarantine("app")[0]["raw"].endswith(f"user_id, {twin}")
