import json

import pytest


def conversation(number, **given):
    found = {
        "type": "conversation",
        "id": f"19111498{number}",
        "created_at": 1793527200 + number,
        "updated_at": 1793530000,
        "title": None,
        "source": source_of("<p>Hi, the <b>export</b> fails &amp; hangs.</p><p>Twice&nbsp;now</p>"),
        "contacts": {
            "type": "contact.list",
            "contacts": [{"type": "contact", "id": "5bc8f7ae2d", "external_id": "u70"}],
        },
        "conversation_rating": None,
        "state": "open",
        "read": True,
        "tags": {"type": "tag.list", "tags": []},
        "statistics": {"type": "conversation_statistics", "time_to_assignment": 120},
    }
    return {**found, **given}


def source_of(body, author="user", subject=""):
    return {
        "type": "conversation",
        "id": "269650473",
        "delivered_as": "customer_initiated" if author == "user" else "admin_initiated",
        "subject": subject,
        "body": body,
        "author": {"type": author, "id": "5bc8f7421a", "name": "Ann", "email": "ann@shop.org"},
        "attachments": [],
        "url": None,
        "redacted": False,
    }


RATED = {"rating": 2, "remark": "Slow.", "created_at": 1793530000, "teammate": {"id": 1}}


def page(*conversations):
    paging = {"type": "pages", "page": 1, "per_page": 20, "total_pages": 1}
    return json.dumps(
        {"type": "conversation.list", "pages": paging, "total_count": 4,
         "conversations": conversations}
    )  # fmt: skip


@pytest.fixture
def intercom(source):
    return source("intercom", "feedback")


def test_a_page_of_conversations_becomes_feedback(intercom):
    account = intercom.take(
        text=page(
            conversation(1),
            conversation(2, conversation_rating=RATED),
            conversation(3, source=source_of("<p>How was it?</p>", "admin")),
            conversation(4, source=source_of("<p>How was it?</p>", "bot"),
                         conversation_rating={**RATED, "rating": 5, "remark": None}),
            conversation(5, source=source_of("a<br>b<br/>c &lt;d&gt; &#39;&quot;", "lead", "Bug"),
                         contacts=[{"id": "5bc8f7ae2d", "type": "lead"}]),
        ),
        name="page.json",
    )  # fmt: skip

    # what the company opened and nobody rated is no feedback
    assert (account.rows_in, account.accepted, account.reasons) == (5, 4, {"not_selected": 1})
    text = "Hi, the export fails & hangs.\nTwice now"
    assert intercom.rows() == [
        ("191114981", "2026-11-01 10:00:01", "u70", "intercom", None, text, None),
        ("191114982", "2026-11-01 10:00:02", "u70", "intercom", 2.0, f"{text}\nSlow.", None),
        ("191114984", "2026-11-01 10:00:04", "u70", "intercom", 5.0, None, None),
        ("191114985", "2026-11-01 10:00:05", None, "intercom", None, "Bug\na\nb\nc <d> '\"", None),
    ]
    assert intercom.properties()["191114982"] == {
        "via": "conversation",
        "delivered_as": "customer_initiated",
        "author": "user",
        "contact_id": "5bc8f7421a",
        "remark": "Slow.",
    }
    assert intercom.deliver_again() == (0, 4)


def test_a_conversation_that_went_on_comes_again_as_the_same_one(intercom):
    intercom.take(text=page(conversation(1)), name="monday.json")

    closed = conversation(1, state="closed", updated_at=1793540000, waiting_since=None)
    again = intercom.take(text=page(closed), name="tuesday.json")

    assert (again.accepted, again.duplicate) == (0, 1)


def test_a_broken_conversation_is_refused_and_its_neighbours_stay(intercom):
    account = intercom.take(
        conversation(1),
        conversation(2, created_at="soon"),
        conversation(3, conversation_rating={**RATED, "rating": "great"}),
        conversation(4, source=source_of("<p> </p>")),
        "[]",
        conversation(6),
    )

    assert account.accepted == 2
    assert intercom.refused() == [
        (2, "bad_time"), (3, "bad_number"), (4, "no_content"), (5, "not_an_object"),
    ]  # fmt: skip


def test_no_value_of_any_field_ends_the_run(intercom, wrong_values):
    records = wrong_values(conversation(1, conversation_rating=RATED))

    account = intercom.take(*records)

    assert account.rows_in == len(records)
