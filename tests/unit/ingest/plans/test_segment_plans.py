"""Plans of Segment Protocols as JSON Schemas of events: nothing is lost without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from landed.errors import ContractError
from landed.ingest import load_tracking_plan
from landed.ingest.plans import ImportedPlan, read_segment, write_plan

DRAFT = "http://json-schema.org/draft-07/schema#"


def rule(key: str, properties: Any, kind: str = "TRACK", version: int = 1, **more: Any) -> Any:
    """A rule as the Public API lists it."""
    sections = {"context": {}, "traits": {}, "properties": properties}
    schema = {"$schema": DRAFT, "type": "object", "properties": sections, **more}
    return {"key": key, "type": kind, "version": version, "jsonSchema": schema}


def read(tmp_path: Path, document: Any) -> ImportedPlan:
    path = tmp_path / "plan.json"
    path.write_bytes(orjson.dumps(document))
    return read_segment(path)


def listed(*rules: Any) -> dict[str, Any]:
    return {"data": {"rules": list(rules), "pagination": {"current": "MA=="}}}


ORDER = {
    "type": "object",
    "required": ["order_id"],
    "properties": {
        "order_id": {"type": "string", "description": "Its number.", "minLength": 1},
        "total": {"type": ["number", "null"], "minimum": 0},
        "state": {"type": "string", "enum": ["open", "paid"]},
    },
}


def test_the_properties_of_a_track_rule_become_the_events_schema(tmp_path: Path) -> None:
    plan = read(tmp_path, listed(rule("Order Completed", ORDER, description="Paid.", labels={})))

    assert plan.schemas == {"Order Completed": {**ORDER, "description": "Paid."}}
    assert plan.losses == []


def test_the_config_apis_form_is_read_too(tmp_path: Path) -> None:
    document = {
        "name": "workspaces/w/tracking-plans/rs_1",
        "display_name": "Shop",
        "rules": {
            "events": [
                {
                    "name": "Order Completed",
                    "description": "",
                    "version": 1,
                    "rules": {"properties": {"properties": ORDER, "traits": {}, "context": {}}},
                }
            ],
            "global": {},
            "identify_traits": [],
        },
    }

    plan = read(tmp_path, document)

    assert plan.schemas == {"Order Completed": ORDER}
    assert plan.losses == []


def test_the_latest_version_of_a_rule_is_taken(tmp_path: Path) -> None:
    old, new = {"type": "object"}, ORDER
    plan = read(tmp_path, listed(rule("a", new, version=3), rule("a", old, version=2)))

    assert plan.schemas == {"a": new}
    assert plan.losses == ["`a`: older versions of its rule are left out"]


def test_what_a_closed_rule_allows_holds_with_what_the_format_puts_beside(tmp_path: Path) -> None:
    closed = {**ORDER, "additionalProperties": False}
    plan = read(tmp_path, listed(rule("a", closed)))

    schema = plan.schemas["a"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["context"] is True
    assert schema["properties"]["order_id"] == ORDER["properties"]["order_id"]


def test_rules_for_the_context_hold_within_the_properties(tmp_path: Path) -> None:
    given = rule("a", ORDER)
    context = {"type": "object", "required": ["userAgent"]}
    given["jsonSchema"]["properties"]["context"] = context
    given["jsonSchema"]["required"] = ["context"]

    schema = read(tmp_path, listed(given)).schemas["a"]

    assert schema["properties"]["context"] == context
    assert schema["required"] == ["order_id", "context"]


def test_calls_that_are_no_events_are_told(tmp_path: Path) -> None:
    plan = read(
        tmp_path,
        listed(
            rule("", {}, "COMMON"),
            rule("", {}, "IDENTIFY"),
            rule("", {}, "GROUP"),
            rule("", {"type": "object"}, "PAGE"),
        ),
    )

    assert plan.schemas == {"page": {"type": "object"}}
    assert plan.losses == [
        "the rule for common: not carried: it holds for every event",
        "the rule for identify: not carried: such calls are no events",
        "the rule for group: not carried: such calls are no events",
    ]


def test_older_drafts_are_said_in_the_words_of_now(tmp_path: Path) -> None:
    properties = {
        "type": "object",
        "definitions": {"money": {"type": "number"}},
        "properties": {
            "age": {"minimum": 0, "exclusiveMinimum": True},
            "pair": {"type": "array", "items": [{"type": "string"}], "additionalItems": False},
            "at": {"type": "string", "format": "date-time"},
            "price": {"$ref": "#/properties/properties/definitions/money"},
        },
        "dependencies": {"age": ["at"]},
    }

    plan = read(tmp_path, listed(rule("a", properties)))

    assert plan.schemas["a"] == {
        "type": "object",
        "properties": {
            "age": {"minimum": 0, "exclusiveMinimum": 0},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
            "at": {"type": "string"},
            "price": {"type": "number"},
        },
        "dependentRequired": {"age": ["at"]},
    }
    assert plan.losses == ["`a`.at: `format: date-time` left out: formats are not judged"]


def test_references_in_circles_and_to_elsewhere_are_left_out(tmp_path: Path) -> None:
    circle = {"$ref": "#/properties/properties/properties/a"}
    properties = {
        "properties": {
            "a": {"type": "object", "properties": {"again": circle}},
            "b": {"$ref": "https://example.com/schema.json"},
            "c": {"$ref": "#/nowhere"},
        }
    }

    plan = read(tmp_path, listed(rule("e", properties)))

    assert plan.schemas["e"]["properties"]["b"] is True
    assert [line.partition(": ")[2] for line in plan.losses] == [
        "`$ref: #/properties/properties/properties/a` left out: it leads back to itself",
        "`$ref: https://example.com/schema.json` left out: it is another document",
        "`$ref: #/nowhere` left out: there is nothing",
    ]


def test_references_that_multiply_end_at_a_bound(tmp_path: Path) -> None:
    places = {
        f"l{n}": {"properties": {side: {"$ref": f"#/$defs/l{n + 1}"} for side in "abcd"}}
        for n in range(30)
    }
    given = rule("e", {"properties": {"x": {"$ref": "#/$defs/l0"}}})
    given["jsonSchema"]["$defs"] = places

    plan = read(tmp_path, listed(given, rule("fine", ORDER)))

    assert list(plan.schemas) == ["fine"]
    assert plan.losses == ["`e`: not carried: written out it has more than 20,000 parts"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b", "a\\b", ".hidden", "", "a\nb", "x" * 201, "a\x00"]
)
def test_a_name_that_no_file_can_have_is_told(tmp_path: Path, name: str) -> None:
    plan = read(tmp_path, listed(rule(name, ORDER), rule("fine", ORDER)))

    assert list(plan.schemas) == ["fine"]
    assert "not carried" in plan.losses[0]


@pytest.mark.parametrize("document", [{}, 4, "x", {"data": {"rules": 4}}, {"rules": {}}, [4], None])
def test_what_is_no_plan_is_refused(tmp_path: Path, document: Any) -> None:
    with pytest.raises(ContractError, match="no tracking plan"):
        read(tmp_path, document)


@pytest.mark.parametrize("document", [[], {"data": {"rules": []}}, {"rules": {"events": []}}])
def test_a_plan_without_rules_has_no_events(tmp_path: Path, document: Any) -> None:
    assert read(tmp_path, document).schemas == {}


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "!!python/object:os.system"])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)

    with pytest.raises(ContractError):
        read_segment(path)


def test_a_file_beyond_the_bound_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    with path.open("wb") as opened:
        opened.truncate(17 * 1024 * 1024)

    with pytest.raises(ContractError, match="bytes"):
        read_segment(path)


@pytest.mark.parametrize("schema", [None, [], 4, True, {"type": "array"}, {"type": "bogus"}])
def test_a_rule_that_is_no_schema_of_an_object_hurts_no_other(tmp_path: Path, schema: Any) -> None:
    broken = {"key": "broken", "type": "TRACK", "version": 1, "jsonSchema": schema}

    plan = read(tmp_path, listed(broken, rule("fine", ORDER)))

    assert plan.schemas["fine"] == ORDER
    assert plan.losses


def test_what_is_written_is_the_plan_that_ingest_reads(tmp_path: Path) -> None:
    plan = read(tmp_path, listed(rule("Order Completed", ORDER)))
    folder = tmp_path / "tracking"

    assert write_plan(plan, folder, overwrite=False) == {"Order Completed": "written"}
    assert "Order Completed" in str(load_tracking_plan(folder).events)
    assert write_plan(plan, folder, overwrite=False) == {"Order Completed": "unchanged"}


def test_a_schema_of_ones_own_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    plan = read(tmp_path, listed(rule("a", ORDER)))
    folder = tmp_path / "tracking"
    folder.mkdir()
    (folder / "a.json").write_text('{"type": "object"}')

    assert write_plan(plan, folder, overwrite=False) == {"a": "kept"}
    assert write_plan(plan, folder, overwrite=True) == {"a": "written"}
    assert orjson.loads((folder / "a.json").read_bytes()) == ORDER
