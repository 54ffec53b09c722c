"""Project files are hostile text: never executed, bounded, and every fault has a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from landed.documents import MAX_BYTES, canonical_json, digest, read_toml, read_yaml, validate
from landed.errors import ContractError


def write(folder: Path, text: str) -> Path:
    path = folder / "file.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_yaml_keeps_dates_as_text_and_numbers_as_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, "at: 2026-11-03T09:00:00Z\nshare: 0.5\ncount: 7\nempty: ~\n")

    data = read_yaml(path).data

    assert data == {"at": "2026-11-03T09:00:00Z", "share": 0.5, "count": 7, "empty": None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("on: 1\n", "the key 'on' is not text"),
        ("a: yes\n", "yes is a boolean to YAML 1.1"),
        ("a: 1\na: 2\n", "stands twice"),
        ("a: .inf\n", "not a finite number"),
        ("a: 0o17\nb: 012\n", "octal"),
        ("a: &x [1]\nb: *x\n", "alias"),
        ("a: !!python/object/apply:os.system ['true']\n", "not allowed"),
        ("a: [\n", "malformed YAML"),
        ("- " * 40 + "x\n", "nested too deeply"),
    ],
)
def test_yaml_refuses_what_reads_differently_than_it_looks(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ContractError, match=message):
        read_yaml(write(tmp_path, text))


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[{a: "])
def test_yaml_that_nests_without_end_is_refused_and_ends_no_process(
    tmp_path: Path, opening: str
) -> None:
    path = write(tmp_path, opening * ((MAX_BYTES - 1) // len(opening)))

    with pytest.raises(ContractError, match="nested too deeply"):
        read_yaml(path)


def test_every_fault_of_a_file_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a: yes\nb: 1\noff: 2\n")

    with pytest.raises(ContractError) as caught:
        read_yaml(path)

    assert [fault.where for fault in caught.value.faults] == [f"{path}:1 (a)", f"{path}:3"]


def test_a_schema_fault_names_the_key_the_value_and_the_line(tmp_path: Path) -> None:
    document = read_yaml(write(tmp_path, "name: x\nlimit: many\nextra: 1\n"))
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "limit": {"type": "integer"}},
        "additionalProperties": False,
    }

    faults = validate(document, schema)

    assert [(fault.what, fault.expected) for fault in faults] == [
        ("the document has unknown key(s) extra", "one of limit, name"),
        ("`limit` is 'many'", "a value of type integer"),
    ]
    assert faults[1].where.endswith("file.yml:2 (limit)")


def test_a_file_that_is_too_large_or_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=f"at most {MAX_BYTES}"):
        read_yaml(write(tmp_path, "a: " + "x" * MAX_BYTES))
    with pytest.raises(ContractError, match="cannot read"):
        read_yaml(tmp_path / "absent.yml")


def test_a_digest_does_not_depend_on_the_order_of_keys_and_refuses_nan() -> None:
    assert digest({"a": 1, "b": [2.5]}) == digest({"b": [2.5], "a": 1})
    with pytest.raises(ContractError, match="not a JSON number"):
        canonical_json({"a": [float("nan")]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"a: {'9' * 5001}", "a number of 5001 digits"),
        (f"a: -{'9' * 19}", "a number of 19 digits"),
        ('a: "x\\ud800"', "half a character|invalid Unicode character"),
        ('"\\udc00": 1', "half a character|invalid Unicode character"),
    ],
)
def test_yaml_that_python_takes_and_others_do_not_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ContractError, match=message):
        read_yaml(write(tmp_path, text))


def test_a_number_of_toml_that_python_cannot_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="malformed TOML"):
        read_toml(write(tmp_path, f"a = {'9' * 5001}"))
