"""Whatever the format: a refused record that is fed again gives the row it would have given."""

import csv
import io
import json
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from landed.documents import packaged_schema
from landed.ingest import Ledger, ingest
from landed.ingest.envelope import ENVELOPES
from landed.ingest.formats import selects
from landed.ingest.formats.snowplow_fields import ENRICHED
from landed.ingest.requeue import requeue
from landed.project import Home
from landed.settings import Settings

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SMALL = Settings(threads=2, memory_limit_mb=512)
AT = "2026-11-01T10:00:00Z"
NAIVE = datetime.fromisoformat("2026-11-01T10:00:00")
#: These belong to `kind: relation`, which reads no records.
OF_RELATIONS = {"postgres", "duckdb"}
FORMATS = sorted(
    {*packaged_schema("landed.ingest", "source")["properties"]["format"]["enum"]} - OF_RELATIONS
)
#: Selects of formats whose columns are the author's own.
OWN = dict.fromkeys(
    ("csv", "json", "jsonl", "parquet"),
    'select "id" as event_id, name as event_name, ts as occurred_at, who as user_id,'
    " json_object('n', n) as properties from raw",
)
OWN["typeform"] = (
    'select "Submit Date (UTC)" as given_at, \'survey\' as channel, "Rate us?" as rating,'
    ' "What is missing?" as text from raw'
)


def lines(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def parquet(rows):
    found = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), found)
    return found.getvalue()


GENERIC = [{"id": str(n), "name": "seen", "ts": AT, "who": f"ü{n}", "n": str(n)} for n in range(3)]
SEGMENT = {
    "messageId": "m1", "type": "track", "event": "Order", "timestamp": AT, "receivedAt": AT,
    "anonymousId": "a1", "context": {"app": {"version": "3.1"}}, "properties": {"total": 12.5},
}  # fmt: skip
POSTHOG = {
    "uuid": "01", "event": "order", "distinct_id": "u1", "person_id": "p1",
    "properties": json.dumps({"$is_identified": True, "$session_id": "s1"}),
    "person_properties": "{}", "timestamp": "2026-11-01T10:00:00.5Z", "created_at": AT,
}  # fmt: skip
FLAGGED = {
    **POSTHOG, "uuid": "02", "event": "$feature_flag_called",
    "properties": json.dumps({"$feature_flag": "new", "$feature_flag_response": "control"}),
}  # fmt: skip
ENRICHED_ROW = {
    "platform": "web", "collector_tstamp": "2026-11-01 10:00:01.000", "event": "page_view",
    "event_id": "e1", "user_id": "u1", "page_title": 'A "quoted, title', "event_name": "page_view",
    "derived_tstamp": "2026-11-01 10:00:00.000", "contexts": "", "unstruct_event": "",
}  # fmt: skip
SNOWPLOW = [name for name in ENRICHED_ROW if name not in ("contexts", "unstruct_event")]
MESSAGE = {"type": "message", "user": "U1", "text": "It &lt;hangs&gt;", "team": "T1"}
EVALUATION = {
    "timeUnixNano": "1793527200000000000", "eventName": "feature_flag.evaluation",
    "attributes": [
        {"key": "feature_flag.key", "value": {"stringValue": "new-search"}},
        {"key": "feature_flag.result.variant", "value": {"stringValue": "ranked"}},
        {"key": "feature_flag.context.id", "value": {"stringValue": "u1"}},
    ],
}  # fmt: skip
OTLP = {
    "resourceLogs": [
        {
            "resource": {
                "attributes": [{"key": "service.version", "value": {"stringValue": f"3.{n}"}}]
            },
            "scopeLogs": [
                {
                    "scope": {"name": "ü"},
                    "logRecords": [{**EVALUATION, "spanId": f"{one}{n}"} for one in "ab"],
                }
            ],
        }
        for n in range(2)
    ]
}
DEPLOYMENT = {
    "id": 7, "sha": "a84d88e7", "ref": "v1.2.0", "task": "deploy", "environment": "production",
    "description": "", "creator": {"login": "ann", "id": 1}, "created_at": AT, "updated_at": AT,
    "url": "https://api.github.com/repos/octo/shop/deployments/7",
    "statuses_url": "https://api.github.com/repos/octo/shop/deployments/7/statuses",
    "repository_url": "https://api.github.com/repos/octo/shop",
}  # fmt: skip
PLAY = (
    "Package Name,App Version Name,Review Submit Date and Time,Review Submit Millis Since Epoch,"
    "Review Last Update Date and Time,Review Last Update Millis Since Epoch,Star Rating,"
    "Review Title,Review Text,Review Link\n"
    f'com.shop,2.4.0,{AT},1793527200000,{AT},1793527200000,2,Naja,"Stürzt ab,\n""oft"" 😢",\n'
    f"com.shop,2.4.0,{AT},1793527200000,{AT},1793527200001,5,,Gut,\n"
)

