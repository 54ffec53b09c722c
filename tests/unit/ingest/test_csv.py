import pytest

SOURCE = """kind: events
format: csv
path: events/*
select: select id as event_id, name as event_name, seen as occurred_at, who as user_id,
  json_object('note', note) as properties from raw
"""
HEAD = "id,name,seen,who,note\n"


def row(number, note="n"):
    return f"{number},view,2026-11-01 10:00:00,u1,{note}\n"


@pytest.fixture
def table(world):
    world.source("app", SOURCE)
    return world


def notes(world):
    return world.rows(
        "select event_id, json_extract_string(properties, '$.note') from lake.events order by 1"
    )


def test_quoted_fields_hold_commas_quotes_and_lines(table):
    table.land("events/a.csv", HEAD + row(1, '"a, ""b""\nsecond line"') + row(2))

    assert table.one().accepted == 2
    assert notes(table) == [("1", 'a, "b"\nsecond line'), ("2", "n")]


def test_an_empty_field_is_null_and_a_quoted_one_is_text(table):
    table.land("events/a.csv.gz", HEAD + row(1, "") + row(2, '""') + row(3, '"""x"""'))

    table.ingest()

    assert notes(table) == [("1", None), ("2", ""), ("3", '"x"')]


def test_a_lost_quote_costs_its_own_line_only(table):
    text = HEAD + row(1) + row(2, '"never closed') + row(3, '"closed"') + row(4)
    table.land("events/a.csv", text)

    account = table.one()

    assert (account.rows_in, account.accepted) == (4, 3)
    assert table.refused() == [(3, "malformed_csv")]
    assert table.quarantine("app")[0]["raw"] == row(2, '"never closed').rstrip()


def test_a_lost_quote_without_any_after_it_costs_its_own_line_only(table):
    table.land("events/a.csv", HEAD + row(1) + row(2, '"never closed') + row(3) + row(4))

    assert table.one().accepted == 3
    assert table.refused() == [(3, "malformed_csv")]


def test_a_record_with_another_number_of_fields_is_refused_with_its_place(table):
    table.land("events/a.csv", HEAD + row(1) + "2,view\n" + row(3, "n,extra") + row(4))

    assert table.one().accepted == 2
    assert table.refused() == [(3, "field_count"), (4, "field_count")]
    assert [found["byte_offset"] for found in table.quarantine("app")] == [
        len(HEAD + row(1)),
        len(HEAD + row(1) + "2,view\n"),
    ]


def test_bytes_that_are_no_utf8_and_nul_cost_their_own_line(table):
    bad = row(2).encode().replace(b"n\n", b'\xff"\n') + row(3).encode().replace(b"n\n", b"\0\n")
    table.land("events/a.csv", (HEAD + row(1)).encode() + bad + row(4).encode())

    assert table.one().accepted == 2
    assert table.refused() == [(3, "invalid_utf8"), (4, "nul_byte")]


def test_a_header_that_names_a_column_twice_refuses_the_whole_file(table):
    table.land("events/a.csv", "id,name,seen,who,ID\n" + row(1) + row(2))

    account = table.one()

    # the header line is refused with its rows: nothing below it can be read
    assert (account.rows_in, account.reasons) == (3, {"bad_header": 3})


def test_another_delimiter_is_declared(world):
    world.source("app", SOURCE + "delimiter: ';'\n")
    world.land("events/a.csv", HEAD.replace(",", ";") + row(1, "a,b").replace(",", ";", 4))

    assert world.one().accepted == 1
    assert notes(world) == [("1", "a,b")]


def test_a_file_without_records_is_claimed_and_empty(table):
    table.land("events/a.csv", HEAD)
    table.land("events/b.csv", "")

    account = table.one()

    assert (account.files_new, account.rows_in) == (2, 0)
    assert table.one().files_seen == 2


def test_a_number_left_as_text_stays_as_it_was_written(table):
    table.land("events/a.csv", HEAD + row(1, "130.54500394593077"))

    table.ingest()

    assert notes(table) == [("1", "130.54500394593077")]
