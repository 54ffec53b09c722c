EVENT = {
    "$insert_id": "i1",
    "uuid": "01",
    "event_type": "Search",
    "event_time": "2026-11-01 10:00:00.250000",
    "client_event_time": "2026-11-01 09:00:00.250000",
    "client_upload_time": "2026-11-01 09:00:01.000000",
    "server_received_time": "2026-11-01 10:00:01.000000",
    "server_upload_time": "2026-11-01 10:00:05.000000",
    "user_id": "u1",
    "device_id": "d1",
    "amplitude_id": 123456789012,
    "session_id": 1793613600000,
    "version_name": "3.1",
    "platform": "iOS",
    "country": "Germany",
    "os_version": "26.1",
    "event_properties": {"clicked": True},
    "user_properties": {"plan": "pro"},
    "plan": {"branch": "main"},
}
OUTSIDE = {
    **EVENT,
    "$insert_id": "i2",
    "session_id": -1,
    "user_id": None,
    "event_time": "2026-11-01 10:00:01.000000",
    "user_properties": {},
}
OTHER_DEVICE = {**EVENT, "device_id": "d2", "event_time": "2026-11-01 10:00:02.000000"}
WITHOUT_INSERT_ID = {
    **EVENT,
    "$insert_id": None,
    "uuid": "04",
    "event_time": "2026-11-01 10:00:03.000000",
}
UNCORRECTED = {**EVENT, "$insert_id": "i5", "event_time": None}


def test_rows_of_an_export_become_events(source):
    amplitude = source("amplitude", more="timezone: America/New_York\n")

    account = amplitude.take(EVENT, OUTSIDE, OTHER_DEVICE, WITHOUT_INSERT_ID, name="a.json.gz")

    assert account.accepted == 4
    received = "2026-11-01 10:00:01"
    session = "1793613600000"
    assert amplitude.rows() == [
        ("d1:i1", "Search", "2026-11-01 10:00:00.25", received, "u1", "d1", session, "3.1"),
        ("d1:i2", "Search", "2026-11-01 10:00:01", received, None, "d1", None, "3.1"),
        ("d2:i1", "Search", "2026-11-01 10:00:02", received, "u1", "d2", session, "3.1"),
        ("04", "Search", "2026-11-01 10:00:03", received, "u1", "d1", session, "3.1"),
    ]


def test_an_export_downloaded_again_adds_nothing(source):
    amplitude = source("amplitude")
    amplitude.take(EVENT, OUTSIDE)

    # an event that was sent again long after has another uuid, but its own insert id
    again = amplitude.take({**EVENT, "uuid": "99"}, OUTSIDE, name="b.jsonl")

    assert (again.accepted, again.duplicate) == (0, 2)


def test_a_time_that_amplitude_has_not_corrected_is_corrected(source):
    amplitude = source("amplitude")

    amplitude.take(UNCORRECTED)

    assert amplitude.rows()[0][2] == "2026-11-01 10:00:00.25"


def test_properties_of_user_and_device_are_kept(source):
    amplitude = source("amplitude")

    amplitude.take(EVENT)

    assert amplitude.properties() == {
        "d1:i1": {
            "clicked": True,
            "platform": "ios",
            "country": "Germany",
            "plan": "pro",
            "os_version": "26.1",
            "amplitude_id": 123456789012,
            "user_properties": {"plan": "pro"},
        }
    }


def test_a_broken_row_is_refused_and_its_neighbours_stay(source):
    amplitude = source("amplitude")

    account = amplitude.take(
        EVENT,
        {**EVENT, "$insert_id": None, "uuid": None},
        {**EVENT, "$insert_id": "i3", "event_type": ""},
        {**EVENT, "$insert_id": "i4", "event_time": "2026-13-01 10:00:00"},
        {**EVENT, "$insert_id": "i6", "event_time": "2026-11-01 10:00:00.250000"}.__repr__(),
        OUTSIDE,
    )

    assert account.accepted == 2
    assert amplitude.refused() == [
        *((2, "no_id"), (3, "no_event_name"), (4, "bad_time"), (5, "invalid_json")),
    ]


def test_no_value_of_any_field_ends_the_run(source, wrong_values):
    records = wrong_values(EVENT)

    account = source("amplitude").take(*records)

    assert account.rows_in == len(records)