#: Files of each format, by name, whose records are all good.
FILES = {
    "csv": {
        "a.csv": "id,name,ts,who,n\n" + f'1,"a\n""b""",{AT},u1,1\n' + f"2,c,{AT},u2,2\n",
        "b.csv": f"n,who,ts,name,id\n3,u3,{AT},d,3\n",
    },
    "json": {"a.json": json.dumps(GENERIC, indent=2)},
    "jsonl": {"a.jsonl": lines(*GENERIC)},
    "parquet": {"a.parquet": parquet(GENERIC)},
    "segment": {"a.json": lines(SEGMENT)},
    "rudderstack": {"a.json": lines({**SEGMENT, "originalTimestamp": AT, "sentAt": AT})},
    "posthog": {"a.jsonl": lines(POSTHOG, FLAGGED)},
    "posthog_parquet": {
        "a.parquet": parquet(
            [{**one, "timestamp": NAIVE, "created_at": None}
             for one in (POSTHOG, FLAGGED)]
        )
    },
    "snowplow": {
        "a.tsv": "\t".join(SNOWPLOW)
        + "\n" + "\t".join(ENRICHED_ROW[one].replace('"', "") for one in SNOWPLOW) + "\n",
        "b.csv": ",".join(SNOWPLOW)
        + "\n" + ",".join(ENRICHED_ROW[one].replace(",", "").replace('"', "").replace("e1", "e2")
                          for one in SNOWPLOW) + "\n",
    },
    "snowplow_enriched": {
        "a.tsv": "\t".join(ENRICHED_ROW.get(name, "") for name in ENRICHED) + "\n"
    },
    "amplitude": {
        "a.json": lines(
            {"uuid": "01", "event_type": "Search", "event_time": "2026-11-01 10:00:00.250000",
             "user_id": "u1", "device_id": "d1", "event_properties": {"clicked": True}}
        )
    },
    "mixpanel": {
        "a.json": lines(
            {"event": "Order", "properties": {"time": 1793527200, "$insert_id": "i1",
             "distinct_id": "u1", "$device_id": "d1", "$user_id": "u1"}}
        )
    },
    "otel_flags": {"a.jsonl": lines(OTLP, EVALUATION, {"resourceLogs": []})},
    "ga4": {
        "a.json": lines(
            {"event_timestamp": "1793527200123456", "event_name": "page_view",
             "event_params": [{"key": "ga_session_id", "value": {"int_value": "17"}}],
             "user_pseudo_id": "p1", "app_info": {"version": "3.1"}, "stream_id": "7"}
        )
    },
    "github_events": {
        "a.json": lines(
            {"id": "28", "type": "PushEvent", "actor": {"id": 1, "login": "ada"},
             "repo": {"id": 9, "name": "acme/shop"}, "payload": {"push_id": 9007199254740993},
             "created_at": AT}
        )
    },
    "app_store": {
        "page.json": json.dumps(
            {"data": [{"type": "customerReviews", "id": f"0{n}", "attributes": {
                "rating": 5, "title": "Läuft", "body": "nicht\nmehr", "createdDate": AT,
                "territory": "DEU"}} for n in range(2)],
             "links": {"self": "https://api.appstoreconnect.apple.com"}}, indent=2,
        )
    },
    "google_play": {"202609.csv": b"\xff\xfe" + PLAY.encode("utf-16-le")},
    "zendesk": {
        "page.json": json.dumps(
            {"tickets": [{"id": n, "created_at": AT, "subject": "Fire", "description": "Hot.",
                          "requester_id": 209, "status": "open", "via": {"channel": "web"}}
                         for n in range(2)], "count": 2}
        )
    },
    "intercom": {
        "page.json": json.dumps(
            {"type": "conversation.list", "conversations": [
                {"type": "conversation", "id": "19", "created_at": 1793527200, "source": {
                    "type": "conversation", "delivered_as": "customer_initiated", "subject": "",
                    "body": "<p>Hi, the <b>export</b> fails</p>",
                    "author": {"type": "user", "id": "5b"}},
                 "contacts": {"contacts": [{"id": "5b", "external_id": "u70"}]}}]}
        )
    },
    "typeform": {
        "a.csv": '#,Rate us?,"What is\nmissing?",Response Type,Submit Date (UTC)\n'
        'odw,9,"Exports,\n""big""",completed,2026-11-05 02:41:38\n'
        "zlv,0,,completed,2026-11-05 02:41:39\n"
    },
    "github_issues": {
        "page.json": json.dumps(
            [{"url": f"https://api.github.com/repos/octo/shop/issues/{n}", "id": n, "number": n,
              "title": "Hangs", "user": {"login": "ann", "id": 39, "type": "User"},
              "labels": [], "state": "open", "created_at": AT, "body": "With **big**\r\nfiles"}
             for n in range(2)], indent=2,
        )
    },
    "slack_export": {
        f"{channel}/2026-11-01.json": json.dumps(
            [{**MESSAGE, "ts": f"1793527200.00{n}"} for n in range(2)], indent=4
        )
        for channel in ("general", "help")
    },
    "github_releases": {
        "page.json": json.dumps(
            [{"url": "https://api.github.com/repos/octo/shop/releases/1", "id": 1,
              "html_url": "https://github.com/octo/shop/releases/v1", "tag_name": "v1",
              "name": "Version 1", "body": "* Faster", "draft": False, "prerelease": False,
              "created_at": AT, "published_at": AT}]
        )
    },
    "github_deployments": {"page.json": json.dumps([DEPLOYMENT])},
    "cdevents": {
        "a.json": lines(
            {"context": {"version": "0.4.1", "id": "27", "source": "/staging",
                         "type": "dev.cdevents.service.deployed.0.2.0", "timestamp": AT},
             "subject": {"id": "service/shop", "type": "service", "content": {
                 "environment": {"id": "production"}, "artifactId": "pkg:oci/shop@1.2.0"}}}
        )
    },
}  # fmt: skip
OWN_KINDS = {name: ("feedback" if name == "typeform" else "events",) for name in OWN}
PAIRS = [(name, kind) for name in FORMATS for kind in OWN_KINDS.get(name) or selects(name)]
#: One as most are, and those that take something from around: the file's folder, the request.
QUICK = {"segment", "otel_flags", "slack_export"}


