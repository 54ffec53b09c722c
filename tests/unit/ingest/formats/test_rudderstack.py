CAMEL = {
    "messageId": "m1",
    "rudderId": "r1",
    "type": "track",
    "event": "Order Completed",
    "channel": "web",
    "originalTimestamp": "2026-11-01T10:00:00.000Z",
    "sentAt": "2026-11-01T10:00:00.500Z",
    "receivedAt": "2026-11-01T10:00:01.000Z",
    "timestamp": "2026-11-01T10:00:00.500Z",
    "request_ip": "203.0.113.9",
    "anonymousId": "a1",
    "userId": "",
    "context": {"sessionId": 1761990000, "page": {"url": "https://shop.example/"}},
    "properties": {"total": 1},
    "integrations": {"All": True},
}
SNAKE = {
    "message_id": "m2",
    "type": "track",
    "event": "order_completed",
    "event_text": "Order Completed",
    "original_timestamp": "2026-11-01T10:00:02Z",
    "sent_at": "2026-11-01T09:00:02Z",
    "received_at": "2026-11-01T10:00:02Z",
    "anonymous_id": "a1",
    "user_id": "u1",
    "properties": {"total": 2},
}
SCREEN = {**CAMEL, "messageId": "m3", "type": "screen", "event": None, "name": "Home"}
GROUP = {
    **SNAKE,
    "message_id": "m4",
    "type": "group",
    "event": None,
    "event_text": None,
    "group_id": "g1",
    "properties": None,
    "traits": {"size": 3},
}


def test_calls_in_camel_and_in_snake_case_become_the_same_events(source):
    rudderstack = source("rudderstack")

    account = rudderstack.take(CAMEL, SNAKE, SCREEN, GROUP)

    assert account.accepted == 4
    first, second = "2026-11-01 10:00:00.5", "2026-11-01 10:00:01"
    # the second client's clock is an hour behind: received at 10:00:02, sent at 09:00:02
    corrected, received = "2026-11-01 11:00:02", "2026-11-01 10:00:02"
    assert rudderstack.rows() == [
        ("m1", "Order Completed", first, second, None, "a1", "1761990000", None),
        ("m3", "screen", first, second, None, "a1", "1761990000", None),
        ("m2", "Order Completed", corrected, received, "u1", "a1", None, None),
        ("m4", "group", corrected, received, "u1", "a1", None, None),
    ]
    assert rudderstack.deliver_again() == (0, 4)


def test_what_rudderstack_adds_to_a_call_is_kept(source):
    rudderstack = source("rudderstack")

    rudderstack.take(CAMEL, GROUP)

    found = rudderstack.properties()
    assert found["m1"] == {
        "total": 1,
        "platform": "web",
        "rudderId": "r1",
        "request_ip": "203.0.113.9",
        "channel": "web",
        "context": CAMEL["context"],
    }
    assert found["m4"] == {"size": 3, "groupId": "g1"}


def test_a_broken_call_is_refused_and_its_neighbours_stay(source):
    rudderstack = source("rudderstack")

    account = rudderstack.take(
        CAMEL,
        {**SNAKE, "message_id": None},
        {**SNAKE, "type": None, "event_text": None, "event": None},
        "[]",
        SCREEN,
    )

    assert account.accepted == 2
    assert rudderstack.refused() == [(2, "no_id"), (3, "no_event_name"), (4, "not_an_object")]


def test_no_value_of_any_field_ends_the_run(source, wrong_values):
    records = wrong_values(CAMEL)

    account = source("rudderstack").take(*records)

    assert account.rows_in == len(records)
