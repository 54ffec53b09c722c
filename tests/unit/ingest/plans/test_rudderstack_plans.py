"""Plans of RudderStack: of its API, and of the YAML that its command line keeps, old and new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from landed.errors import ContractError
from landed.ingest.plans import ImportedPlan, read_rudderstack

EVENTS = """
version: rudder/v1
kind: events
metadata: {name: shop}
spec:
  events:
    - {id: viewed, name: "Product Viewed", event_type: track, description: Seen.}
    - {id: who, name: "", event_type: identify}
    - {id: page, name: "", event_type: page}
"""
PROPERTIES = """
version: rudder/v1
kind: properties
metadata: {name: shop}
spec:
  properties:
    - {id: sku, name: product_sku, type: string, description: Its number.,
       config: {min_length: 3, enum: [abc, abd]}}
    - {id: price, name: price, types: [number, "null"], config: {minimum: 0, multiple_of: 0.5}}
    - {id: tags, name: tags, type: array, item_type: string, config: {max_items: 3}}
    - {id: address, name: address, type: "#custom-type:address"}
    - {id: street, name: street, type: string}
    - {id: loop, name: loop, type: "#custom-type:loop"}
"""
TYPES = """
version: rudder/v1
kind: custom-types
metadata: {name: shop}
spec:
  types:
    - id: address
      name: AddressType
      type: object
      properties:
        - {property: "#property:street", required: true}
    - id: loop
      name: LoopType
      type: object
      properties:
        - {property: "#property:loop", required: false}
"""
PLAN = """
version: rudder/v1
kind: tracking-plan
metadata: {name: web}
spec:
  id: web
  display_name: Web
  rules:
    - type: event_rule
      id: viewed_rule
      event: "#event:viewed"
      additional_properties: true
      properties:
RULES
"""
OLD = {
    "events.yaml": """
version: rudder/0.1
kind: events
metadata: {name: api}
spec:
  events:
    - {id: called, name: API Called, event_type: track}
""",
    "properties.yaml": """
version: rudder/v0.1
kind: properties
metadata: {name: api}
spec:
  properties:
    - {id: method, name: method, type: string, propConfig: {enum: [GET, PUT], minLength: 3}}
    - {id: status, name: status, type: "integer, null"}
    - {id: list, name: list, type: array, propConfig: {itemTypes: [string]}}
""",
    "plan.yaml": """
version: rudder/0.1
kind: tp
metadata: {name: api}
spec:
  id: api
  display_name: API
  rules:
    - type: event_rule
      id: called_rule
      event: {$ref: "#/events/api/called", allow_unplanned: false}
      properties:
        - {$ref: "#/properties/api/method", required: true}
        - {$ref: "#/properties/api/status", required: false}
        - {$ref: "#/properties/api/list"}
""",
}


def project(tmp_path: Path, rules: str, **files: str) -> ImportedPlan:
    texts = {"events": EVENTS, "properties": PROPERTIES, "types": TYPES, **files}
    texts["plan"] = PLAN.replace("RULES", rules)
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return read_rudderstack(tmp_path)


def entry(name: str, required: str = "false") -> str:
    return f'        - {{property: "#property:{name}", required: {required}}}\n'


def test_a_rule_of_the_command_lines_yaml_becomes_a_schema(tmp_path: Path) -> None:
    plan = project(
        tmp_path, entry("sku", "true") + entry("price") + entry("tags") + entry("address")
    )

    assert plan.losses == []
    assert plan.schemas == {
        "Product Viewed": {
            "type": "object",
            "description": "Seen.",
            "required": ["product_sku"],
            "properties": {
                "product_sku": {
                    "type": "string",
                    "minLength": 3,
                    "enum": ["abc", "abd"],
                    "description": "Its number.",
                },
                "price": {"type": ["number", "null"], "minimum": 0, "multipleOf": 0.5},
                "tags": {"type": "array", "maxItems": 3, "items": {"type": "string"}},
                "address": {
                    "type": "object",
                    "properties": {"street": {"type": "string"}},
                    "required": ["street"],
                },
            },
        }
    }


def test_the_older_yaml_is_read_too(tmp_path: Path) -> None:
    for name, text in OLD.items():
        (tmp_path / name).write_text(text)

    schema = read_rudderstack(tmp_path).schemas["API Called"]

    assert schema["additionalProperties"] is False
    assert schema["required"] == ["method"]
    assert schema["properties"]["method"] == {
        "type": "string",
        "enum": ["GET", "PUT"],
        "minLength": 3,
    }
    assert schema["properties"]["status"] == {"type": ["integer", "null"]}
    assert schema["properties"]["list"] == {"type": "array", "items": {"type": "string"}}
    assert schema["properties"]["context"] is True  # beside it in every row


def test_a_type_that_holds_itself_is_told(tmp_path: Path) -> None:
    plan = project(tmp_path, entry("loop"))

    loop = plan.schemas["Product Viewed"]["properties"]["loop"]
    assert loop["properties"] == {"loop": {}}
    assert plan.losses == [
        "`Product Viewed.loop.loop`: the type #custom-type:loop left out: it leads back to itself"
    ]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    plan = project(tmp_path, entry("nothing"))

    assert plan.losses == ["`Product Viewed`: there is no property #property:nothing"]


def test_calls_that_are_no_events_are_told(tmp_path: Path) -> None:
    more = """    - {type: event_rule, id: w, event: "#event:who", additional_properties: true}
    - {type: event_rule, id: p, event: "#event:page", additional_properties: true}
    - {type: event_rule, id: x, event: "#event:gone"}
