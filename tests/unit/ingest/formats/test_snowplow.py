import csv
import io

import pyarrow as pa
import pyarrow.parquet as pq

FIELDS = (
    *("app_id", "platform", "collector_tstamp", "dvce_created_tstamp", "dvce_sent_tstamp"),
    *("event", "event_id", "user_id", "domain_userid", "domain_sessionid", "network_userid"),
    *("geo_country", "geo_latitude", "br_cookies", "derived_tstamp", "event_name", "useragent"),
    *("true_tstamp", "contexts_com_snowplowanalytics_snowplow_web_page_1"),
    *("unstruct_event_com_acme_search_1_0_0", "contexts_com_iab_snowplow_spiders_and_robots_1"),
)
PAGE = {
    "platform": "web",
    "collector_tstamp": "2026-11-01 10:00:01.000",
    "dvce_created_tstamp": "2026-11-01 09:00:00.000",
    "dvce_sent_tstamp": "2026-11-01 09:00:01.000",
    "event": "page_view",
    "event_id": "e1",
    "domain_userid": "d1",
    "domain_sessionid": "s1",
    "network_userid": "n1",
    "geo_country": "DE",
    "geo_latitude": "52.5",
    "br_cookies": "true",
    "derived_tstamp": "2026-11-01 10:00:00.000",
    "event_name": "page_view",
    "contexts_com_snowplowanalytics_snowplow_web_page_1": '[{"id":"pv1"}]',
}
SEARCH = {
    **PAGE,
    "event": "unstruct",
    "event_id": "e2",
    "event_name": "search",
    "user_id": "u1",
    "derived_tstamp": "2026-11-01 10:00:02 UTC",
    "unstruct_event_com_acme_search_1_0_0": '[{"clicked":true,"platform":"kiosk"}]',
}
SERVER = {
    "collector_tstamp": "2026-11-01 10:00:03",
    "event": "struct",
    "event_id": "e3",
    "network_userid": "n1",
    "event_name": "event",
    "true_tstamp": "2026-11-01 10:00:02.500",
    "derived_tstamp": "2026-11-01 10:00:09",
}
BOT = {
    **PAGE,
    "event_id": "e4",
    "derived_tstamp": None,
    "contexts_com_iab_snowplow_spiders_and_robots_1": '[{"spiderOrRobot":true}]',
}


