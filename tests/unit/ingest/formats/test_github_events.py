import json

PUSH = {
    "id": "28281984012",
    "type": "PushEvent",
    "actor": {"id": 1, "login": "ada"},
    "repo": {"id": 9, "name": "acme/shop"},
    "payload": {"push_id": 9007199254740993, "ref": "refs/heads/main"},
    "public": True,
    "created_at": "2026-11-01T10:00:00Z",
    "org": {"id": 8, "login": "acme"},
}
BOT = {
    **PUSH,
    "id": "2",
    "actor": {"id": 2, "login": "dependabot[bot]"},
    "created_at": "2026-11-01T10:00:01Z",
}
RENAMED = {
    **PUSH,
    "id": "3",
    "actor": {"id": 1, "login": "ada-lovelace"},
    "type": "WatchEvent",
    "payload": {"action": "started"},
    "created_at": "2026-11-01T10:00:02Z",
}
ISSUE_EVENT = {
    "id": 14597260375,
    "actor": {"id": 3, "login": "bob"},
    "event": "labeled",
    "label": {"name": "bug"},
    "commit_id": None,
    "issue": {"number": 7},
    "created_at": "2026-11-01T10:00:03Z",
}


def test_events_of_both_apis_become_events(source):
    github = source("github_events")

    account = github.take(PUSH, BOT, RENAMED, ISSUE_EVENT)

    assert account.accepted == 4
    at = "2026-11-01 10:00:0"
    assert github.rows() == [
        ("28281984012", "PushEvent", f"{at}0", None, "1", None, None, None),
        ("2", "PushEvent", f"{at}1", None, "2", None, None, None),
        ("3", "WatchEvent", f"{at}2", None, "1", None, None, None),
        ("14597260375", "labeled", f"{at}3", None, "3", None, None, None),
    ]
    found = github.properties()
    assert found["28281984012"] == {
        "push_id": 9007199254740993,
        "ref": "refs/heads/main",
        "public": True,
        **{name: PUSH[name] for name in ("actor", "repo", "org")},
    }
    assert found["2"]["is_bot"] is True
    assert found["14597260375"] == {name: ISSUE_EVENT[name] for name in ("actor", "label", "issue")}
    assert github.deliver_again() == (0, 4)


def test_an_array_as_the_api_answers_is_read_too(source):
    github = source("github_events")

    account = github.take(text="\n" + json.dumps([PUSH, BOT], indent=2), name="page_1.json")

    assert account.accepted == 2


def test_a_broken_event_is_refused_and_its_neighbours_stay(source):
    github = source("github_events")

    account = github.take(
        PUSH,
        {**BOT, "actor": None},
        {**BOT, "payload": "text"},
        {**BOT, "created_at": None},
        {**BOT, "id": None},
        '{"id": "5"',
        BOT,
    )

    assert account.accepted == 2
    assert github.refused() == [
        *((2, "no_unit"), (3, "bad_properties"), (4, "no_time"), (5, "no_id")),
        (6, "invalid_json"),
    ]


def test_real_events_are_accepted_and_a_second_delivery_adds_none(source, real_data):
    github = source("github_events")
    folder = real_data / "github_activity"
    texts = [(folder / name).read_bytes() for name in NAMES]

    first = [github.take(text=text, name=f"{n}.json") for n, text in enumerate(texts)]
    again = [github.take(text=text + b"\n", name=f"again-{n}.json") for n, text in enumerate(texts)]

    assert [(one.rows_in, one.accepted, one.quarantined) for one in first] == [(100, 100, 0)] * 2
    assert [(one.rows_in, one.accepted, one.duplicate) for one in again] == [(100, 0, 100)] * 2
    counted = github.world.rows(
        "select count(distinct user_id), count(distinct event_name) from lake.events"
        " where event_name like '%Event'"
    )
    assert counted == [(23, 8)]


NAMES = ("github.events.load_page_1_duck.json", "github_events.json")


def test_no_value_of_any_field_ends_the_run(source, wrong_values):
    records = wrong_values(PUSH)

    account = source("github_events").take(*records)

    assert account.rows_in == len(records)
