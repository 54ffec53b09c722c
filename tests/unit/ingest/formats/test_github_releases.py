import json

import pytest


def release(number, **given):
    found = {
        "url": f"https://api.github.com/repos/octo/shop/releases/{number}",
        "html_url": f"https://github.com/octo/shop/releases/v1.{number}.0",
        "id": number,
        "author": {"login": "ann", "id": 1},
        "tag_name": f"v1.{number}.0",
        "target_commitish": "main",
        "name": f"Version 1.{number}",
        "body": "* Faster\r\n* Smaller\n",
        "draft": False,
        "prerelease": False,
        "created_at": "2026-10-30T19:35:32Z",
        "published_at": f"2026-11-0{number}T19:35:32Z",
        "assets": [{"name": "shop.zip", "download_count": 42}],
    }
    return {**found, **given}


@pytest.fixture
def releases(source):
    return source("github_releases", "releases")


def test_releases_are_read_and_drafts_are_not(releases):
    account = releases.take(
        text=json.dumps(
            [
                release(1),
                release(2, name="", body=None, prerelease=True, assets=[]),
                release(3, draft=True, published_at=None),
                release(4, name=None),
            ]
        ),
        name="page.json",
    )

    assert (account.rows_in, account.accepted, account.reasons) == (4, 3, {"not_selected": 1})
    url = "https://github.com/octo/shop/releases/v1."
    at, notes = ("2026-11-0", "19:35:32"), "* Faster\r\n* Smaller"
    assert releases.rows() == [
        ("1", f"{at[0]}1 {at[1]}", "Version 1.1", "v1.1.0", None, "released", f"{url}1.0", notes),
        ("2", f"{at[0]}2 {at[1]}", "v1.2.0", "v1.2.0", None, "prerelease", f"{url}2.0", None),
        ("4", f"{at[0]}4 {at[1]}", "v1.4.0", "v1.4.0", None, "released", f"{url}4.0", notes),
    ]
    assert releases.properties()["1"] == {
        "product": "octo/shop",
        "commit": "main",
        "author": "ann",
        "assets": ["shop.zip"],
    }
    assert releases.deliver_again() == (0, 3)


def test_downloads_make_no_other_release(releases):
    releases.take(release(1), release(2))

    more = release(1, assets=[{"name": "shop.zip", "download_count": 99}])
    again = releases.take(more, release(2), name="later.jsonl")

    assert (again.accepted, again.duplicate) == (0, 2)


def test_a_broken_release_is_refused_and_its_neighbours_stay(releases):
    account = releases.take(
        release(1),
        release(2, name=None, tag_name=None),
        release(3, published_at="soon"),
        release(4, published_at="2027-11-04T00:00:00Z"),
        release(5, id=None),
        release(6),
    )

    assert account.accepted == 2
    assert releases.refused() == [
        (2, "no_name"), (3, "bad_time"), (4, "future_time"), (5, "no_id"),
    ]  # fmt: skip


def test_no_value_of_any_field_ends_the_run(releases, wrong_values):
    records = wrong_values(release(1))

    account = releases.take(*records)

    assert account.rows_in == len(records)