def drawn(name: str, *kind: str) -> Any:
    """A format as a parameter; those that are not QUICK wait for the full run."""
    return pytest.param(name, *kind, marks=() if name in QUICK else pytest.mark.full)


def declare(world, name, kind, select=None):
    chosen = select or OWN.get(name)
    text = f"kind: {kind}\nformat: {name}\npath: in/**/*\n"
    # a select of no id of its own leaves it to the format
    world.source("app", text + (f"select: {json.dumps(chosen)}\n" if chosen else ""))


def land(world, name):
    for path, content in FILES[name].items():
        world.land(f"in/{path}", content)


def rows(world, kind):
    envelope = ENVELOPES[kind]
    columns = ", ".join(one for one in envelope.lake_columns if one != "batch_id")
    return world.rows(f"select {columns} from lake.{envelope.view} order by all")


@dataclass
class Direct:
    """One ingest of the files of a format into a home of its own."""

    world: Any
    home: Home

    def rows(self, name, kind):
        """What it gives; the same files wait in the home of the test."""
        declare(self.world, name, kind)
        land(self.world, name)
        self.home.root.mkdir()
        self.home.landing.symlink_to(self.world.home.landing, target_is_directory=True)
        ingest(self.world.project, self.home, SMALL, now=NOW)
        found = rows(self.other, kind)
        assert found
        return found

    @property
    def other(self):
        return replace(self.world, home=self.home)


@pytest.fixture
def direct(world, tmp_path):
    return Direct(world, Home(tmp_path / "direct"))


def feed_and_compare(world, kind, taken, expected):
    """Feed all again: the account takes each record once, and the lake is as it should be."""
    (before,) = Ledger(world.home).accounts_total()

    found = requeue(world.project, world.home, SMALL, "app", now=NOW)

    world.check_identity()
    assert (found.taken, found.stay) == (taken, {})
    assert rows(world, kind) == expected
    (total,) = Ledger(world.home).accounts_total()
    assert (total.rows_in, total.accepted) == (before.rows_in, len(expected))


