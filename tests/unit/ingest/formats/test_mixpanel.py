SECONDS = 1793527200  # 2026-11-01 10:00:00 on the project's wall clock


def event(name, insert_id, time=SECONDS, **properties):
    return {
        "event": name,
        "properties": {
            "time": time,
            "$insert_id": insert_id,
            "mp_processing_time_ms": 1793530801500,
            **properties,
        },
    }


DEVICE = event("Page View", "i1", distinct_id="$device:d1", **{"$device_id": "d1", "mp_lib": "web"})
KNOWN = event(
    "Order",
    "i1",
    distinct_id="u1",
    mp_country_code="DE",
    **{
        "$device_id": "d1",
        "$user_id": "u1",
        "$os": "iOS",
        "$app_version_string": "3.1",
        "$mp_api_timestamp_ms": 1793530800500,
    },
)
SERVER = event("Invoice", "i2", distinct_id="u1", time=SECONDS + 1.5)
IDENTIFY = event(
    "$identify",
    "i3",
    distinct_id="u1",
    time=SECONDS + 2,
    **{"$identified_id": "u1", "$anon_id": "$device:d1"},
)
MILLISECONDS = event("Order", "i4", distinct_id="u1", time=(SECONDS + 3) * 1000 + 250)


def test_lines_of_an_export_become_events(source):
    mixpanel = source("mixpanel")

    account = mixpanel.take(DEVICE, KNOWN, SERVER, IDENTIFY, MILLISECONDS)

    assert account.accepted == 5
    at, received = "2026-11-01 10:00:0", "2026-11-01 11:00:01.5"
    api = "2026-11-01 11:00:00.5"
    assert mixpanel.rows() == [
        (f"Order:{SECONDS}:i1", "Order", f"{at}0", api, "u1", "d1", None, "3.1"),
        (f"Page View:{SECONDS}:i1", "Page View", f"{at}0", received, None, "d1", None, None),
        (f"Invoice:{SECONDS + 1.5}:i2", "Invoice", f"{at}1.5", received, "u1", None, None, None),
        (f"$identify:{SECONDS + 2}:i3", "$identify", f"{at}2", received, "u1", "d1", None, None),
        (
            f"Order:{(SECONDS + 3) * 1000 + 250}:i4",
            "Order",
            f"{at}3.25",
            received,
            "u1",
            None,
            None,
            None,
        ),
    ]
    assert mixpanel.deliver_again() == (0, 5)


def test_a_merge_ties_the_two_ids_of_its_list(source):
    mixpanel = source("mixpanel")

    mixpanel.take(event("$merge", "i5", distinct_id="u1", **{"$distinct_ids": ["u1", "u2"]}))

    assert [row[4:6] for row in mixpanel.rows()] == [("u1", "u2")]


def test_seconds_are_the_wall_clock_of_the_zone_that_the_source_names(source):
    mixpanel = source("mixpanel", more="timezone: Europe/Berlin\n")

    mixpanel.take(SERVER)

    # receipt is UTC whatever the project's zone
    assert mixpanel.rows()[0][2:4] == ("2026-11-01 09:00:01.5", "2026-11-01 11:00:01.5")


def test_an_export_after_two_people_were_merged_adds_no_event(source):
    mixpanel = source("mixpanel")
    mixpanel.take(DEVICE)

    merged = {**DEVICE["properties"], "distinct_id": "u1"}
    again = mixpanel.take({**DEVICE, "properties": merged}, name="b.jsonl")

    # the event is the same one with another person: kept once, and shown in the quarantine
    assert (again.accepted, again.reasons) == (0, {"conflict": 1})


def test_properties_are_kept_and_complemented(source):
    mixpanel = source("mixpanel")

    mixpanel.take(DEVICE, KNOWN)

    found = mixpanel.properties()
    assert found[f"Page View:{SECONDS}:i1"] == {**DEVICE["properties"], "platform": "web"}
    assert found[f"Order:{SECONDS}:i1"]["platform"] == "ios"
    assert found[f"Order:{SECONDS}:i1"]["country"] == "DE"


def test_a_broken_line_is_refused_and_its_neighbours_stay(source):
    mixpanel = source("mixpanel")

    account = mixpanel.take(
        DEVICE,
        event("Order", None, distinct_id="u1"),
        event(None, "i5", distinct_id="u1"),
        event("Order", "i6", distinct_id="u1", time="soon"),
        event("Order", "i7", distinct_id="u1", time=20261101),
        event("Order", "i8"),
        {"event": "Order", "properties": "none"},
        SERVER,
    )

    assert account.accepted == 2
    assert mixpanel.refused() == [
        *((2, "no_id"), (3, "no_event_name"), (4, "bad_time"), (5, "bad_time"), (6, "no_unit")),
        (7, "no_id"),
    ]


def test_no_value_of_any_field_ends_the_run(source, wrong_values):
    records = wrong_values(KNOWN)

    account = source("mixpanel").take(*records)

    assert account.rows_in == len(records)
