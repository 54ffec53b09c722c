"""Suites: what the core asks, what a project may change, and what it may not."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from landed.catalog.releases import Exemption, Release
from landed.errors import ContractError
from landed.gate import EXEMPTION_EXPIRED, GATE_ERROR, lint_exemptions, load_suites
from landed.gate.checks import CHECKS
from landed.project import core_root, load_project

EXPOSURES = yaml.safe_load((core_root() / "expectations" / "exposures.yml").read_text())


@pytest.fixture
def project(tmp_path):
    (tmp_path / "landed.toml").write_text('[project]\nname = "own"\n')
    (tmp_path / "expectations").mkdir()
    return load_project(tmp_path)


def write(project, name, document):
    path = project.expectations / f"{name}.yml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))


def own(**changes):
    entry = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "units", "min_value": 1},
        "severity": "critical",
        "meta": {"check_id": "own_check", "refuses": "r", "because": "b", "fix": "f"},
    }
    return {"name": "own", "facts": "select 1 as units", "expectations": [entry], **changes}


def faults_of(project):
    with pytest.raises(ContractError) as refused:
        load_suites(project)
    return str(refused.value)


def test_the_core_makes_every_built_in_check_once():
    made = [check_id for suite in load_suites().values() for check_id in suite.check_ids]

    assert sorted(made) == sorted(CHECKS)


def test_the_core_has_a_suite_a_subject():
    assert set(load_suites()) == {
        "accounting",
        "balance",
        "definitions",
        "exposures",
        "freshness",
        "identity",
        "instrumentation",
        "models",
        "outcomes",
        "profiles",
        "results",
        "volume",
        "telemetry",
    }


@pytest.mark.parametrize(
    ("check_id", "limits"),
    [
        ("quarantine_rate", [("critical", 0.05), ("warning", 0.01)]),
        ("crossover_share", [("critical", 0.01), ("critical", 0.005), ("warning", 0.001)]),
        ("outcome_without_exposure", [("critical", 0.01), ("warning", 0.01)]),
        ("independent_recount", [("critical", 1e-9)]),
    ],
)
def test_the_core_refuses_at_the_limits_it_documents(check_id, limits):
    found = [
        (each.severity, each.kwargs["max_value"])
        for suite in load_suites().values()
        for each in suite.of_check(check_id)
    ]

    assert found == limits


def test_a_projects_suite_is_added(project):
    write(project, "own", own())

    assert load_suites(project)["own"].check_ids == ("own_check",)


def test_a_projects_suite_replaces_the_cores_by_name(project):
    tighter = yaml.safe_load(yaml.safe_dump(EXPOSURES))
    tighter["expectations"][0]["kwargs"]["min_value"] = 100
    write(project, "exposures", tighter)

    suites = load_suites(project)

    assert suites["exposures"].expectations[0].kwargs["min_value"] == 100
    assert set(suites) == set(load_suites())


def test_a_project_may_not_drop_a_core_check(project):
    kept = [e for e in EXPOSURES["expectations"] if e["meta"]["check_id"] != "sample_ratio"]
    write(project, "exposures", {**EXPOSURES, "expectations": kept})

    assert "no suite makes the check `sample_ratio`; expected an expectation of severity" in (
        faults_of(project)
    )


def test_a_project_may_not_make_a_core_check_milder(project):
    milder = yaml.safe_load(yaml.safe_dump(EXPOSURES))
    milder["expectations"][1]["severity"] = "warning"
    write(project, "exposures", milder)

    assert "the check `sample_ratio` has severity warning; expected critical" in faults_of(project)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "expect_column_to_exist", "kwargs": {"column": "sample_ratio_excess"}},
        {"type": "expect_column_values_to_not_be_null"},
        {"type": "expect_nothing_bad"},
        {"kwargs": {"column": "sample_ratio_excess"}},
        {"kwargs": {"column": "sample_ratio_excess", "min_value": 0}},
        {"kwargs": {"column": "sample_ratio_excess", "max_value": "9"}},
        {"kwargs": {"column": "sample_ratio_excess", "max_value": True}},
        {"kwargs": {"column": "sample_ratio_excess", "max_value": 1, "mostly": 0}},
        {"kwargs": {"column": "sample_ratio_excess", "max_value": 1,
                    "row_condition": "sample_ratio_excess < 0", "condition_parser": "pandas"}},
    ],
)  # fmt: skip
def test_a_project_may_not_ask_a_core_check_so_that_it_cannot_fail(project, changes):
    asked = yaml.safe_load(yaml.safe_dump(EXPOSURES))
    asked["expectations"][1] |= changes
    write(project, "exposures", asked)

    assert "the check `sample_ratio` does not hold `sample_ratio_excess` to a limit" in (
        faults_of(project)
    )


def test_a_project_may_not_leave_one_of_the_columns_of_a_check_out(project):
    asked = yaml.safe_load(yaml.safe_dump(EXPOSURES))
    columns = ["crossover_difference", "crossover_share"]
    asked["expectations"] = [
        each for each in asked["expectations"] if each["kwargs"]["column"] != columns[0]
    ]
    write(project, "exposures", asked)

    assert f"does not hold `{columns[0]}` to a limit" in faults_of(project)


def test_a_decisive_column_may_not_become_a_warning_beside_another(project):
    asked = yaml.safe_load(yaml.safe_dump(EXPOSURES))
    for each in asked["expectations"]:
        if each["kwargs"]["column"] == "crossover_difference":
            each["severity"] = "warning"
    write(project, "exposures", asked)

    assert "does not hold `crossover_difference` to a limit" in faults_of(project)


@pytest.mark.parametrize("limits", [{"max_value": 2}, {"min_value": -1}])
def test_no_number_of_what_the_core_counts_as_faults_is_in_order(project, limits):
    core = load_suites()["volume"]
    asked = yaml.safe_load(core.path.read_text())
    asked["expectations"][0]["kwargs"] |= limits
    write(project, "volume", asked)

    found = faults_of(project)

    assert "the check `volume` does not hold `lost_volumes` to a limit" in found
    assert "with min_value 0, max_value 0 and no condition" in found


def test_a_check_may_not_stand_in_two_suites(project):
    write(project, "again", {**EXPOSURES, "name": "again"})

    assert "the check `sample_ratio` stands in two suites" in faults_of(project)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (own(name="other"), "the suite is named `other`; expected `own`"),
        (own(expectations=[]), "expectations"),
        (own(facts="drop table fct_events"), "the facts are not one SELECT"),
        (own(facts="select 1 as units; select 2"), "the facts are not one SELECT"),
        (own(facts="select from where"), "the facts do not parse"),
        (own(facts="select $today as units"), "the facts name $today"),
        (own(owner="me"), "unknown key(s) owner"),
        ({**own(), "facts": None}, "facts"),
    ],
)
def test_a_suite_that_breaks_its_contract_is_refused(project, document, message):
    write(project, "own", document)

    assert message in faults_of(project)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("severity", "fatal", "`expectations.0.severity` is 'fatal'"),
        ("type", "drop_table", "`expectations.0.type` is 'drop_table'"),
        ("meta", {"check_id": "own_check"}, "lacks refuses, because, fix"),
    ],
)
def test_an_expectation_that_breaks_its_contract_is_refused(project, key, value, message):
    document = own()
    document["expectations"][0][key] = value
    write(project, "own", document)

    assert message in faults_of(project)


@pytest.mark.parametrize(
    ("check_id", "message"),
    [
        (GATE_ERROR, "`gate_error` is the gate's own"),
        (EXEMPTION_EXPIRED, "`exemption_expired` is the gate's own"),
        ("sample_ratio", "`sample_ratio` is a built-in check"),
    ],
)
def test_a_check_of_own_facts_needs_an_id_of_its_own(project, check_id, message):
    document = own()
    document["expectations"][0]["meta"]["check_id"] = check_id
    write(project, "own", document)

    assert message in faults_of(project)


def test_a_check_without_facts_must_be_built_in(project):
    document = own()
    del document["facts"]
    write(project, "own", document)

    assert "there is no check `own_check`" in faults_of(project)


def test_a_built_in_check_judges_its_own_column(project):
    wrong = yaml.safe_load(yaml.safe_dump(EXPOSURES))
    wrong["expectations"][1]["kwargs"]["column"] = "p"
    write(project, "exposures", wrong)

    assert "`sample_ratio` judges the column 'p'; expected one of sample_ratio_excess" in (
        faults_of(project)
    )


def test_all_faults_of_all_files_are_shown_at_once(project):
    write(project, "own", own(name="other"))
    write(project, "more", "name: [")

    text = faults_of(project)

    assert "the suite is named `other`" in text
    assert "malformed YAML" in text


def test_an_exemption_from_a_check_nobody_makes_is_a_fault(tmp_path):
    until = datetime(2027, 1, 1, tzinfo=UTC)
    release = Release("r", until, "growth", "experiment", ())
    typo = replace(release, exemptions=(Exemption("sample_ration", "x", "me", until),))
    own_gate = replace(release, exemptions=(Exemption(GATE_ERROR, "x", "me", until),))
    good = replace(release, exemptions=(Exemption("sample_ratio", "x", "me", until),))

    faults = lint_exemptions([typo, own_gate, good], load_suites())

    assert [fault.what for fault in faults] == [
        "`r` is exempted from `sample_ration`",
        "`r` is exempted from `gate_error`",
    ]


PAGES = core_root() / "docs" / "checks"


@pytest.mark.parametrize("check_id", [*CHECKS, GATE_ERROR, EXEMPTION_EXPIRED])
def test_a_check_has_a_page_that_says_what_why_and_how_to_repair(check_id):
    text = (PAGES / f"{check_id}.md").read_text()

    assert text.startswith(f"# {check_id}\n")
    assert [
        part for part in ("**Refuses.**", "**Because.**", "**Repair.**") if part not in text
    ] == []


def test_a_page_has_a_check():
    pages = {path.stem for path in PAGES.glob("*.md")} - {"README"}

    assert pages == {*CHECKS, GATE_ERROR, EXEMPTION_EXPIRED}


def test_the_list_of_checks_names_each_once_and_says_whether_it_blocks():
    rows = re.findall(
        r"^\| \[(\w+)\]\(\1\.md\) \|(.*?)\|(.*?)\|$",
        (PAGES / "README.md").read_text("utf-8"),
        flags=re.MULTILINE,
    )

    found = {name: (bool(blocks.strip()), bool(warns.strip())) for name, blocks, warns in rows}
    severities = {
        check_id: {each.severity for each in suite.of_check(check_id)}
        for suite in load_suites().values()
        for check_id in suite.check_ids
    }
    assert len(rows) == len(found)
    assert found == {
        name: ("critical" in each, "warning" in each) for name, each in severities.items()
    }


def test_a_core_expectation_sends_its_reader_to_the_checks_page():
    lost = [
        each.check_id
        for suite in load_suites().values()
        for each in suite.expectations
        if f"docs/checks/{each.check_id}.md" not in each.fix
    ]

    assert lost == []


def test_a_module_has_the_name_of_its_check():
    folder = Path(sys.modules["landed.gate.checks"].__file__).parent

    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(CHECKS)


def test_reading_suites_imports_neither_great_expectations_nor_pandas():
    code = (
        "import sys; from landed.gate import load_suites; load_suites(); "
        "print({'great_expectations', 'pandas'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