@pytest.mark.parametrize(("name", "kind"), [drawn(*pair) for pair in PAIRS if pair[1] != "events"])
def test_a_record_refused_by_a_wrong_clock_is_the_same_row_when_it_is_fed_again(
    world, direct, name, kind
):
    expected = direct.rows(name, kind)
    account = world.one(now=datetime(2001, 1, 1, tzinfo=UTC))
    assert account.reasons["future_time"] == len(expected)

    feed_and_compare(world, kind, account.reasons, expected)


@pytest.mark.parametrize("name", [drawn(name) for name, kind in PAIRS if kind == "events"])
def test_a_record_refused_by_a_wrong_plan_is_the_same_row_when_it_is_fed_again(world, direct, name):
    expected = direct.rows(name, "events")
    plan = world.project.tracking
    plan.mkdir()
    for (event_name,) in direct.other.rows("select distinct event_name from lake.events"):
        (plan / f"{event_name}.json").write_text('{"type": "object", "required": ["nothing"]}')
    account = world.one()
    assert account.reasons == {"tracking_plan": account.rows_in}
    for schema in plan.iterdir():
        schema.unlink()

    feed_and_compare(world, "events", {"tracking_plan": account.rows_in}, expected)


@pytest.mark.parametrize(("name", "kind"), [drawn(*pair) for pair in PAIRS])
def test_a_record_left_out_by_a_wrong_select_is_the_same_row_when_it_is_fed_again(
    world, direct, name, kind
):
    expected = direct.rows(name, kind)
    columns, _, condition = (OWN.get(name) or selects(name)[kind]).rpartition("\nwhere ")
    if not columns:
        columns, condition = condition, "true"
    declare(world, name, kind, f"{columns}\nwhere 1 = 2 and ({condition})")
    account = world.one()
    assert account.reasons == {"not_selected": account.rows_in}
    declare(world, name, kind)

    feed_and_compare(world, kind, {"not_selected": account.rows_in}, expected)


#: What may stand in a text, and has a meaning to a reader of lines, of CSV or of JSON.
PIECES = [
    *("a", "ü", '"', "\n", "\r\n", "\r", "\t", ",", ";", "\\", "{", "[", "'", " "),
    *("\u2028", "\x0b", "\x1c", "\ufeff", "\x85", "\x1b", "</b>"),
]


def odd_file(draw):
    """Format and text of a file of odd texts, odd spaces and odd line ends."""

    def odd():
        return "".join(draw.choices(PIECES, k=draw.randint(0, 6)))

    end, mark, is_ascii = (
        draw.choice(["\n", "\r\n"]),
        draw.choice(["", "\ufeff"]),
        draw.random() < 0.5,
    )
    records = [
        {"id": f"i{n}", "name": "seen", "ts": AT, "who": f"u{n}{odd()}", "n": odd()}
        for n in range(draw.randint(1, 6))
    ]
    name = draw.choice(["csv", "json", "jsonl"])
    if name == "csv":
        text = io.StringIO(newline="")
        quoting = draw.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
        writer = csv.DictWriter(text, list(records[0]), lineterminator=end, quoting=quoting)
        writer.writeheader()
        writer.writerows(records)
        return name, mark + text.getvalue()
    if name == "json":
        text = json.dumps(records, indent=draw.choice([None, 1]), ensure_ascii=is_ascii)
        return name, mark + text.replace("\n", end)
    spaced = [
        draw.choice(["", " ", "\t"]) + json.dumps(one, ensure_ascii=is_ascii) for one in records
    ]
    return name, mark + end.join(spaced) + draw.choice(["", end, end * 2])


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.full if seed > 3 else ()) for seed in range(100)]
)
def test_odd_texts_are_fed_again_as_they_were(world, direct, monkeypatch, seed):
    name, text = odd_file(random.Random(seed))  # noqa: S311 - it draws texts, no secrets
    monkeypatch.setitem(FILES, name, {"a": text})
    expected = direct.rows(name, "events")
    account = world.one(now=datetime(2001, 1, 1, tzinfo=UTC))

    feed_and_compare(world, "events", account.reasons, expected)


def test_every_format_has_files_here():
    assert sorted(FILES) == FORMATS
