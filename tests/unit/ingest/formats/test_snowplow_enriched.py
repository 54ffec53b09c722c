import csv
import json
import re

from landed.ingest.formats.snowplow_fields import ENRICHED

WEB_PAGE = "iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0"
SPIDERS = "iglu:com.iab.snowplow/spiders_and_robots/jsonschema/1-0-0"
CONTEXTS = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1"
UNSTRUCT = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
PAGE = {
    "platform": "web",
    "collector_tstamp": "2026-11-01 10:00:01.000",
    "event": "page_view",
    "event_id": "e1",
    "domain_userid": "d1",
    "domain_sessionid": "s1",
    "domain_sessionidx": "3",
    "br_cookies": "1",
    "dvce_ismobile": "0",
    "page_title": 'A "quoted, title',
    "derived_tstamp": "2026-11-01 10:00:00.000",
    "event_name": "page_view",
    "contexts": json.dumps(
        {"schema": CONTEXTS, "data": [{"schema": WEB_PAGE, "data": {"id": "pv1"}}]}
    ),
    "derived_contexts": json.dumps(
        {
            "schema": CONTEXTS,
            "data": [
                {"schema": "iglu:org.acme/uaParser/jsonschema/2-1-0", "data": {"family": "Mac"}}
            ],
        }
    ),
}
SEARCH = {
    **PAGE,
    "event": "unstruct",
    "event_id": "e2",
    "event_name": "search",
    "user_id": "u1",
    "derived_tstamp": "2026-11-01 10:00:02.000",
    "contexts": "",
    "derived_contexts": "",
    "unstruct_event": json.dumps(
        {
            "schema": UNSTRUCT,
            "data": {"schema": "iglu:com.acme/search/jsonschema/1-0-0", "data": {"clicked": True}},
        }
    ),
}
MOBILE = {
    **SEARCH,
    "event_id": "e3",
    "platform": "mob",
    "domain_userid": "",
    "domain_sessionid": "",
    "user_id": "",
    "derived_tstamp": "2026-11-01 10:00:03.000",
    "contexts": json.dumps(
        {
            "schema": CONTEXTS,
            "data": [
                {
                    "schema": "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2",
                    "data": {"userId": "phone-1", "sessionId": "visit-1"},
                },
                {
                    "schema": "iglu:com.snowplowanalytics.mobile/application/jsonschema/1-0-0",
                    "data": {"version": "3.1"},
                },
            ],
        }
    ),
}
BOT = {
    **PAGE,
    "event_id": "e4",
    "derived_tstamp": "2026-11-01 10:00:04.000",
    "contexts": json.dumps(
        {"schema": CONTEXTS, "data": [{"schema": SPIDERS, "data": {"spiderOrRobot": True}}]}
    ),
}


def lines(*rows):
    return "".join("\t".join(row.get(name) or "" for name in ENRICHED) + "\n" for row in rows)


def test_lines_become_events(source):
    snowplow = source("snowplow_enriched")

    account = snowplow.take(text=lines(PAGE, SEARCH, MOBILE, BOT), name="part-00000.gz")

    assert account.accepted == 4
    at = "2026-11-01 10:00:0"
    assert snowplow.rows() == [
        ("e1", "page_view", f"{at}0", f"{at}1", None, "d1", "s1", None),
        ("e2", "search", f"{at}2", f"{at}1", "u1", "d1", "s1", None),
        ("e3", "search", f"{at}3", f"{at}1", None, "phone-1", "visit-1", "3.1"),
        ("e4", "page_view", f"{at}4", f"{at}1", None, "d1", "s1", None),
    ]


def test_the_same_lines_again_add_nothing(source):
    snowplow = source("snowplow_enriched")
    snowplow.take(text=lines(PAGE, SEARCH))

    again = snowplow.take(text=lines(SEARCH, PAGE), name="b.tsv")

    assert (again.accepted, again.duplicate) == (0, 2)


