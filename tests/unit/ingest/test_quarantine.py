"""What people see of the quarantine, and that every reason is explained."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from landed.errors import SourceError, WarehouseError
from landed.ingest import Ledger
from landed.ingest.envelope import ENVELOPES, refusals
from landed.ingest.quarantine import explain, list_refused, show_refused
from landed.ingest.quarantine_reasons import REASONS
from landed.serve.cli import app
from landed.serve.upkeep import RAW_WIDTH, shortened

ROOT = Path(__file__).resolve().parents[3]
INGEST = ROOT / "src" / "landed" / "ingest"
#: How a reason begins.
FIRST_WORDS = (
    "no|not|bad|invalid|malformed|duplicate|truncated|unreadable|too|field|nul|future|tracking"
    "|missing|unknown|empty|broken|wrong|late"
)


@pytest.fixture
def refused(events, event):
    events.land("events/a.jsonl", event(1, occurred_at="never") + "broken\n" + event(2))
    events.ingest()
    events.land("events/b.jsonl", "\x1b[31mbroken too\n" + event(3, user_id=None))
    events.ingest()
    return events


def run(world, *words):
    given = [*words, "--project", str(world.project.root), "--home", str(world.home.root)]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_list_counts_by_source_and_reason(refused):
    found = {one.reason: (one.rows, one.kept, one.files) for one in list_refused(refused.home)}

    assert found == {"bad_time": (1, 1, 1), "invalid_json": (2, 2, 2), "no_unit": (1, 1, 1)}
    assert all(one.first_seen <= one.last_seen for one in list_refused(refused.home))


def test_records_are_shown_with_their_place_and_within_the_limit(refused):
    found = show_refused(refused.home, "app")

    assert [(Path(one.file).name, one.line, one.reason) for one in found] == [
        ("a.jsonl", 1, "bad_time"),
        ("a.jsonl", 2, "invalid_json"),
        ("b.jsonl", 1, "invalid_json"),
        ("b.jsonl", 2, "no_unit"),
    ]
    assert found[1].raw == "broken"
    assert len(show_refused(refused.home, "app", limit=3)) == 3
    assert [one.line for one in show_refused(refused.home, "app", reason="no_unit")] == [2]


def test_what_is_not_there_is_said_with_what_is(refused):
    with pytest.raises(SourceError, match="nothing of `web` is in the quarantine; expected app"):
        show_refused(refused.home, "web")
    with pytest.raises(SourceError, match="as no_flag; expected bad_time, invalid_json, no_unit"):
        show_refused(refused.home, "app", reason="no_flag")
    with pytest.raises(SourceError, match="no reason is called bad_tim"):
        explain("bad_tim")


def test_the_commands_print_facts_and_personal_text_only_when_asked(refused):
    listed = json.loads(run(refused, "quarantine", "list", "--format", "json"))
    assert {row["reason"]: row["rows"] for row in listed} == {
        "bad_time": 1, "invalid_json": 2, "no_unit": 1,
    }  # fmt: skip
    assert "invalid_json" in run(refused, "quarantine", "list")
    shown = json.loads(run(refused, "quarantine", "show", "app", "--format", "json"))
    assert "raw" not in shown[0]
    assert "u1" not in run(refused, "quarantine", "show", "app")
    shown = json.loads(run(refused, "quarantine", "show", "app", "--raw", "--format", "json"))
    assert shown[2]["raw"] == "\x1b[31mbroken too"
    table = run(refused, "quarantine", "show", "app", "--raw", "--reason", "invalid_json")
    assert "\x1b" not in table
    assert "\\x1b[31mbroken" in table
    done = CliRunner().invoke(app, ["quarantine", "explain", "bad_time", "--format", "json"])
    assert json.loads(done.stdout)["fix"] == REASONS["bad_time"].fix


def test_records_are_fed_again_and_a_person_erased_from_the_command_line(refused, event):
    words = ("requeue", "app", "--reason", "no_unit", "--format", "json")
    assert json.loads(run(refused, *words))["taken"] == {"no_unit": 1}
    assert "fed again: no_unit 1" in run(refused, "requeue", "app", "--reason", "no_unit")
    looked = json.loads(run(refused, "erase", "u2", "--dry-run", "--format", "json"))
    assert looked["lake_rows"] == [{"source": "app", "kind": "events", "rows": 1}]
    text = run(refused, "erase", "u2")
    assert "erased: 1 row(s) of u2 in 1 lake file(s)" in text
    assert "still there: 1 record(s) in" in text
    again = run(refused, "ingest")
    assert "1 removed by erase" in again
    refused.check_identity()


def test_a_text_is_cut_and_its_control_characters_are_escaped():
    assert shortened("a\x1b[2Jb\nc\u202ed") == "a\\x1b[2Jb\\nc\\u202ed"
    assert shortened("x" * 500) == "x" * RAW_WIDTH + "…"


def test_what_a_record_names_is_shown_short_and_drives_no_terminal(events, event):
    odd = "\x1b]0;owned\x07\u202e\x9b31m<b> [red]x[/red] "
    events.land(f"events/{odd[:9]}.jsonl", event(1, event_id=odd * 5_000)
                + event(1, event_id=odd * 5_000, event_name="other") + odd + "\n")  # fmt: skip
    events.ingest()

    words = ("quarantine", "show", "app", "--raw")
    table = run(events, *words)
    shown = run(events, *words, "--format", "json")

    assert len(table) < 10_000
    assert "[red]x" in table.replace("\n", "")
    for text in (table, shown):
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & {*text}
    assert [row["detail"] for row in json.loads(shown)] == [odd * 5_000, ""]


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-9], lambda whole: b"", lambda _: b"x" * 99]
)
def test_a_damaged_file_is_named(refused, damage):
    path = refused.home.root / Ledger(refused.home).quarantine_files()[1].path
    path.write_bytes(damage(path.read_bytes()))

    for look in (list_refused, lambda home: show_refused(home, "app")):
        with pytest.raises(WarehouseError, match=f"(?s){path.name} was changed.*Fix: restore it"):
            look(refused.home)
    path.unlink()
    with pytest.raises(WarehouseError, match=f"1 quarantine file.s. are missing.*{path.name}"):
        list_refused(refused.home)
    refused.ingest(again=True)
    assert sum(one.kept for one in list_refused(refused.home)) == 4


def test_every_reason_is_explained_in_full():
    for reason in REASONS.values():
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", reason.code)
        assert min(map(len, (reason.meaning, reason.cause, reason.fix))) > 10
        assert reason.fix.endswith(".")


def test_every_reason_of_the_envelopes_is_explained():
    for envelope in ENVELOPES.values():
        given = dict(envelope.given_columns)
        codes = {reason for _, reason, _ in refusals(envelope, given)}
        assert codes
        assert codes <= set(REASONS)


def test_every_word_of_the_code_that_is_shaped_like_a_reason_is_explained():
    """The tests of ingest hold what really is refused against the same list, see `World`."""
    files = (path for path in sorted(INGEST.rglob("*.py")) if "plans" not in path.parts)
    text = "\n".join(path.read_text("utf-8") for path in files)  # an imported plan refuses no row
    shaped = set(re.findall(rf"[\"']((?:{FIRST_WORDS})_[a-z0-9_]+)[\"']", text))

    assert {"too_long", "field_count", "no_unit", "truncated_file", "invalid_json"} <= shaped
    assert shaped <= set(REASONS)


def test_the_reference_lists_every_reason_and_no_other():
    text = (ROOT / "docs" / "reference" / "files.md").read_text("utf-8")
    section = text.split("### Why a row is refused")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \| ", section, flags=re.MULTILINE)
    listed = [code for row in rows for code in re.findall(r"`([a-z0-9_]+)`", row)]

    assert sorted(listed) == sorted(REASONS)
