"""Personal data: a keyed digest is kept in its stead, and joins still hold."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from landed.errors import ContractError
from landed.ingest.personal import digest_sql, pseudonym
from landed.ingest.sources import load_sources
from landed.project.keys import secret_key
from landed.warehouse import Engine

SOURCE = """\
kind: events
format: jsonl
path: events/*
personal: [user_id, /email, /address/street]
"""


@pytest.mark.parametrize("text", ["u1", "", "ü 💡", "o'brien", "x" * 500])
def test_the_engine_s_digest_is_hmac(text):
    key = b"0123456789abcdef" * 2
    sub = hmac.new(key, b"personal", hashlib.sha256).digest()

    with Engine.open(None) as engine:
        found = engine.one(f"select {digest_sql(key, 'personal', '$text')}", {"text": text})

    expected = hmac.new(sub, text.encode(), hashlib.sha256).hexdigest()
    assert found == (expected,)
    assert pseudonym(key, text) == expected


def test_declared_columns_and_properties_are_digests_in_the_lake(world, event):
    world.source("app", SOURCE)
    properties = {"email": "a@b.example", "address": {"street": "Way 1", "zip": "1"}, "n": 1.50}
    world.land("events/a.jsonl", event(1, user_id="u1", properties=properties) + event(2))

    world.ingest()

    key = secret_key(world.home)
    rows = world.rows("select user_id, properties from lake.events order by event_id")
    assert [user for user, _ in rows] == [pseudonym(key, "u1"), pseudonym(key, "u2")]
    assert json.loads(rows[0][1]) == {
        "email": pseudonym(key, "a@b.example"),
        "address": {"street": pseudonym(key, "Way 1"), "zip": "1"},
        "n": 1.5,
    }
    assert json.loads(rows[1][1]) == {"number": 2}
    for path in world.home.lake.rglob("*.parquet"):
        assert b"a@b.example" not in path.read_bytes()


def test_the_same_person_has_the_same_digest_in_every_source(world, event):
    world.source("app", SOURCE)
    world.source("web", SOURCE.replace("events/*", "web/*"))
    world.land("events/a.jsonl", event(1, user_id="u1"))
    world.land("web/a.jsonl", event(1, user_id="u1"))

    world.ingest()

    assert world.rows("select count(*), count(distinct user_id) from lake.events") == [(2, 1)]


def test_a_personal_column_that_no_envelope_has_is_refused(world):
    world.source("app", SOURCE.replace("user_id", "email"))

    with pytest.raises(ContractError, match="email"):
        load_sources(world.project)


def test_a_changed_list_is_another_mapping(world, event):
    world.source("app", SOURCE)
    before = load_sources(world.project)["app"].mapping
    world.source("app", SOURCE.replace(", /email", ""))

    assert load_sources(world.project)["app"].mapping != before


@pytest.mark.parametrize(
    "user",
    [
        '{"email": null, "email": "two@x.example"}',
        '{"contact": {"phone": 1}, "contact": {"email": "two@x.example"}}',
    ],
)
def test_what_a_repeated_key_would_leave_in_clear_is_refused(world, event, user):
    pointers = "[user_id, /user/email, /user/contact/email]"
    world.source("app", SOURCE.replace("[user_id, /email, /address/street]", pointers))
    line = event(1).replace('{"number": 1}', f'{{"user": {user}}}')
    world.land("events/a.jsonl", line + event(2))

    assert world.one().accepted == 1
    assert world.refused() == [(1, "bad_properties")]


def test_a_place_in_a_list_is_no_place_for_a_digest(world):
    world.source("app", SOURCE.replace("/email", "/users/0/email"))

    with pytest.raises(ContractError, match="a place in a list"):
        load_sources(world.project)