def table(*rows, delimiter=","):
    """A table with a header, as a warehouse unloads it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: row.get(name) or "" for name in FIELDS} for row in rows)
    return text.getvalue()


EXPECTED = [
    ("e1", "page_view", "2026-11-01 10:00:00", "2026-11-01 10:00:01", None, "d1", "s1", None),
    ("e4", "page_view", "2026-11-01 10:00:01", "2026-11-01 10:00:01", None, "d1", "s1", None),
    ("e2", "search", "2026-11-01 10:00:02", "2026-11-01 10:00:01", "u1", "d1", "s1", None),
    ("e3", "event", "2026-11-01 10:00:02.5", "2026-11-01 10:00:03", None, "n1", None, None),
]


def test_csv_tsv_and_parquet_of_a_table_give_the_same_events(source):
    snowplow = source("snowplow", more="timezone: Asia/Tokyo\n")
    rows = (PAGE, SEARCH, SERVER, BOT)
    parquet = io.BytesIO()
    schema = pa.schema([(name, pa.string()) for name in FIELDS])
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), parquet)

    as_csv = snowplow.take(text=table(*rows), name="a.csv")
    found = snowplow.rows()
    as_tsv = snowplow.take(text=table(*rows, delimiter="\t"), name="b.tsv.gz")
    as_parquet = snowplow.take(text=parquet.getvalue(), name="c.parquet")

    assert found == EXPECTED
    assert (as_csv.accepted, as_tsv.duplicate, as_parquet.duplicate) == (4, 4, 4)
    assert snowplow.rows() == EXPECTED


def test_atomic_fields_entities_and_the_events_own_data_are_properties(source):
    snowplow = source("snowplow")

    snowplow.take(text=table(PAGE, SEARCH, SERVER, BOT), name="a.csv")

    found = snowplow.properties()
    assert found["e1"] == {
        "page_view_id": "pv1",
        "country": "DE",
        "entities": {"contexts_com_snowplowanalytics_snowplow_web_page_1": [{"id": "pv1"}]},
        "geo_latitude": 52.5,
        "br_cookies": True,
        **{
            name: PAGE[name]
            for name in FIELDS[:17]
            if name in PAGE
            and name
            not in (
                "event_id",
                "event_name",
                "domain_userid",
                "domain_sessionid",
                "geo_latitude",
                "br_cookies",
            )
        },
    }
    assert (found["e2"]["clicked"], found["e2"]["platform"]) == (True, "kiosk")
    assert found["e4"]["is_bot"] is True
    assert "is_bot" not in found["e1"]


def test_a_broken_row_is_refused_and_its_neighbours_stay(source):
    snowplow = source("snowplow")
    entity = "contexts_com_snowplowanalytics_snowplow_web_page_1"
    rows = (
        PAGE,
        {**PAGE, "event_id": ""},
        {**PAGE, "event_id": "e5", "domain_userid": None, "network_userid": None},
        {**PAGE, "event_id": "e6", entity: "[{"},
        {**PAGE, "event_id": "e7", "unstruct_event_com_acme_search_1_0_0": "text"},
        {**PAGE, "event_id": "e8", "derived_tstamp": "soon"},
        SEARCH,
    )

    account = snowplow.take(text=table(*rows) + "too,few\n" + table(SERVER).split("\n")[1])

    assert account.accepted == 3
    assert snowplow.refused() == [
        *((3, "no_id"), (4, "no_unit"), (5, "bad_properties"), (6, "bad_properties")),
        *((7, "bad_time"), (9, "field_count")),
    ]


def test_no_value_of_any_field_ends_the_run(source, wrong_texts):
    rows = [{**SEARCH, name: text} for name in FIELDS for text in wrong_texts]

    account = source("snowplow").take(text=table(*rows), name="a.csv")

    assert account.rows_in == len(rows)


# What snowplow/dbt-snowplow-web counts: by event id the first to reach the collector; neither sent
# more than three days after it was made nor received more than three days after its session began.
COUNTED = """
with events as (
    select
        *, json_extract_string(properties, '$.page_view_id') as page_view_id,
        min(received_at) over (partition by session_id) as began_at
    from lake.events
    where cast(json_extract_string(properties, '$.dvce_sent_tstamp') as timestamp)
        <= cast(json_extract_string(properties, '$.dvce_created_tstamp') as timestamp)
        + interval 3 day
        and json_extract(properties, '$.is_bot') is null
),
visits as (
    select *, first_value(anonymous_id) over (partition by session_id order by received_at) as unit
    from events
    where received_at <= began_at + interval 3 day and page_view_id is not null
        and event_name in ('page_view', 'page_ping') and session_id is not null
)
select
    count(distinct page_view_id) filter (event_name = 'page_view'),
    count(distinct session_id),
    count(distinct unit) filter (
        unit <> json_extract_string(properties, '$.network_userid')
    )
from visits
"""


def test_snowplows_own_events_give_snowplows_own_page_views_sessions_and_users(source, real_data):
    snowplow = source("snowplow")
    text = (real_data / "snowplow_web" / "snowplow_web_events.csv").read_bytes()

    first = snowplow.take(text=text, name="a.csv")
    again = snowplow.take(text=text + b"\n", name="b.csv")

    # three event ids came twice, with another time each
    assert (first.rows_in, first.accepted, first.reasons) == (160, 157, {"conflict": 3})
    assert (again.accepted, again.duplicate, again.conflict) == (0, 157, 3)
    assert snowplow.world.rows(COUNTED) == [(43, 18, 11)]
