import zstandard

from landed.ingest.formats import InputFile, jsonl, records
from landed.ingest.formats.records import digest_of

BROKEN = [
    (b'{"event_id": "x", ', "invalid_json"),
    (b'{"event_id": "x"} trailing', "invalid_json"),
    (b'{"event_id": "x", "properties": {"n": NaN}}', "invalid_json"),
    (b'{"event_id": "x", "properties": {"n": 1e999}}', "invalid_json"),
    (b'{"event_id": "x", "properties": {"n": [1, 2,]}}', "invalid_json"),
    (b'{"event_id": "\\ud800"}', "invalid_json"),
    (b"[1, 2]", "not_an_object"),
    (b"null", "not_an_object"),
    (b'"text"', "not_an_object"),
    (b'{"event_id": "x", "event_id": "y"}', "duplicate_key"),
    (b'{"event_id": "x", "EVENT_ID": "y"}', "duplicate_key"),
    (b'{"event_id": "caf\xe9"}', "invalid_utf8"),
    (b'{"event_id": "a\0b"}', "nul_byte"),
    (b'{"event_id": "' + b"x" * 1_000_001 + b'"}', "too_long"),
]


def test_a_malformed_line_is_quarantined_and_its_neighbours_stay(events, event):
    events.land("events/a.jsonl", event(1) + '{"event_id": "x", \n' + event(2))

    account = events.one()

    assert (account.rows_in, account.accepted, account.reasons) == (3, 2, {"invalid_json": 1})
    assert events.refused() == [(2, "invalid_json")]
    assert events.rows("select event_id from lake.events order by 1") == [("e1",), ("e2",)]


def test_a_refused_record_is_kept_whole_with_its_place(events, event):
    path = events.land("events/a.jsonl", event(1) + '{"broken": \n' + event(2))

    events.ingest()

    (row,) = events.quarantine("app")
    assert (row["raw"], row["line"], row["byte_offset"]) == ('{"broken": ', 2, len(event(1)))
    assert (row["file"], row["sha256"]) == (str(path), digest_of(path))


def test_all_kinds_of_damage_in_one_file_leave_every_good_row(events, event):
    lines = b"".join(event(n).encode() + line + b"\n" for n, (line, _) in enumerate(BROKEN))
    events.land("events/a.jsonl.gz", lines)

    account = events.one()

    assert (account.accepted, account.quarantined) == (len(BROKEN), len(BROKEN))
    assert events.refused() == [(2 * n + 2, reason) for n, (_, reason) in enumerate(BROKEN)]


def test_blank_lines_crlf_and_a_byte_order_mark_are_no_records(events, event):
    text = "\n" + event(1).replace("\n", "\r\n") + "\r\n  \n" + event(2).rstrip()
    events.land("events/a.jsonl", b"\xef\xbb\xbf" + text.encode())

    account = events.one()

    assert (account.rows_in, account.accepted) == (2, 2)


def test_the_last_line_may_lack_its_newline_and_is_refused_when_cut(events, event):
    events.land("events/a.jsonl", event(1) + event(2)[:30])

    account = events.one()

    assert (account.accepted, account.reasons) == (1, {"invalid_json": 1})


def test_ids_keep_their_text(events, event):
    ids = ["9007199254740993", "18446744073709551617", "123456789012345678901234567890", '"007"']
    ids += ['"e\u0301"', '"\u00e9"']
    lines = "".join(event(n).replace(f'"e{n}"', text, 1) for n, text in enumerate(ids))
    events.land("events/a.jsonl", lines)

    events.ingest()

    stored = {row[0] for row in events.rows("select event_id from lake.events")}
    assert stored == {text.strip('"') for text in ids}


def test_a_gzip_cut_in_half_gives_its_good_lines_and_one_refused_record(events, event):
    path = events.land("events/a.jsonl.gz", "".join(event(n) for n in range(20_000)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    account = events.one()

    assert account.reasons == {"truncated_file": 1}
    assert 1_000 < account.accepted < 20_000

    path.write_bytes(whole)
    again = events.one()
    assert (again.rows_in, again.accepted) == (20_000, 20_000 - account.accepted)
    assert again.duplicate == account.accepted


def test_gzip_in_several_members_and_zstandard_are_read(events, event):
    first = events.land("events/a.jsonl.gz", event(1))
    second = events.land("events/b.jsonl.gz", event(2))
    first.write_bytes(first.read_bytes() + second.read_bytes())
    second.unlink()
    events.land("events/c.jsonl.zst", zstandard.ZstdCompressor().compress(event(3).encode()))

    account = events.one()

    assert (account.files_new, account.accepted) == (2, 3)


def test_what_is_called_gz_and_is_none_is_read_as_it_is(events, event):
    path = events.land("events/a.jsonl.gz", "")
    path.write_text(event(1))

    assert events.one().accepted == 1


def test_keys_that_only_some_records_have_are_null_in_the_others(events, event):
    events.land("events/a.jsonl", event(1) + event(2, session_id="s", app_version="2.0"))

    events.ingest()

    found = events.rows("select session_id, app_version from lake.events order by event_id")
    assert found == [(None, None), ("s", "2.0")]


def test_a_million_deep_json_is_refused_or_read_but_never_ends_the_run(events, event):
    deep = "[" * 400_000 + "]" * 400_000
    events.land("events/a.jsonl", event(1) + f'{{"a": {deep}}}\n' + event(2))

    account = events.one()

    assert (account.rows_in, account.accepted) == (3, 2)


def test_a_line_longer_than_a_chunk_never_sits_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "CHUNK_BYTES", 100_000)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n' + b"x" * 3_000_000 + b'\n{"b":2}\n{"c":3}')

    found = [row for part in jsonl.read(InputFile(path, digest_of(path)))
             for row in part.table.to_pylist()]  # fmt: skip

    assert [(row["line"], row["reason"]) for row in found] == [
        (1, None),
        (2, "too_long"),
        (3, None),
        (4, None),
    ]
    assert [row["byte_offset"] for row in found] == [0, 8, 3_000_009, 3_000_017]
    assert all(len(row["raw"]) <= records.KEPT_BYTES for row in found)
