import json

import pytest


def ticket(number, **given):
    found = {
        "id": number,
        "external_id": "ahg35h3jh",
        "created_at": f"2026-11-0{number}T10:38:52Z",
        "updated_at": "2026-11-20T10:38:52Z",
        "type": "incident",
        "subject": "Help, my printer is on fire!",
        "raw_subject": "{{dc.printer_on_fire}}",
        "description": "The fire is very colorful.",
        "priority": "high",
        "status": "open",
        "requester_id": 20978392,
        "organization_id": None,
        "tags": ["enterprise"],
        "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
        "satisfaction_rating": {"score": "offered"},
        "url": f"https://shop.zendesk.com/api/v2/tickets/{number}.json",
    }
    return {**found, **given}


RATED = {"id": 1234, "score": "good", "comment": "Great support!"}


def page(*tickets):
    return json.dumps(
        {"tickets": tickets, "count": len(tickets), "end_of_stream": True, "after_cursor": "MTU4"}
    )


@pytest.fixture
def zendesk(source):
    return source("zendesk", "feedback")


def test_a_page_of_the_incremental_export_becomes_feedback(zendesk):
    account = zendesk.take(
        text=page(
            ticket(1),
            ticket(2, satisfaction_rating=RATED, type=None, external_id=None),
            ticket(3, via={"channel": "email"}, subject="", description=" Zeile 1\r\nZeile 2 \n"),
            ticket(4, status="deleted", subject="SCRUBBED", description="SCRUBBED"),
        ),
        name="page.json",
    )

    # a deleted ticket stands in the accounts all the same
    assert (account.rows_in, account.accepted, account.reasons) == (4, 3, {"not_selected": 1})
    text = "Help, my printer is on fire!\nThe fire is very colorful."
    who = "zendesk:20978392"
    assert zendesk.rows() == [
        ("1", "2026-11-01 10:38:52", who, "zendesk", None, text, None),
        ("2", "2026-11-02 10:38:52", who, "zendesk", None, text, None),
        ("3", "2026-11-03 10:38:52", who, "zendesk", None, "Zeile 1\r\nZeile 2", None),
    ]
    assert zendesk.properties()["2"] == {
        "subject": "Help, my printer is on fire!",
        "via": "web",
        "satisfaction": "good",
        "satisfaction_comment": "Great support!",
        "url": "https://shop.zendesk.com/api/v2/tickets/2.json",
    }


def test_a_ticket_that_was_worked_on_comes_again_as_the_same_one(zendesk):
    zendesk.take(text=page(ticket(1), ticket(2)), name="monday.json")

    done = {"status": "closed", "priority": "low", "tags": [], "updated_at": "2026-11-21T00:00:00Z"}
    again = zendesk.take(text=page(ticket(1, **done), ticket(2), ticket(3)), name="tuesday.json")

    assert (again.accepted, again.duplicate) == (1, 2)
    # a rating that comes later is shown, not lost
    rated = zendesk.take(text=page(ticket(1, satisfaction_rating=RATED)), name="wednesday.json")
    assert rated.reasons == {"conflict": 1}


def test_tickets_as_lines_are_read_and_a_broken_line_costs_itself(zendesk):
    account = zendesk.take(
        ticket(1),
        '{"id": 2, "created_at": "2026-11-02T',
        ticket(3, created_at="soon"),
        ticket(4, subject=None, description=None),
        ticket(None, created_at="2026-11-05T00:00:00Z"),
        ticket(6),
    )

    assert account.accepted == 2
    assert zendesk.refused() == [
        (2, "invalid_json"), (3, "bad_time"), (4, "no_content"), (5, "no_id"),
    ]  # fmt: skip
    assert zendesk.deliver_again() == (0, 2)


def test_pages_as_lines_are_pages(zendesk):
    account = zendesk.take(text=f"{page(ticket(1), ticket(2))}\n{page(ticket(3))}\n", name="a.json")

    assert account.accepted == 3


def test_no_value_of_any_field_ends_the_run(zendesk, wrong_values):
    records = wrong_values(ticket(1, satisfaction_rating=RATED))

    account = zendesk.take(*records)

    assert account.rows_in == len(records)
