import json


def review(number, **attributes):
    given = {
        "rating": 5,
        "title": "Awesome!!!",
        "body": "It's a really fantastic app!",
        "reviewerNickname": "Anne Johnson",
        "createdDate": "2026-11-15T08:10:34-08:00",
        "territory": "USA",
    }
    return {
        "type": "customerReviews",
        "id": f"00000028-b08c-0014-729e-fbd50000000{number}",
        "attributes": {**given, **attributes},
        "relationships": {"response": {"links": {"self": "https://api.appstoreconnect.apple.com"}}},
    }


def ids(*numbers):
    return [f"00000028-b08c-0014-729e-fbd50000000{number}" for number in numbers]


def page(*reviews, indent=None):
    links = {"self": "https://api.appstoreconnect.apple.com/v1/apps/1/customerReviews?limit=4"}
    paging = {"paging": {"total": 4, "limit": 4}}
    return json.dumps({"data": reviews, "links": links, "meta": paging}, indent=indent)


def test_a_page_of_reviews_becomes_feedback(source):
    store = source("app_store", "feedback")

    account = store.take(
        text=page(
            review(1),
            review(2, title="", body="Läuft nicht mehr 😢\nSeit 3.2.", rating=1, territory="DEU"),
            review(3, title="Ok", body="Ok", createdDate="2026-11-16T00:30:00+09:00"),
            review(4, title=None, body=None, rating=3),
            indent=2,
        ),
        name="page.json",
    )

    assert account.accepted == 4
    assert store.rows() == [
        (ids(3)[0], "2026-11-15 15:30:00", None, "app_store", 5.0, "Ok\nOk", None),
        (ids(1)[0], "2026-11-15 16:10:34", None, "app_store", 5.0,
         "Awesome!!!\nIt's a really fantastic app!", None),
        (ids(2)[0], "2026-11-15 16:10:34", None, "app_store", 1.0,
         "Läuft nicht mehr 😢\nSeit 3.2.", None),
        (ids(4)[0], "2026-11-15 16:10:34", None, "app_store", 3.0, None, None),
    ]  # fmt: skip
    assert store.properties()[ids(1)[0]] == {
        "title": "Awesome!!!",
        "nickname": "Anne Johnson",
        "territory": "USA",
    }
    assert store.deliver_again() == (0, 4)


def test_pages_behind_each_other_are_one_file(source):
    store = source("app_store", "feedback")

    account = store.take(
        text=page(review(1), review(2)) + "\n" + page(review(3)) + page(review(4)), name="all.json"
    )

    assert account.accepted == 4


def test_a_broken_review_is_refused_where_it_stands_and_its_neighbours_stay(source):
    store = source("app_store", "feedback")

    text = page(
        review(1),
        review(2, createdDate="yesterday"),
        review(3, rating="five"),
        review(4, title=None, body="", rating=None),
        "no review",
        {"type": "customerReviews", "id": "6", "attributes": None},
        review(7),
        indent=1,
    )
    account = store.take(text=text, name="page.json")

    assert account.accepted == 2
    found = store.world.quarantine("app")
    assert [row["reason"] for row in found] == [
        "bad_time", "bad_number", "no_content", "not_an_object", "no_time",
    ]  # fmt: skip
    for row in found:
        assert text.encode()[row["byte_offset"] :].startswith(row["raw"].encode())
        assert row["line"] == text.encode()[: row["byte_offset"]].count(b"\n") + 1


def test_a_page_that_breaks_off_keeps_the_reviews_before_the_break(source):
    store = source("app_store", "feedback")

    text = page(review(1), review(2), review(3))
    account = store.take(text=text[: text.index('"id": "' + ids(3)[0])], name="page.json")

    assert (account.accepted, account.reasons) == (2, {"invalid_json": 1})


def test_reviews_as_lines_are_read_and_a_broken_line_costs_itself(source):
    store = source("app_store", "feedback")

    account = store.take(review(1), "{broken", review(2))

    assert (account.accepted, account.reasons) == (2, {"invalid_json": 1})
    assert store.refused() == [(2, "invalid_json")]


def test_one_review_that_the_api_answered_is_a_record(source):
    store = source("app_store", "feedback")

    account = store.take(text=json.dumps(review(1), indent=2), name="one.json")

    assert account.accepted == 1


def test_no_value_of_any_field_ends_the_run(source, wrong_values):
    records = wrong_values(review(1))

    account = source("app_store", "feedback").take(*records)

    assert account.rows_in == len(records)