def test_self_describing_json_is_named_as_loaders_name_its_columns(source):
    snowplow = source("snowplow_enriched")

    snowplow.take(text=lines(PAGE, SEARCH, BOT))

    found = snowplow.properties()
    assert found["e1"] == {
        "page_view_id": "pv1",
        "platform": "web",
        "collector_tstamp": "2026-11-01 10:00:01.000",
        "event": "page_view",
        "domain_sessionidx": 3,
        "page_title": 'A "quoted, title',
        "br_cookies": True,
        "dvce_ismobile": False,
        "derived_tstamp": "2026-11-01 10:00:00.000",
        "entities": {
            "contexts_com_snowplowanalytics_snowplow_web_page_1": [{"id": "pv1"}],
            "contexts_org_acme_ua_parser_2": [{"family": "Mac"}],
        },
    }
    assert found["e2"]["clicked"] is True
    assert found["e4"]["is_bot"] is True


def test_a_broken_line_is_refused_and_its_neighbours_stay(source):
    snowplow = source("snowplow_enriched")
    good = lines(PAGE)
    text = (
        good
        + good.replace("\t", "", 1)
        + lines({**PAGE, "event_id": "e5", "contexts": "{"})
        + lines({**PAGE, "event_id": "e6", "contexts": '{"data": [{"schema": "acme"}]}'})
        + lines({**PAGE, "event_id": "e7", "unstruct_event": '{"data": 1}'})
        + lines({**PAGE, "event_id": ""})
        + lines(SEARCH)
    )

    account = snowplow.take(text=text)

    assert account.accepted == 2
    assert snowplow.refused() == [
        *((2, "field_count"), (3, "bad_properties"), (4, "bad_properties")),
        *((5, "bad_properties"), (6, "no_id")),
    ]
    first = snowplow.world.quarantine("app")[0]
    assert (first["byte_offset"], first["raw"]) == (
        len(good),
        good.replace("\t", "", 1).rstrip("\n"),
    )


def test_no_value_of_any_field_ends_the_run(source, wrong_texts):
    rows = [{**SEARCH, name: text} for name in ENRICHED for text in wrong_texts]

    account = source("snowplow_enriched").take(text=lines(*rows))

    assert account.rows_in == len(rows)


VENDORS = "com_snowplowanalytics_snowplow|com_iab_snowplow|nl_basjes"


def enriched(row):
    """A row of an events table as the line that was loaded into it."""
    entities = []
    for name, text in row.items():
        if name.startswith("contexts_") and text:
            vendor, entity = re.fullmatch(rf"contexts_({VENDORS})_(.+)_1_0_0", name).groups()
            schema = f"iglu:{vendor.replace('_', '.')}/{entity}/jsonschema/1-0-0"
            entities += [{"schema": schema, "data": one} for one in json.loads(text)]
    for name, text in row.items():
        if name.startswith("unstruct_event_") and text:
            inner = {"schema": "iglu:com.acme/e/jsonschema/1-0-0", "data": json.loads(text)[0]}
            row = {**row, "unstruct_event": json.dumps({"schema": UNSTRUCT, "data": inner})}
    return {**row, "contexts": json.dumps({"schema": CONTEXTS, "data": entities})}


def test_snowplows_own_events_are_the_same_as_from_their_table(source, real_data):
    snowplow = source("snowplow_enriched")
    path = real_data / "snowplow_web" / "snowplow_web_events.csv"
    with path.open(newline="", encoding="utf-8") as opened:
        text = lines(*(enriched(row) for row in csv.DictReader(opened)))
    snowplow.world.source("table", f"kind: events\nformat: snowplow\npath: {path}\n")
    snowplow.world.land("in/a.tsv", text)

    accounts = {one.source: one for one in snowplow.world.ingest().accounts}

    assert (accounts["app"].accepted, accounts["table"].accepted) == (157, 157)
    different = snowplow.world.rows(
        """
        select count(*) from lake.events a join lake.events t using (event_id)
        where a.source = 'app' and t.source = 'table' and (
            a.occurred_at <> t.occurred_at or a.session_id is distinct from t.session_id
            or a.anonymous_id <> t.anonymous_id or a.event_name <> t.event_name
            or json_extract_string(a.properties, '$.page_view_id')
            is distinct from json_extract_string(t.properties, '$.page_view_id')
        )
        """
    )
    assert different == [(0,)]
