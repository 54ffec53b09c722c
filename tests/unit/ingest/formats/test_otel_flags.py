import json

from landed.ingest.formats import otel_flags
from landed.ingest.formats.records import KEPT_BYTES

AT = 1793527200000000000  # 2026-11-01 10:00:00 UTC, in nanoseconds
FLATTENED = {
    "timeUnixNano": str(AT),
    "observedTimeUnixNano": str(AT + 500_000_000),
    "eventName": "feature_flag.evaluation",
    "attributes": {
        "feature_flag.key": "new-search",
        "feature_flag.result.variant": "ranked",
        "feature_flag.provider.name": "flagd",
        "feature_flag.context.id": "u1",
        "session.id": "s1",
    },
    "resource": {"attributes": {"service.name": "shop", "service.version": "3.1"}},
    "traceId": "5b8efff798038103d269b633813fc60c",
    "spanId": "eee19b7ec3c1b174",
}
OLD = {
    "timestamp": "2026-11-01T10:00:01.000000Z",
    "name": "feature_flag",
    "attributes": [
        {"key": "feature_flag.key", "value": {"stringValue": "new-search"}},
        {"key": "feature_flag.variant", "value": {"stringValue": "control"}},
        {"key": "feature_flag.provider_name", "value": {"stringValue": "flagd"}},
        {"key": "user.id", "value": {"stringValue": "u2"}},
        {"key": "feature_flag.context.id", "value": {"stringValue": "device-2"}},
        {"key": "retries", "value": {"intValue": "9007199254740993"}},
        {"key": "tags", "value": {"arrayValue": {"values": [{"boolValue": True}, {}]}}},
    ],
}
WITHOUT_VARIANT = {
    "Timestamp": "2026-11-01T10:00:02Z",
    "EventName": "feature_flag.evaluation",
    "LogAttributes": {
        "feature_flag.key": "beta",
        "feature_flag.result.value": True,
        "enduser.id": "u3",
    },
}


def record(seconds, key="new-search", variant="ranked", unit="u1"):
    """A log record of OTLP's JSON, whose spacing is its own."""
    attributes = {
        "feature_flag.key": key,
        "feature_flag.result.variant": variant,
        "feature_flag.context.id": unit,
    }
    return json.dumps(
        {
            "timeUnixNano": "0",
            "observedTimeUnixNano": str(AT + seconds * 1_000_000_000),
            "eventName": "feature_flag.evaluation",
            "attributes": [
                {"key": name, "value": {"stringValue": value}} for name, value in attributes.items()
            ],
        },
        separators=(" , ", " : "),
    )


def request(*records, resource='{"attributes": []}'):
    scope = '{"name": "openfeature \\u00fc ü"}'
    logs = ", ".join(records)
    return (
        f'{{"resourceLogs": [ {{"resource": {resource}, "scopeLogs":[{{"scope": {scope},'
        f' "logRecords": [{logs}]}}]}} ]}}'
    )


def test_old_and_new_attributes_give_the_same_exposures(source):
    otel = source("otel_flags", "exposures")

    account = otel.take(FLATTENED, OLD, WITHOUT_VARIANT, {**FLATTENED, "timeUnixNano": "0"})

    assert account.accepted == 4
    at = "2026-11-01 10:00:0"
    assert [row[1:] for row in otel.rows()] == [
        (f"{at}0", "new-search", "ranked", "u1", None),
        (f"{at}0.5", "new-search", "ranked", "u1", None),
        (f"{at}1", "new-search", "control", "u2", "device-2"),
        (f"{at}2", "beta", "true", "u3", None),
    ]
    assert otel.deliver_again() == (0, 4)


def test_the_same_records_are_events_that_models_know(source):
    otel = source("otel_flags")

    account = otel.take(FLATTENED, OLD, {**OLD, "name": None, "event_name": None}, WITHOUT_VARIANT)

    # without its name the second record is the same one
    assert (account.accepted, account.duplicate) == (3, 1)
    at = "2026-11-01 10:00:0"
    assert [row[1:] for row in otel.rows()] == [
        ("feature_flag.evaluation", f"{at}0", f"{at}0.5", "u1", None, "s1", "3.1"),
        ("feature_flag.evaluation", f"{at}1", None, "u2", "device-2", None, None),
        ("feature_flag.evaluation", f"{at}2", None, "u3", None, None, None),
    ]
    found = {one["feature_flag.key"] + str(len(one)): one for one in otel.properties().values()}
    assert found["new-search8"] == {
        **FLATTENED["attributes"],
        "resource": {"service.name": "shop", "service.version": "3.1"},
        "trace_id": FLATTENED["traceId"],
        "span_id": FLATTENED["spanId"],
    }
    assert found["new-search7"]["retries"] == 9007199254740993
    assert found["new-search7"]["tags"] == [True, None]


