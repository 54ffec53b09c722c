import pytest

TRACK = {
    "messageId": "m1",
    "type": "track",
    "event": "Order Completed",
    "timestamp": "2026-11-01T10:00:00.000Z",
    "originalTimestamp": "2026-11-01T11:00:00.000Z",
    "sentAt": "2026-11-01T11:00:01.000Z",
    "receivedAt": "2026-11-01T10:00:01.000Z",
    "anonymousId": "a1",
    "context": {
        "app": {"version": "3.1"},
        "device": {"type": "iOS"},
        "campaign": {"name": "spring"},
        "location": {"country": "Germany"},
        "userAgent": "Mozilla/5.0",
        "traits": {"plan": "pro"},
    },
    "properties": {"total": 12.5, "coupon": None},
}
PAGE = {
    "messageId": "m2",
    "type": "page",
    "name": "Pricing",
    "timestamp": "2026-11-01T10:00:02.000Z",
    "userId": "u1",
    "anonymousId": "a1",
    "context": {"page": {"url": "https://shop.example/pricing"}, "sessionId": 17},
    "properties": {"path": "/pricing"},
}
IDENTIFY = {
    "messageId": "m3",
    "type": "identify",
    "timestamp": "2026-11-01T10:00:03.000Z",
    "userId": "u1",
    "anonymousId": "a1",
    "traits": {"plan": "free"},
}
GROUP = {
    "messageId": "m4",
    "type": "group",
    "timestamp": "2026-11-01T10:00:04.000Z",
    "userId": "u1",
    "groupId": "g1",
    "traits": {"seats": 9007199254740993},
}
ALIAS = {
    "messageId": "m5",
    "type": "alias",
    "timestamp": "2026-11-01T10:00:05.000Z",
    "userId": "u1",
    "previousId": "a0",
}


def test_calls_of_all_types_become_events(source):
    segment = source("segment")

    account = segment.take(TRACK, PAGE, IDENTIFY, GROUP, ALIAS)

    assert account.accepted == 5
    at = "2026-11-01 10:00:0"
    assert segment.rows() == [
        ("m1", "Order Completed", f"{at}0", f"{at}1", None, "a1", None, "3.1"),
        ("m2", "page", f"{at}2", None, "u1", "a1", "17", None),
        ("m3", "identify", f"{at}3", None, "u1", "a1", None, None),
        ("m4", "group", f"{at}4", None, "u1", None, None, None),
        ("m5", "alias", f"{at}5", None, "u1", "a0", None, None),
    ]
    assert segment.deliver_again() == (0, 5)


def test_the_context_is_kept_and_what_models_read_of_it_stands_beside_the_properties(source):
    segment = source("segment")

    segment.take(TRACK, PAGE, IDENTIFY, GROUP)

    assert segment.properties() == {
        "m1": {
            "total": 12.5,
            "coupon": None,
            "platform": "ios",
            "country": "Germany",
            "plan": "pro",
            "user_agent": "Mozilla/5.0",
            "context": TRACK["context"],
        },
        "m2": {
            "path": "/pricing",
            "name": "Pricing",
            "platform": "web",
            "context": PAGE["context"],
        },
        "m3": {"plan": "free"},
        "m4": {"seats": 9007199254740993, "groupId": "g1"},
    }


def test_a_property_of_the_event_itself_wins_over_the_context(source):
    segment = source("segment")

    segment.take({**TRACK, "properties": {"country": "France", "context": "checkout"}})

    found = segment.properties()["m1"]
    assert (found["country"], found["context"]) == ("France", "checkout")


def test_only_a_time_that_segment_has_not_corrected_is_corrected_here(source):
    segment = source("segment")

    segment.take(TRACK, {**TRACK, "messageId": "m6", "timestamp": None})

    # the client's clock is an hour ahead; both calls happened a second before they were received
    assert [row[2] for row in segment.rows()] == ["2026-11-01 10:00:00"] * 2
    found = segment.world.rows("select event_id, clock_status from lake.events order by 1")
    assert found == [("m1", None), ("m6", "corrected")]


def test_a_broken_call_is_refused_and_its_neighbours_stay(source):
    segment = source("segment")

    account = segment.take(
        TRACK,
        {**PAGE, "messageId": None},
        {**PAGE, "messageId": "m7", "properties": ["no", "object"]},
        {**PAGE, "messageId": "m8", "userId": None, "anonymousId": None},
        {**PAGE, "messageId": "m9", "timestamp": "yesterday"},
        '{"messageId": "m10", ',
        {**PAGE, "messageId": "m11", "context": "no object", "timestamp": "2026-11-01T12:00:00Z"},
        PAGE,
    )

    assert account.accepted == 2
    assert segment.refused() == [
        (2, "no_id"),
        (3, "bad_properties"),
        (4, "no_unit"),
        (5, "bad_time"),
        (6, "invalid_json"),
        (7, "bad_properties"),
    ]


def test_no_value_of_any_field_ends_the_run(source, wrong_values):
    records = wrong_values(TRACK)

    account = source("segment").take(*records)

    assert account.rows_in == len(records)


@pytest.mark.parametrize("context", ["-Infinity", '1,"plan":"pro","amount":9', "NaN"])
@pytest.mark.parametrize("neighbour", [{}, {"name": "a \\ b"}])
def test_a_context_that_is_a_text_adds_nothing_whatever_stands_beside(source, context, neighbour):
    odd = {**PAGE, "messageId": "m2", "context": context, "timestamp": "2026-11-01T12:00:00Z"}
    segment = source("segment")

    account = segment.take(odd, {**PAGE, **neighbour})

    assert account.accepted == 1
    assert segment.refused() == [(1, "bad_properties")]
