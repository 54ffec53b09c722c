import json

ANONYMOUS = {
    "uuid": "01",
    "event": "$pageview",
    "distinct_id": "device-1",
    "person_id": "p1",
    "properties": {
        "$lib": "web",
        "$is_identified": False,
        "$device_id": "device-1",
        "$session_id": "s1",
        "$geoip_country_code": "DE",
        "$raw_user_agent": "Mozilla/5.0",
        "$current_url": "https://shop.example/",
    },
    "person_properties": {"plan": "free"},
    "elements_chain": "",
    "timestamp": "2026-11-01T10:00:00.123456Z",
    "created_at": "2026-11-01T10:00:01+00:00",
    "_inserted_at": "2026-11-01T10:00:09Z",
}
IDENTIFY = {
    **ANONYMOUS,
    "uuid": "02",
    "event": "$identify",
    "distinct_id": "u1",
    "timestamp": "2026-11-01T10:00:02Z",
    "properties": {
        "$anon_distinct_id": "device-1",
        "$device_id": "device-1",
        "$is_identified": True,
    },
}
KNOWN = {
    **ANONYMOUS,
    "uuid": "03",
    "event": "order",
    "distinct_id": "u1",
    "timestamp": "2026-11-01T10:00:03Z",
    # older exports hold properties as a text
    "properties": json.dumps(
        {
            "$lib": "posthog-ios",
            "$os_name": "iOS",
            "$app_version": "3.1",
            "$device_id": "device-1",
            "$is_identified": True,
        }
    ),
    "elements_chain": "button.buy",
}
SERVER = {
    "uuid": "04",
    "event": "invoice paid",
    "distinct_id": "u1",
    "timestamp": "2026-11-01T10:00:04Z",
    "properties": {"$lib": "posthog-python"},
}
ALIAS = {
    **SERVER,
    "uuid": "05",
    "event": "$create_alias",
    "timestamp": "2026-11-01T10:00:05Z",
    "properties": {"alias": "device-2"},
}
FLAG = {
    **ANONYMOUS,
    "uuid": "06",
    "event": "$feature_flag_called",
    "timestamp": "2026-11-01T10:00:06Z",
    "properties": {
        "$feature_flag": "new-search",
        "$feature_flag_response": "ranked",
        "$device_id": "device-1",
    },
}
BOOLEAN_FLAG = {
    **FLAG,
    "uuid": "07",
    "distinct_id": "u1",
    "timestamp": "2026-11-01T10:00:07Z",
    "properties": {"$feature_flag": "beta", "$feature_flag_response": True},
}


def test_events_before_and_after_a_person_is_known(source):
    posthog = source("posthog")

    account = posthog.take(ANONYMOUS, IDENTIFY, KNOWN, SERVER, ALIAS)

    assert account.accepted == 5
    at = "2026-11-01 10:00:0"
    assert posthog.rows() == [
        ("01", "$pageview", f"{at}0.123456", f"{at}1", None, "device-1", "s1", None),
        ("02", "$identify", f"{at}2", f"{at}1", "u1", "device-1", None, None),
        ("03", "order", f"{at}3", f"{at}1", "u1", None, None, "3.1"),
        ("04", "invoice paid", f"{at}4", None, "u1", None, None, None),
        ("05", "$create_alias", f"{at}5", None, "u1", "device-2", None, None),
    ]
    assert posthog.deliver_again() == (0, 5)


def test_a_merge_ties_the_person_that_stays_and_the_one_that_goes(source):
    posthog = source("posthog")

    posthog.take({**ALIAS, "event": "$merge_dangerously", "properties": {"alias": "u2"}})

    assert [row[4:6] for row in posthog.rows()] == [("u1", "u2")]


def test_properties_are_kept_and_complemented(source):
    posthog = source("posthog")

    posthog.take(ANONYMOUS, KNOWN)

    found = posthog.properties()
    assert found["01"] == {
        **ANONYMOUS["properties"],
        "platform": "web",
        "country": "DE",
        "plan": "free",
        "user_agent": "Mozilla/5.0",
        "person_id": "p1",
        "person_properties": {"plan": "free"},
    }
    assert (found["03"]["platform"], found["03"]["elements_chain"]) == ("ios", "button.buy")


def test_flag_calls_are_exposures_and_other_events_are_not(source):
    posthog = source("posthog", "exposures")

    account = posthog.take(ANONYMOUS, FLAG, BOOLEAN_FLAG, {**FLAG, "uuid": "08", "properties": {}})

    assert account.accepted == 2
    assert posthog.rows() == [
        ("06", "2026-11-01 10:00:06", "new-search", "ranked", None, "device-1"),
        ("07", "2026-11-01 10:00:07", "beta", "true", "u1", None),
    ]
    assert posthog.refused() == [(1, "not_selected"), (4, "no_flag")]
    assert posthog.deliver_again() == (0, 2)


def test_a_broken_event_is_refused_and_its_neighbours_stay(source):
    posthog = source("posthog")

    account = posthog.take(
        ANONYMOUS,
        {**SERVER, "uuid": None},
        {**SERVER, "uuid": "09", "distinct_id": None},
        {**SERVER, "uuid": "10", "properties": "{no json"},
        {**SERVER, "uuid": "11", "timestamp": None},
        SERVER,
    )

    assert account.accepted == 2
    assert posthog.refused() == [
        (2, "no_id"),
        (3, "no_unit"),
        (4, "bad_properties"),
        (5, "no_time"),
    ]


def test_no_value_of_any_field_ends_the_run(source, wrong_values):
    records = wrong_values(KNOWN)

    account = source("posthog").take(*records)

    assert account.rows_in == len(records)


def test_no_value_of_any_field_ends_the_run_of_exposures(source, wrong_values):
    records = wrong_values(FLAG)

    account = source("posthog", "exposures").take(*records)

    assert account.rows_in == len(records)
