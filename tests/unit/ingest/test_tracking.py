import json

import pytest

from landed.errors import ContractError
from landed.ingest.tracking import load_tracking_plan

SIMPLE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["plan"],
    "properties": {
        "plan": {"type": "string", "enum": ["free", "pro"]},
        "amount": {"type": "number", "minimum": 0},
        "count": {"type": "integer"},
        "is_new": {"type": ["boolean", "null"]},
        "feature_flag.key": {"type": "string", "minLength": 2},
    },
}
CASES = [
    ({"plan": "free"}, True),
    ({"plan": "pro", "amount": 1.5, "count": 2, "is_new": None, "feature_flag.key": "ab"}, True),
    ({"plan": "pro", "count": 2.0, "extra": [1]}, True),
    ({}, False),
    ({"plan": "team"}, False),
    ({"plan": None}, False),
    ({"plan": "free", "amount": "1.5"}, False),
    ({"plan": "free", "amount": -1}, False),
    ({"plan": "free", "count": 2.5}, False),
    ({"plan": "free", "is_new": "yes"}, False),
    ({"plan": "free", "feature_flag.key": "a"}, False),
]


def plan(world, name, schema):
    world.project.tracking.mkdir(exist_ok=True)
    (world.project.tracking / f"{name}.json").write_text(json.dumps(schema))


def judge(world, event, schema, cases):
    plan(world, "page_view", schema)
    lines = [event(n, properties=properties) for n, (properties, _) in enumerate(cases)]
    world.land("events/a.jsonl", "".join(lines))
    account = world.one()
    bad = [n + 1 for n, (_, is_good) in enumerate(cases) if not is_good]
    assert world.refused() == [(line, "tracking_plan") for line in bad]
    assert account.accepted == len(cases) - len(bad)


def test_rows_that_break_the_plan_are_refused(events, event):
    judge(events, event, SIMPLE, CASES)
    assert not load_tracking_plan(events.project.tracking).validators


def test_a_plan_that_sql_cannot_judge_gives_the_same_answers(events, event):
    schema = {**SIMPLE, "allOf": [{"properties": {"plan": {"type": "string"}}}]}
    judge(events, event, schema, CASES)
    assert load_tracking_plan(events.project.tracking).validators.keys() == {"page_view"}


def test_a_closed_plan_refuses_other_properties(events, event):
    schema = {"properties": {"a": {"type": "string"}}, "additionalProperties": False}
    judge(events, event, schema, [({"a": "x"}, True), ({}, True), ({"a": "x", "b": 1}, False)])


def test_an_event_without_a_plan_is_accepted(events, event):
    plan(events, "other_event", {"required": ["x"]})
    events.land("events/a.jsonl", event(1))

    assert events.one().accepted == 1


def test_a_source_may_leave_the_plan_out(world, event):
    world.source("app", "kind: events\nformat: jsonl\npath: events/*\ntracking: false\n")
    plan(world, "page_view", SIMPLE)
    world.land("events/a.jsonl", event(1))

    assert world.one().accepted == 1


def test_a_plan_that_is_no_schema_is_named(events):
    plan(events, "page_view", {"type": "objekt"})
    plan(events, "other", [1])

    with pytest.raises(ContractError) as caught:
        events.ingest()

    assert len(caught.value.faults) == 2
