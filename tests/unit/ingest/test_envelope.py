import json

import pytest

GOOD = {
    "2026-11-01T10:00:00Z": "2026-11-01 10:00:00",
    "2026-11-01 10:00:00": "2026-11-01 10:00:00",
    "2026-11-01T10:00": "2026-11-01 10:00:00",
    "2026-11-01": "2026-11-01 00:00:00",
    "2026-11-01T10:00:00.123456789+02:00": "2026-11-01 08:00:00.123456",
    "2026-11-01 10:00:00-0330": "2026-11-01 13:30:00",
    "2026-11-01 10:00:00+02": "2026-11-01 08:00:00",
    "1793527200": "2026-11-01 10:00:00",
    "1793527200.25": "2026-11-01 10:00:00.25",
    "1793527200123": "2026-11-01 10:00:00.123",
    "1793527200123456": "2026-11-01 10:00:00.123456",
    "1793527200123456789": "2026-11-01 10:00:00.123456",
    "2024-02-29T23:59:59Z": "2024-02-29 23:59:59",
}
BAD = [
    "2026-02-29T10:00:00Z",
    "2026-11-01T25:00:00Z",
    "01/11/2026",
    "yesterday",
    "infinity",
    "epoch",
    "20261101100000",
    "12345",
    "0001-01-01T00:00:00Z",
    "1e18",
    "99999999999999999999",
]


def test_times_in_every_form_become_utc(events, event):
    lines = "".join(event(n, occurred_at=text) for n, text in enumerate(GOOD))
    events.land("events/a.jsonl", lines)

    events.ingest()

    found = dict(events.rows("select event_id, occurred_at::varchar from lake.events"))
    assert found == {f"e{n}": wanted for n, wanted in enumerate(GOOD.values())}


def test_what_is_no_time_is_refused(events, event):
    events.land("events/a.jsonl", "".join(event(n, occurred_at=t) for n, t in enumerate(BAD)))

    assert events.one().reasons == {"bad_time": len(BAD)}


def test_the_day_of_a_row_is_its_utc_day(events, event):
    events.land("events/a.jsonl", event(1, occurred_at="2026-11-01T23:30:00-02:00"))

    account = events.one()

    assert [str(day) for day in account.days] == ["2026-11-02"]
    assert [path.name for path in (events.home.lake / "events").iterdir()] == ["day=2026-11-02"]


def test_times_without_a_zone_are_of_the_declared_one(world, event):
    world.source("app", "kind: events\nformat: jsonl\npath: events/*\ntimezone: Europe/Berlin\n")
    texts = ["2026-07-01 12:00:00", "2026-03-29 02:30:00", "2026-10-25 02:30:00"]
    texts += ["2026-10-25T02:30:00+01:00", "2026-10-25 03:30:00"]
    world.land("events/a.jsonl", "".join(event(n, occurred_at=t) for n, t in enumerate(texts)))

    account = world.one()

    # the clocks skip 02:30 on 29 March and show it twice on 25 October
    assert account.reasons == {"bad_time": 2}
    assert world.refused() == [(2, "bad_time"), (3, "bad_time")]
    assert world.rows("select occurred_at::varchar from lake.events order by 1") == [
        ("2026-07-01 10:00:00",),
        ("2026-10-25 01:30:00",),
        ("2026-10-25 02:30:00",),
    ]


BROKEN = [
    ({"event_id": None}, "no_id"),
    ({"event_id": ""}, "no_id"),
    ({"event_name": None}, "no_event_name"),
    ({"occurred_at": None}, "no_time"),
    ({"user_id": None}, "no_unit"),
    ({"received_at": "soon"}, "bad_time"),
    ({"occurred_at": "2026-11-24T00:00:00Z"}, "future_time"),
    ({"occurred_at": "2026-11-03", "received_at": "2026-11-01T23:00:00Z"}, "future_time"),
    ({"properties": [1]}, "bad_properties"),
    ({"properties": "text"}, "bad_properties"),
    ({"properties": '{"a": 1, "a": 2}'}, "bad_properties"),
]


def test_a_row_that_breaks_the_envelope_is_refused_with_its_reason(events, event):
    lines = [event(n, **changes) + event(100 + n) for n, (changes, _) in enumerate(BROKEN)]
    events.land("events/a.jsonl", "".join(lines))

    assert events.one().accepted == len(BROKEN)
    assert events.refused() == [(2 * n + 1, reason) for n, (_, reason) in enumerate(BROKEN)]


