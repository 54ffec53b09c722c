import io
import json

import pyarrow as pa
import pyarrow.parquet as pq

#: 2026-11-01 10:00:00.123456 UTC, in microseconds
AT = 1793527200123456


def export(rows, codec="zstd"):
    """A batch export: times of microseconds without a zone, properties as text."""
    found = io.BytesIO()
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("uuid", "event", "distinct_id", "person_id")),
            *((name, pa.string()) for name in ("properties", "person_properties")),
            *((name, pa.timestamp("us")) for name in ("timestamp", "created_at", "_inserted_at")),
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), found, compression=codec)
    return found.getvalue()


def row(uuid, **changes):
    return {
        "uuid": uuid,
        "event": "$pageview",
        "distinct_id": "u1",
        "person_id": "p1",
        "properties": json.dumps({"$is_identified": True, "$session_id": "s1", "big": 2**60}),
        "person_properties": "{}",
        "timestamp": AT,
        "created_at": AT + 876_544,
        **changes,
    }


FLAG = json.dumps({"$feature_flag": "new-search", "$feature_flag_response": "control"})


def test_rows_become_events_whatever_zone_the_source_has(source):
    posthog = source("posthog_parquet", more="timezone: Europe/Berlin\n")

    account = posthog.take(
        text=export([row("01"), row("02", distinct_id="u2"), row("03"), row("04")]),
        name="a.parquet.zst",
    )

    assert account.accepted == 4
    at = ("2026-11-01 10:00:00.123456", "2026-11-01 10:00:01")
    assert posthog.rows("event_id in ('01', '02')") == [
        ("01", "$pageview", *at, "u1", None, "s1", None),
        ("02", "$pageview", *at, "u2", None, "s1", None),
    ]
    assert posthog.properties()["01"]["big"] == 2**60


def test_the_same_rows_in_another_file_are_repeats(source):
    posthog = source("posthog_parquet")
    posthog.take(text=export([row("01"), row("02")]), name="a.parquet")

    again = posthog.take(text=export([row("02"), row("01")], "gzip"), name="b.parquet")

    assert (again.rows_in, again.accepted, again.duplicate) == (2, 0, 2)


def test_flag_calls_are_exposures(source):
    posthog = source("posthog_parquet", "exposures")

    posthog.take(
        text=export([row("01"), row("02", event="$feature_flag_called", properties=FLAG)]),
        name="a.parquet",
    )

    assert posthog.rows() == [
        ("02", "2026-11-01 10:00:00.123456", "new-search", "control", "u1", None)
    ]
    assert posthog.refused() == [(1, "not_selected")]


def test_broken_rows_and_a_broken_file_are_refused_and_their_neighbours_stay(source):
    posthog = source("posthog_parquet")
    rows = [row("01"), row(None), row("03", properties="{no json"), row("04", timestamp=None)]
    posthog.world.land("in/b.parquet", export([row("05")])[:-20])

    account = posthog.take(text=export(rows), name="a.parquet")

    assert account.accepted == 1
    assert posthog.refused() == [
        *((2, "no_id"), (3, "bad_properties"), (4, "no_time")),
        (1, "unreadable_file"),
    ]
