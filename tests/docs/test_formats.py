"""Every format that a source file may name can be loaded and stands in the reference."""

import re
from pathlib import Path

import pytest

from landed.documents import packaged_schema
from landed.ingest.envelope import ENVELOPES
from landed.ingest.formats import default_event_id, load_format, selects
from landed.ingest.selection import read_selection

FORMATS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "formats.md"
#: These belong to `kind: relation`, which reads no records.
OF_RELATIONS = {"postgres", "duckdb"}
#: These take the envelope's columns by name.
GENERIC = {"csv", "jsonl", "json", "parquet"}
#: Their columns are the author's own questions, so that a source has to select.
OWN_COLUMNS = {"typeform"}
NAMES = sorted(
    {*packaged_schema("landed.ingest", "source")["properties"]["format"]["enum"]} - OF_RELATIONS
)


@pytest.mark.parametrize("name", NAMES)
def test_each_format_of_the_schema_has_a_reader(name):
    assert callable(load_format(name).read)


@pytest.mark.parametrize("name", NAMES)
def test_each_format_has_a_row_in_the_reference_with_the_kinds_it_gives(name):
    row = re.search(
        rf"^\| \[?`{name}`[^|]*\|(?P<rest>.*)$", FORMATS.read_text("utf-8"), flags=re.MULTILINE
    )

    assert row is not None, f"docs/reference/formats.md has no row `{name}`"
    kinds = set(selects(name) or {})
    assert kinds <= set(re.findall(r"[a-z]+", row["rest"]))


@pytest.mark.parametrize("name", sorted({*NAMES} - GENERIC))
def test_each_select_that_a_format_brings_is_one_that_an_author_could_write(name):
    found = {
        kind: read_selection(text, ENVELOPES[kind], default_event_id(name), name)
        for kind, text in (selects(name) or {}).items()
    }

    assert bool(found) == (name not in OWN_COLUMNS)
    assert all(selection is not None and not faults for selection, faults in found.values())
