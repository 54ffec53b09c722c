import json

import pytest


def message(second, **given):
    found = {
        "client_msg_id": "71b6a4e5-1c9d-4f7e-9a55-6f2a9f6d8a01",
        "type": "message",
        "user": "U0ANN",
        "text": "The export hangs &amp; <b>",
        "ts": f"179352720{second}.000100",
        "team": "T01",
        "user_profile": {"name": "ann", "real_name": "Ann"},
        "blocks": [{"type": "rich_text", "elements": []}],
        "reactions": [{"name": "+1", "users": ["U0BEN"], "count": 1}],
    }
    return {**found, **given}


JOIN = message(2, subtype="channel_join", text="<@U0ANN> has joined the channel")
BOT = message(3, subtype="bot_message", bot_id="B01", text="Deployed")
REPLY = message(4, user="U0BEN", text="Same &lt;here&gt;", thread_ts="1793527200.000100",
                parent_user_id="U0ANN")  # fmt: skip
FILES = message(5, text="", files=[{"id": "F1", "name": "a.png"}])
SHARED = message(6, text="see", subtype="file_share", files=[{"id": "F1"}, {"id": "F2"}])


@pytest.fixture
def slack(world, source):
    found = source("slack_export", "feedback")
    world.source("app", "kind: feedback\nformat: slack_export\npath: in/**/*.json\n")
    return found


def day(*messages):
    return json.dumps(messages, indent=4)


def test_a_day_of_a_channel_becomes_feedback(slack):
    account = slack.take(
        text=day(message(0), JOIN, BOT, REPLY, FILES, SHARED), name="feedback/2026-11-01.json"
    )

    assert (account.rows_in, account.accepted) == (6, 3)
    assert account.reasons == {"not_selected": 2, "no_content": 1}
    at = "2026-11-01 10:00:0"
    assert slack.rows() == [
        ("feedback:1793527200.000100", f"{at}0.0001", "slack:U0ANN", "slack", None,
         "The export hangs & <b>", None),
        ("feedback:1793527204.000100", f"{at}4.0001", "slack:U0BEN", "slack", None,
         "Same <here>", None),
        ("feedback:1793527206.000100", f"{at}6.0001", "slack:U0ANN", "slack", None, "see", None),
    ]  # fmt: skip
    found = slack.properties()
    assert found["feedback:1793527204.000100"] == {
        "channel": "feedback",
        "thread_ts": "1793527200.000100",
        "is_reply": True,
        "team": "T01",
    }
    assert found["feedback:1793527206.000100"]["file_count"] == 2
    assert "is_reply" not in found["feedback:1793527200.000100"]


def test_channels_count_their_messages_each_for_itself(slack):
    # `ts` is unique within a channel only
    slack.world.land("in/help/2026-11-01.json", day(message(0, text="Hi")))

    account = slack.take(text=day(message(0)), name="general/2026-11-01.json")

    assert account.accepted == 2
    assert [row[0].partition(":")[0] for row in slack.rows()] == ["general", "help"]


def test_an_export_made_later_gives_the_same_messages(slack):
    slack.take(text=day(message(0), JOIN), name="general/2026-11-01.json")

    later = message(0, reactions=[], reply_count=2, latest_reply="1793527209.000100")
    slack.world.land("in/second/general/2026-11-01.json", day(later, JOIN, SHARED))
    again = slack.world.one()

    assert (again.accepted, again.duplicate) == (1, 1)


def test_lists_beside_the_channels_are_no_feedback(slack):
    account = slack.take(text=day({"id": "U0ANN", "name": "ann"}), name="users.json")

    assert account.reasons == {"not_selected": 1}


def test_a_broken_message_is_refused_where_it_stands_and_its_neighbours_stay(slack):
    broken = [
        message(1, ts="soon"),
        '{"type": "message", "ts": "1793527202.000100", "text": "\\ud800"}',
        '{"type": "message", "ts": "1793527203.000100", "ts": "1", "text": "x"}',
        '{"type": "message", "ts": "1793527203.000100", "TS": "1", "text": "x"}',
        '{"type": "message", "ts": NaN, "text": "x"}',
        "7",
        message(4, ts=None),
    ]
    parts = [message(0), *broken, REPLY]
    text = "[\n" + ",\n".join(one if isinstance(one, str) else json.dumps(one) for one in parts)

    account = slack.take(text=text + "]", name="general/2026-11-01.json")

    assert account.accepted == 2
    assert slack.refused() == [
        (3, "bad_time"), (4, "invalid_json"), (5, "duplicate_key"), (6, "duplicate_key"),
        (7, "invalid_json"), (8, "not_an_object"), (9, "no_id"),
    ]  # fmt: skip


def test_no_value_of_any_field_ends_the_run(slack, wrong_values):
    records = wrong_values({**REPLY, **SHARED})

    account = slack.take(text=day(*records), name="general/2026-11-01.json")

    assert account.rows_in == len(records)
