"""A registry of self-describing schemas: the latest version of each, held to its own word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from landed.errors import ContractError
from landed.ingest.plans import read_iglu

SELF_DESC = (
    "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#"
)


def put(root: Path, vendor: str, name: str, version: str, **schema: Any) -> Path:
    """A schema where a static registry has it."""
    folder = root / "schemas" / vendor / name / "jsonschema"
    folder.mkdir(parents=True, exist_ok=True)
    own = {"vendor": vendor, "name": name, "format": "jsonschema", "version": version}
    path = folder / version
    path.write_bytes(orjson.dumps({"$schema": SELF_DESC, "self": own, "type": "object", **schema}))
    return path


CLICK = {"id": {"type": "string", "minLength": 1}, "target": {"type": "string"}}


def test_a_schema_becomes_the_event_of_its_name(tmp_path: Path) -> None:
    put(tmp_path, "com.acme", "button_click", "1-0-0", properties=CLICK, required=["id"])

    plan = read_iglu(tmp_path)

    assert plan.schemas == {
        "button_click": {"type": "object", "properties": CLICK, "required": ["id"]}
    }
    assert plan.losses == []


def test_the_latest_version_counts_by_its_numbers(tmp_path: Path) -> None:
    for version in ("1-0-2", "1-0-10", "1-0-9"):
        put(tmp_path, "com.acme", "click", version, description=version)

    assert read_iglu(tmp_path).schemas["click"]["description"] == "1-0-10"


def test_an_older_model_is_told(tmp_path: Path) -> None:
    put(tmp_path, "com.acme", "click", "1-0-0")
    put(tmp_path, "com.acme", "click", "2-0-0")

    assert read_iglu(tmp_path).losses == [
        "com.acme/click: 1-*-* left out: rows of it are held against 2-0-0"
    ]


def test_a_closed_schema_is_opened_and_told(tmp_path: Path) -> None:
    put(tmp_path, "com.acme", "click", "1-0-0", properties=CLICK, additionalProperties=False)

    plan = read_iglu(tmp_path)

    assert "additionalProperties" not in plan.schemas["click"]
    assert plan.losses == [
        "com.acme/click: `additionalProperties` left out: rows hold the atomic fields too"
    ]


def test_a_second_vendor_of_a_name_is_told(tmp_path: Path) -> None:
    put(tmp_path, "com.acme", "click", "1-0-0", description="ours")
    put(tmp_path, "org.other", "click", "1-0-0", description="theirs")

    plan = read_iglu(tmp_path)

    assert plan.schemas["click"]["description"] == "ours"
    assert plan.losses == ["org.other/click: not carried: another vendor has a schema of this name"]


def test_a_schema_that_says_to_be_another_is_not_carried(tmp_path: Path) -> None:
    path = put(tmp_path, "com.acme", "click", "1-0-0")
    path.rename(path.with_name("1-0-1"))
    put(tmp_path, "com.acme", "view", "1-0-0")

    plan = read_iglu(tmp_path)

    assert list(plan.schemas) == ["view"]
    assert plan.losses == [
        "com.acme/click/1-0-1: not carried: it says that it is com.acme/click/1-0-0"
    ]


def test_files_that_are_no_schema_hurt_no_other(tmp_path: Path) -> None:
    folder = put(tmp_path, "com.acme", "click", "1-0-0").parent
    (folder / "1-0-1").write_text("{")
    (folder / "1-0-2").write_text("[]")
    (folder / "README.md").write_text("no version")
    (folder / "0-0-1").write_text("{}")
    (folder / "1-0-3").symlink_to("/etc/hostname")

    plan = read_iglu(tmp_path)

    assert list(plan.schemas) == ["click"]
    assert [line.partition(": ")[0] for line in plan.losses] == [
        "com.acme/click/1-0-1",
        "com.acme/click/1-0-2",
    ]


def test_a_folder_without_schemas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no tracking plan"):
        read_iglu(tmp_path)
    with pytest.raises(ContractError, match="no tracking plan"):
        read_iglu(tmp_path / "nowhere")
