import json
from collections import Counter

import pytest


def issue(number, **given):
    found = {
        "url": f"https://api.github.com/repos/octo/shop/issues/{number}",
        "repository_url": "https://api.github.com/repos/octo/shop",
        "html_url": f"https://github.com/octo/shop/issues/{number}",
        "id": 388089020 + number,
        "node_id": "MDU6SXNzdWUzODgwODkwMjE=",
        "number": number,
        "title": "Export hangs",
        "user": {"login": "ann", "id": 3978469, "type": "User", "site_admin": False},
        "labels": [{"id": 1, "name": "bug", "color": "d73a4a"}, {"id": 2, "name": "P1"}],
        "state": "open",
        "comments": 0,
        "created_at": f"2026-11-0{number}T09:12:13Z",
        "updated_at": "2026-11-20T09:12:13Z",
        "closed_at": None,
        "author_association": "NONE",
        "body": "With **big** files.\r\n\r\n- always",
        "reactions": {"total_count": 0, "+1": 0},
        "state_reason": None,
    }
    return {**found, **given}


PULL = {"url": "https://api.github.com/repos/octo/shop/pulls/3", "merged_at": None}


@pytest.fixture
def issues(source):
    return source("github_issues", "feedback")


def test_issues_become_feedback_and_pull_requests_do_not(issues):
    account = issues.take(
        text=json.dumps(
            [
                issue(1),
                issue(2, body=None, user=None, labels=[]),
                issue(3, pull_request=PULL),
                issue(4, type={"id": 7, "name": "Feature"}, body=""),
            ],
            indent=2,
        ),
        name="page.json",
    )

    assert (account.rows_in, account.accepted, account.reasons) == (4, 3, {"not_selected": 1})
    who, channel = "github:3978469", "github_issues"
    text = "Export hangs\nWith **big** files.\r\n\r\n- always"
    assert issues.rows() == [
        ("388089021", "2026-11-01 09:12:13", who, channel, None, text, None),
        ("388089022", "2026-11-02 09:12:13", None, channel, None, "Export hangs", None),
        ("388089024", "2026-11-04 09:12:13", who, channel, None, "Export hangs", None),
    ]
    found = issues.properties()
    assert found["388089021"] == {
        "product": "octo/shop",
        "title": "Export hangs",
        "number": "1",
        "labels": ["bug", "P1"],
        "author": "ann",
        "author_type": "User",
        "author_association": "NONE",
        "url": "https://github.com/octo/shop/issues/1",
    }
    assert "labels" not in found["388089022"]
    assert found["388089024"]["type"] == "feature"


def test_pages_behind_each_other_are_one_file(issues):
    account = issues.take(text=json.dumps([issue(1), issue(2)]) + json.dumps([issue(3)]))

    assert account.accepted == 3


def test_an_issue_that_was_worked_on_comes_again_as_the_same_one(issues):
    issues.take(text=json.dumps([issue(1), issue(2)]), name="monday.json")

    closed = issue(1, state="closed", comments=3, closed_at="2026-11-21T00:00:00Z", assignee={})
    again = issues.take(text=json.dumps([closed, issue(2), issue(3)]), name="tuesday.json")

    assert (again.accepted, again.duplicate) == (1, 2)
    relabelled = issues.take(text=json.dumps([issue(1, labels=[])]), name="wednesday.json")
    assert relabelled.reasons == {"conflict": 1}


def test_a_broken_issue_is_refused_and_its_neighbours_stay(issues):
    account = issues.take(
        issue(1), "{", issue(3, created_at=None), issue(4, title="", body=""), issue(5, id=None),
        "null", issue(7),
    )  # fmt: skip

    assert account.accepted == 2
    assert issues.refused() == [
        (2, "invalid_json"), (3, "no_time"), (4, "no_content"), (5, "no_id"), (6, "not_an_object"),
    ]  # fmt: skip


def test_no_value_of_any_field_ends_the_run(issues, wrong_values):
    records = wrong_values(issue(1))

    account = issues.take(*records)

    assert account.rows_in == len(records)


def test_real_issues_are_accounted_for_and_come_again_as_the_same_ones(issues, real_data):
    path = real_data / "github_activity" / "github.issues.load_page_5_duck.json"
    records = json.loads(path.read_bytes())
    expected = Counter("pull_request" in record for record in records)

    account = issues.take(text=path.read_bytes(), name="page_5.json")

    assert (account.rows_in, account.accepted) == (100, expected[False])
    assert account.reasons == {"not_selected": expected[True]}
    stored = dict(issues.world.rows("select feedback_id, text from lake.feedback"))
    assert stored == {
        str(record["id"]): "\n".join(
            text.strip(" \t\r\n") for text in (record["title"], record["body"]) if text
        )
        for record in records
        if "pull_request" not in record
    }
    assert issues.deliver_again() == (0, expected[False])