def test_each_record_of_a_request_is_a_record_with_its_own_text_and_place(source):
    otel = source("otel_flags", "exposures")
    refused = record(1, variant="")
    line = request(record(0), refused, record(2, unit="ü"))
    resource = '{"attributes": [{"key": "service.version", "value": {"stringValue": "3.1"}}]}'
    first = "\n" + request(record(9, unit="u9"), resource=resource) + "\n"

    account = otel.take(text=first + line + "\n" + '{"resourceLogs": []}\n')

    assert (account.rows_in, account.accepted) == (4, 3)
    assert sorted(row[4] for row in otel.rows()) == ["u1", "u9", "ü"]
    (found,) = otel.world.quarantine("app")
    at = len((first + line).encode()[: (first + line).encode().index(refused.encode())])
    assert (found["line"], found["byte_offset"], found["reason"]) == (3, at, "no_variant")
    assert found["raw"] == (
        '{"resourceLogs":[{"resource":{"attributes": []},"scopeLogs":[{"scope":'
        f'{{"name": "openfeature \\u00fc ü"}},"logRecords":[{refused}]}}]}}]}}'
    )
    resources = [one.get("resource") for one in otel.properties().values()]
    assert {"service.version": "3.1"} in resources
    assert otel.deliver_again() == (0, 3)


def test_a_request_of_a_megabyte_that_stands_for_gigabytes_costs_itself_only(source):
    otel = source("otel_flags", "exposures")
    resources = '{"attributes": [], "text": "%s"}' % ("x" * 300_000)
    records = request(*["{}"] * 100_000, resource=resources)
    scopes = ", ".join(['{"logRecords": [{}]}'] * 25_000)
    scopes = f'{{"resourceLogs": [{{"resource": {resources}, "scopeLogs": [{scopes}]}}]}}'
    lines = [records, request(record(0)), scopes, request(record(1))]
    assert max(map(len, lines)) < 1_000_000

    account = otel.take(text="\n".join(lines))

    assert (account.rows_in, account.accepted) == (4, 2)
    assert otel.refused() == [(1, "too_long"), (3, "too_long")]
    assert {len(row["raw"]) for row in otel.world.quarantine("app")} == {KEPT_BYTES}


def test_a_request_of_which_one_record_nests_too_deep_is_refused_whole(source, monkeypatch):
    otel = source("otel_flags", "exposures")
    flattened = otel_flags._flattened

    def fails_at_deep(given, around):
        if "deep" in given:
            raise RecursionError
        return flattened(given, around)

    monkeypatch.setattr(otel_flags, "_flattened", fails_at_deep)

    account = otel.take(
        text="\n".join([request(record(0)), request(record(1), '{"deep": 1}'), request(record(2))])
    )

    assert (account.rows_in, account.accepted) == (3, 2)
    assert otel.refused() == [(2, "invalid_json")]


def test_many_records_of_a_file_are_handed_on_in_parts(source, monkeypatch):
    otel = source("otel_flags", "exposures")
    monkeypatch.setattr(otel_flags, "PART_TEXT", 1_000)

    account = otel.take(text="".join(request(record(n), record(9 + n)) + "\n" for n in range(9)))

    assert (account.rows_in, account.accepted) == (18, 18)
    assert otel.deliver_again() == (0, 18)


def test_broken_lines_and_other_logs_are_refused_and_their_neighbours_stay(source):
    otel = source("otel_flags", "exposures")

    account = otel.take(
        FLATTENED,
        '{"resourceLogs": [{"scopeLogs": {"logRecords": []}}]}',
        '{"resourceLogs": [{"scopeLogs": [{"logRecords": ["text"]}]}]}',
        '{"resourceLogs": [',
        '{"attributes": {"a": 1, "a": 2}}',
        {**FLATTENED, "attributes": [{"key": "a", "value": {}}], "eventName": "other"},
        {**FLATTENED, "attributes": {"feature_flag.key": "a", "feature_flag.variant": "b"}},
        {**FLATTENED, "timeUnixNano": "soon"},
        "[]",
        OLD,
    )

    assert account.accepted == 2
    assert otel.refused() == [
        *((2, "not_an_object"), (3, "not_an_object"), (4, "invalid_json"), (5, "no_flag")),
        *((6, "no_flag"), (7, "no_unit"), (8, "bad_time"), (9, "not_an_object")),
    ]


def test_no_value_of_any_field_ends_the_run_of_exposures(source, wrong_values):
    records = wrong_values(OLD)

    account = source("otel_flags", "exposures").take(*records)

    assert account.rows_in == len(records)


def test_no_value_of_any_field_ends_the_run(source, wrong_values):
    records = wrong_values(FLATTENED)

    account = source("otel_flags").take(*records)

    assert account.rows_in == len(records)
