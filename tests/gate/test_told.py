"""No value of a property or an id gets out of the gate by an error's text, at any door."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pandas as pd
import pytest

from landed.errors import EstimationError
from landed.gate import judging, load_suites
from landed.gate.checks import CHECKS
from landed.gate.facts import Fact
from landed.gate.told import shown, told
from landed.impact.calendar import Calendar
from landed.project import Home
from landed.publish.gates import keep_decision
from landed.report import assess, render_html, render_markdown, render_text
from landed.serve.gate import as_document, as_text
from landed.serve.output import clean
from pipelines.defs.release_events import check_events, metadata_of

MARK = "bob7761"
HOSTILE = {
    "an e-mail": f"{MARK}@x.example",
    "HTML": f"<script>{MARK}</script>",
    "two lines": f"4\n{MARK}: passed",
    "colour of a terminal": f"\x1b[31m{MARK}\x1b[0m",
    "the engine's own words": f"4' to INT32 when casting from source column {MARK}\n\nLINE 1: x",
    "quotes": f"""'"`{MARK}`"'""",
    "nothing but a number": "77617761776177617761",
}
#: Statements that stumble over a value `v`, each over another of the engine's kinds of error.
STUMBLES = {
    "cast": "select cast(v as bigint) from hostile",
    "cast of a property": "select cast(p ->> '$.v' as double) from hostile",
    "decimal": "select cast(v as decimal(4, 1)) from hostile",
    "time": "select cast(v as timestamp) from hostile",
    "list": "select cast(v as integer[]) from hostile",
    "malformed JSON": "select json_extract_string('{' || v, '$.a') from hostile",
    "pattern": "select regexp_matches('a', '(' || v) from hostile",
    "format": "select strptime(v, '%Y') from hostile",
    "raised": "select error(v) from hostile",
    "duplicate key": "insert into hostile_keys select v from hostile, range(2)",
    "overflow": "select id * id from hostile",
    "columns of a pivot": "select absent from (pivot hostile on v using count(*))",
}
#: What a value may look like once it was quoted or escaped.
TRACES = (MARK, "7761", "\x1b", "<script>")


def fails_by(statement: str) -> Any:
    def find(subject: Any, _: Any) -> Any:
        return subject.engine.rows(statement)

    return find


def everything_shown(world: Any, home: Home) -> dict[str, str]:
    """What each door shows of one run of the release."""
    at = world.release.decides_at([7, 7])
    found = assess.assess_release(
        world.engine, world.catalog, world.release, Calendar(world.release.release, at, at, at),
        suites=world.suites or load_suites(), accounts=world.accounts,
        model_tests=world.model_tests, now=world.as_of, snapshot="0" * 16, provenance={"lake": "0"},
    )  # fmt: skip
    assert found.decision.decision == "blocked"
    record = keep_decision(home, found.decision, cutoff_at=at, judged_at=world.as_of)
    document = found.report.document
    declared = {check.check_id for check in found.decision.checks}
    return {
        "report.json": orjson.dumps(document).decode(),
        "HTML": render_html(document),
        "Markdown": render_markdown(document),
        "terminal": render_text(document),
        "gate record": (home.gates / f"{found.release}.json").read_text(),
        "landed gate": "\n".join(map(clean, as_text(record, record.judged[-1], None))),
        "landed gate --format json": json.dumps(as_document(record, record.judged[-1], None)),
        "Dagster checks": repr(list(check_events(found, record, declared))),
        "Dagster assets": repr(metadata_of(found)),
    }


@pytest.fixture
def stumbling(world: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the doors show after a check stumbled over a value in a statement."""

    def run(value: str, statement: str) -> dict[str, str]:
        world.engine.execute(
            "create or replace table hostile as select $v as v, json_object('v', $v) as p,"
            " 7761776177617761776 as id",
            {"v": value},
        )
        world.engine.execute("create or replace table hostile_keys (v varchar primary key)")
        broken = {
            **CHECKS,
            "copied_events": replace(CHECKS["copied_events"], find=fails_by(statement)),
        }
        monkeypatch.setattr(judging, "CHECKS", broken)
        return everything_shown(world, Home(tmp_path))

    return run


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_value_that_a_check_stumbles_over_stands_at_no_door(stumbling, value):
    shown_at = stumbling(value, STUMBLES["cast"])

    assert not [(door, one) for door, text in shown_at.items() for one in TRACES if one in text]