"""
    plan = project(tmp_path, entry("sku") + more)

    assert sorted(plan.schemas) == ["Product Viewed", "page"]
    assert plan.losses == [
        "the rule for identify: not carried: such calls are no events",
        "the rule `x`: not carried: there is no event #event:gone",
    ]


def test_variants_are_told(tmp_path: Path) -> None:
    plan = project(tmp_path, entry("sku") + "      variants: [{type: discriminator}]\n")

    assert plan.losses == ["`Product Viewed`: its variants are left out"]


def test_yaml_is_never_executed(tmp_path: Path) -> None:
    evil = '!!python/object/apply:os.system ["touch ' + str(tmp_path / "owned") + '"]\n'

    with pytest.raises(ContractError):
        project(tmp_path, entry("sku"), evil=evil)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("text", ["a: &a [*a, *a]", "a: &a {b: *a}", "- " * 40_000])
def test_yaml_that_refers_to_itself_or_nests_without_end_is_refused(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(ContractError):
        project(tmp_path, entry("sku"), evil=text)


def api(tmp_path: Path, document: Any) -> ImportedPlan:
    path = tmp_path / "plan.json"
    path.write_bytes(orjson.dumps(document))
    return read_rudderstack(path)


RULES = {
    "type": "object",
    "required": ["sku"],
    "properties": {"sku": {"type": ["string"]}},
}


def test_the_events_of_the_api_are_read(tmp_path: Path) -> None:
    event = {
        "id": "ev_1",
        "name": "Product Viewed",
        "description": "Seen.",
        "eventType": "track",
        "identitySection": "properties",
        "rules": {"type": "object", "properties": {"properties": RULES}, "required": []},
    }
    group = {"name": "", "eventType": "group", "rules": {}}

    plan = api(tmp_path, {"id": "tp_1", "name": "Web", "version": 1, "events": [event, group]})

    assert plan.schemas == {"Product Viewed": {**RULES, "description": "Seen."}}
    assert plan.losses == ["the rule for group: not carried: such calls are no events"]


def test_the_older_api_is_read_too(tmp_path: Path) -> None:
    rules = {"events": [{"name": "a", "rules": {"properties": {"properties": RULES}}}]}

    assert api(tmp_path, {"name": "Web", "rules": rules}).schemas == {"a": RULES}


@pytest.mark.parametrize("document", [{}, 4, None, {"events": 4}, {"rules": {"events": "x"}}])
def test_what_is_no_plan_is_refused(tmp_path: Path, document: Any) -> None:
    with pytest.raises(ContractError, match="no tracking plan"):
        api(tmp_path, document)


def test_a_folder_without_a_plan_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.yaml").write_text(EVENTS)

    with pytest.raises(ContractError, match="no tracking plan"):
        read_rudderstack(tmp_path)