def test_a_row_that_was_received_after_now_is_from_the_future(events, event):
    far = ["2027-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "9999-12-31T23:00:00-10:00"]
    lines = [event(n, occurred_at=at, received_at=at) for n, at in enumerate(far)]
    events.land("events/a.jsonl", "".join(lines) + event(9))

    assert events.one().accepted == 1
    assert events.refused() == [(n, "future_time") for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("zone", "twice"),
    [
        ("Australia/Lord_Howe", "2026-04-05T01:45:00"),  # back by half an hour
        ("Antarctica/Troll", "2026-10-25T01:30:00"),  # back by two hours
    ],
)
def test_a_local_time_that_any_shift_repeats_is_no_instant(world, event, zone, twice):
    world.source("app", f"kind: events\nformat: jsonl\npath: events/*\ntimezone: {zone}\n")
    good = "2026-06-01T12:00:00"
    world.land("events/a.jsonl", event(1, occurred_at=twice) + event(2, occurred_at=good))

    assert world.one().accepted == 1
    assert world.refused() == [(1, "bad_time")]


def test_a_time_with_a_space_in_it_is_none(events, event):
    odd = ["2026-11-01T10:00:0 Z", "2026-11-01T10:00:00.1 2Z"]
    lines = [event(n, occurred_at=at) for n, at in enumerate(odd)]
    events.land("events/a.jsonl", "".join(lines))

    assert events.one().accepted == 0
    assert events.refused() == [(1, "bad_time"), (2, "bad_time")]


def test_absent_properties_are_an_empty_object(events, event):
    events.land("events/a.jsonl", event(1, properties=None))

    events.ingest()

    assert events.rows("select properties from lake.events") == [("{}",)]


def test_feedback_has_text_or_a_rating(world):
    world.source("reviews", "kind: feedback\nformat: jsonl\npath: feedback/*\n")
    base = {"given_at": "2026-11-01T10:00:00Z", "channel": "survey"}
    rows = [
        {**base, "feedback_id": "1", "text": "good", "rating": 5},
        {**base, "feedback_id": "2", "rating": "4.5", "user_id": "u1"},
        {**base, "feedback_id": "3"},
        {**base, "feedback_id": "4", "text": "x", "rating": "many"},
        {**base, "feedback_id": "5", "text": "x", "channel": None},
    ]
    world.land("feedback/a.jsonl.gz", "\n".join(json.dumps(row) for row in rows))

    account = world.one()

    assert account.reasons == {"bad_number": 1, "no_channel": 1, "no_content": 1}
    assert world.rows(
        "select feedback_id, rating, text, user_id from lake.feedback order by 1"
    ) == [
        ("1", 5.0, "good", None),
        ("2", 4.5, None, "u1"),
    ]


def test_exposures_name_flag_variant_and_unit(world):
    world.source("flags", "kind: exposures\nformat: jsonl\npath: flags/*\n")
    good = {"exposure_id": "1", "exposed_at": 1793527200, "flag": "f", "variant": "on"}
    rows = [
        {**good, "user_id": "u1"},
        {**good, "exposure_id": "2"},
        {**good, "exposure_id": "3", "user_id": "u1", "variant": None},
    ]
    world.land("flags/a.jsonl", "\n".join(json.dumps(row) for row in rows))

    assert world.one().reasons == {"no_unit": 1, "no_variant": 1}
    assert world.rows("select flag, variant, exposed_at::varchar from lake.exposures") == [
        ("f", "on", "2026-11-01 10:00:00")
    ]


def test_lake_columns_have_the_declared_types(events, event):
    events.land("events/a.jsonl", event(1))
    events.ingest()

    found = events.rows("select column_name, column_type from (describe lake.events)")
    empty = events.rows("select column_name, column_type from (describe lake.exposures)")

    assert found == [
        ("event_id", "VARCHAR"),
        ("event_name", "VARCHAR"),
        ("occurred_at", "TIMESTAMP"),
        ("received_at", "TIMESTAMP"),
        ("user_id", "VARCHAR"),
        ("anonymous_id", "VARCHAR"),
        ("session_id", "VARCHAR"),
        ("app_version", "VARCHAR"),
        ("properties", "VARCHAR"),
        ("clock_status", "VARCHAR"),
        ("source", "VARCHAR"),
        ("batch_id", "VARCHAR"),
        ("event_hash", "UBIGINT"),
        ("event_on", "DATE"),
    ]
    assert empty[-2:] == [("event_hash", "UBIGINT"), ("exposed_on", "DATE")]


def _clocks(events, event, **given):
    events.land("events/a.jsonl", event(1, **given))
    events.ingest()
    return events.rows("select occurred_at::varchar, clock_status from lake.events")


def test_a_wrong_clock_is_put_right_by_the_times_of_sending_and_receipt(events, event):
    found = _clocks(
        events,
        event,
        occurred_at="2026-11-01T08:00:00Z",
        sent_at="2026-11-01T08:00:10Z",
        received_at="2026-11-01T10:00:10Z",
    )

    assert found == [("2026-11-01 10:00:00", "corrected")]


def test_a_delay_of_the_network_is_no_wrong_clock(events, event):
    found = _clocks(
        events,
        event,
        occurred_at="2026-11-01T10:00:00Z",
        sent_at="2026-11-01T10:00:10Z",
        received_at="2026-11-01T10:01:00Z",
    )

    assert found == [("2026-11-01 10:00:00", None)]


def test_a_time_ahead_of_its_receipt_is_marked_within_a_day_and_refused_beyond(events, event):
    events.land(
        "events/a.jsonl",
        event(1, occurred_at="2026-11-01T22:00:00Z", received_at="2026-11-01T10:00:00Z")
        + event(2, occurred_at="2026-11-02T11:00:00Z", received_at="2026-11-01T10:00:00Z"),
    )

    events.ingest()

    assert events.rows("select event_id, clock_status from lake.events") == [("e1", "ahead")]
    assert events.refused() == [(2, "future_time")]


def test_a_retry_with_another_skew_is_a_duplicate(events, event):
    sent = {"occurred_at": "2026-11-01T08:00:00Z", "sent_at": "2026-11-01T08:00:10Z"}
    first = event(1, **sent, received_at="2026-11-01T10:00:10Z")
    retry = event(
        1, **{**sent, "sent_at": "2026-11-01T08:00:40Z"}, received_at="2026-11-01T10:00:45Z"
    )
    events.land("events/a.jsonl", first + retry)

    account = events.one()

    assert (account.accepted, account.duplicate, account.conflict) == (1, 1, 0)


def test_a_sending_time_that_is_none_is_refused(events, event):
    events.land("events/a.jsonl", event(1, sent_at="soon", received_at="2026-11-01T10:00:00Z"))

    events.ingest()

    assert events.refused() == [(1, "bad_time")]