@pytest.mark.parametrize("statement", STUMBLES.values(), ids=STUMBLES)
def test_whatever_kind_of_error_the_engine_raises_its_value_stands_at_no_door(stumbling, statement):
    shown_at = stumbling(HOSTILE["an e-mail"], statement)

    assert not [(door, one) for door, text in shown_at.items() for one in TRACES if one in text]


def test_the_kind_of_error_the_check_the_table_and_the_column_are_said_at_every_door(stumbling):
    shown_at = stumbling(HOSTILE["an e-mail"], STUMBLES["cast"])

    for door in ("report.json", "gate record", "Dagster assets"):
        assert "check `copied_events`" in shown_at[door]
        assert "Conversion Error: a text of column `v` is not INT64" in shown_at[door]
        assert "the statement reads `hostile`" in shown_at[door]


def test_what_python_or_a_library_says_is_left_out_but_for_its_kind_and_place(world, monkeypatch):
    def find(subject, parameters):
        return Fact({"copied": float(HOSTILE["an e-mail"])}, "nothing", "nothing")

    broken = {**CHECKS, "copied_events": replace(CHECKS["copied_events"], find=find)}
    monkeypatch.setattr(judging, "CHECKS", broken)

    observed = world.data().failed[0].observed

    assert observed.startswith("check `copied_events`: ValueError in landed/gate/judging.py, line ")
    assert MARK not in observed


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError(MARK), "KeyError"),
        (ValueError(MARK), "ValueError"),
        (EstimationError(f"the sum is {MARK}"), "EstimationError"),
        (OSError(28, MARK), "OSError: No space left on device"),
        (ModuleNotFoundError(MARK, name="scipy"), "ModuleNotFoundError: no module `scipy`"),
    ],
)
def test_an_error_of_others_says_its_kind_alone(error, said):
    assert told(error) == said


def test_a_great_expectations_error_names_the_column_and_no_value(world, result_of):
    suites = load_suites()
    own = replace(
        suites["models"],
        name="own",
        facts="select 'bob7761@x.example' as place, unit_id from fct_exposures limit 1",
        expectations=(
            replace(
                suites["models"].expectations[0],
                check_id="own_places",
                kwargs={"column": "place", "max_value": 3},
            ),
        ),
    )
    world.suites = {**suites, "own": own}

    observed = result_of(world.data(), "gate_error").observed

    assert observed == (
        "check `own_places`: Great Expectations cannot judge"
        " `expect_column_values_to_be_between` of the column `place`"
    )


def test_of_own_facts_only_numbers_and_texts_that_the_files_name_are_shown():
    frame = pd.DataFrame(
        {
            "place": ["free", HOSTILE["an e-mail"], "control", None],
            "units": [3, 4, 5, 6],
            "since": [datetime(2026, 3, 1, tzinfo=UTC)] * 4,
        }
    )

    assert shown(frame, "place", (("control",), ["place", ["free", "team"]])) == (
        "place = free, a text, control, nan"
    )
    assert shown(frame, "units", ()) == "units = 3, 4, 5, 6"
    assert shown(frame, "since", ()).startswith("since = 2026-03-01 00:00:00+00:00")


def test_an_event_with_a_hostile_name_steers_no_door(world, tmp_path):
    name = f"<img src=x onerror=1>\x1b[2J{MARK}\n# passed"
    world.engine.execute(
        "update fct_exposures set variant = $name where unit_id = 'u04'", {"name": name}
    )

    shown_at = everything_shown(world, Home(tmp_path))

    assert MARK in shown_at["report.json"]  # a variant is a name, which whoever repairs needs
    assert "<img" not in shown_at["HTML"]
    for door in ("terminal", "landed gate", "HTML", "Markdown"):
        assert "\x1b" not in shown_at[door], door
        assert "\n# passed" not in shown_at[door], door
