from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from landed.errors import ContractError
from landed.project import Home, Project, core_root, load_project
from landed.project.compose import compose, compose_project, source_file
from landed.settings import Settings


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "product"
    (root / "models").mkdir(parents=True)
    (root / "metrics").mkdir()
    (root / "landed.toml").write_text('[project]\nname = "product"\n')
    return load_project(root)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def _core(home: Home) -> Path:
    return home.dbt / "packages" / "landed_core"


def test_the_core_stands_in_the_home_as_an_installed_package(project: Project, home: Home) -> None:
    path = compose(project, home)

    assert path == home.dbt
    assert (_core(home) / "dbt_project.yml").read_bytes() == (
        core_root() / "dbt_project.yml"
    ).read_bytes()
    assert (_core(home) / "models/marts/usage/fct_events.sql").is_file()
    assert (_core(home) / "metrics/usage/active_users.yml").is_file()
    assert not (home.dbt / "packages.yml").exists()


def test_the_profile_names_the_build_database_and_its_limits(project: Project, home: Home) -> None:
    compose(project, home, Settings(threads=3, memory_limit_mb=256))

    build = yaml.safe_load((home.dbt / "profiles.yml").read_text())["landed"]["outputs"]["build"]
    assert (build["path"], build["keep_open"], build["threads"]) == (str(home.build), True, 3)
    assert build["config_options"]["memory_limit"] == "256MB"
    # what is set of each cursor is set again after a model spilled: no engine takes that
    assert set(build["settings"]) == {"TimeZone"}


def test_the_rules_for_bots_are_variables_of_the_core(project: Project, home: Home) -> None:
    (project.root / "landed.toml").write_text(
        '[project]\nname = "product"\n'
        '[bots]\nunits = ["monitor-*", "qa.1"]\nuser_agents = ["head.less"]\nevents_a_day = 0\n'
    )

    compose(load_project(project.root), home)

    variables = yaml.safe_load((home.dbt / "dbt_project.yml").read_text())["vars"]["landed_core"]
    assert (
        variables
        == {
            "bot_properties": ["is_bot"],
            "bot_user_agents": r"head\.less",
            "bot_units": [r"monitor\-.*", r"qa\.1"],
            "bot_events_a_minute": 300,
            "bot_events_a_day": 0,
        }
        | project.telemetry.variables()
    )


def test_what_a_client_sends_regularly_is_a_variable_of_the_core(
    project: Project, home: Home
) -> None:
    (project.root / "landed.toml").write_text(
        '[project]\nname = "product"\n'
        '[telemetry]\nsequence = "seq"\nheartbeat = "beat"\nheartbeat_seconds = 30\n'
        'pairs = [["upload_started", "upload_ended"]]\n'
    )

    compose(load_project(project.root), home)

    variables = yaml.safe_load((home.dbt / "dbt_project.yml").read_text())["vars"]["landed_core"]
    assert variables == project.bots.variables() | {
        "telemetry_sequence": "seq",
        "telemetry_heartbeat": "beat",
        "telemetry_heartbeat_seconds": 30,
        "telemetry_pairs": [["upload_started", "upload_ended"]],
    }


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('sequence = "x\' or true --"', "telemetry.sequence is"),
        ('heartbeat = "{{ x }}"', "telemetry.heartbeat is"),
        ("heartbeat_seconds = 0", "telemetry.heartbeat_seconds is 0"),
        ('pairs = [["start"]]', "telemetry.pairs is"),
        ('pairs = [["same", "same"]]', "telemetry.pairs is"),
        ('seq = "n"', "unknown key.s. seq in .telemetry."),
    ],
)
def test_telemetry_that_is_none_is_refused(project: Project, rule: str, said: str) -> None:
    text = f'[project]\nname = "product"\n[telemetry]\n{rule}\n'
    (project.root / "landed.toml").write_text(text)

    with pytest.raises(ContractError, match=said):
        load_project(project.root)


def test_the_defaults_of_the_core_are_those_of_a_project_without_rules(project: Project) -> None:
    core = yaml.safe_load((core_root() / "dbt_project.yml").read_text())

    assert core["vars"] == project.bots.variables() | project.telemetry.variables()


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('units = ["x\' or true --"]', "bots.units holds"),
        ('user_agents = ["{{ x }}"]', "bots.user_agents holds"),
        ("properties = [1]", "bots.properties holds 1"),
        ("events_a_minute = -1", "bots.events_a_minute is -1"),
        ("events_a_day = true", "bots.events_a_day is True"),
        ("event_a_day = 3", "unknown key.s. event_a_day in .bots."),
    ],
)
def test_a_rule_for_bots_that_is_none_is_refused(project: Project, rule: str, said: str) -> None:
    (project.root / "landed.toml").write_text(f'[project]\nname = "product"\n[bots]\n{rule}\n')

    with pytest.raises(ContractError, match=said):
        load_project(project.root)


def test_nothing_is_written_where_nothing_changed(project: Project, home: Home) -> None:
    compose(project, home)
    before = {path: path.stat().st_mtime_ns for path in home.dbt.rglob("*")}

    compose(project, home)

    assert {path: path.stat().st_mtime_ns for path in home.dbt.rglob("*")} == before


def test_a_removed_model_leaves_the_composed_project(project: Project, home: Home) -> None:
    own = project.models / "fct_own.sql"
    own.write_text("select 1 as one")
    first = compose_project(project, home)
    assert (home.dbt / "models/fct_own.sql").is_file()

    own.unlink()
    second = compose_project(project, home)

    assert not (home.dbt / "models/fct_own.sql").exists()
    assert first.models_digest != second.models_digest


def test_a_metric_changes_what_dbt_parses_and_not_what_a_model_holds(
    project: Project, home: Home
) -> None:
    first = compose_project(project, home)

    (project.metrics / "visits.yml").write_text("metrics:\n  - name: visits\n")
    second = compose_project(project, home)

    assert first.digest != second.digest
    assert first.models_digest == second.models_digest


def test_a_core_model_that_the_project_replaces_is_switched_off_at_its_place(
    project: Project, home: Home
) -> None:
    (project.models / "fct_feedback.sql").write_text("select 1 as one")

    compose(project, home)

    root = yaml.safe_load((home.dbt / "dbt_project.yml").read_text())
    assert root["models"]["landed_core"] == {"feedback": {"fct_feedback": {"+enabled": False}}}


def test_a_core_metric_that_the_project_replaces_is_left_out(project: Project, home: Home) -> None:
    (project.metrics / "ours.yml").write_text("metrics:\n  - name: mean_rating\n")

    compose(project, home)

    assert not (_core(home) / "metrics/feedback/mean_rating.yml").exists()
    assert (_core(home) / "metrics/feedback/rated_items.yml").is_file()


def test_macros_and_tests_below_models_stand_apart_from_them(project: Project, home: Home) -> None:
    (project.models / "macros").mkdir()
    (project.models / "macros" / "cents.sql").write_text(
        "{% macro cents(x) %}{{ x }}{% endmacro %}"
    )

    compose(project, home)

    assert (home.dbt / "macros/cents.sql").is_file()
    assert not (home.dbt / "models/macros").exists()


def test_python_models_and_symlinked_folders_are_refused_together(
    project: Project, home: Home, tmp_path: Path
) -> None:
    (project.models / "fct_own.py").write_text("")
    (project.models / "linked").symlink_to(tmp_path, target_is_directory=True)

    with pytest.raises(ContractError) as caught:
        compose(project, home)

    assert sorted(fault.code for fault in caught.value.faults) == [
        "python_model",
        "symlinked_folder",
    ]


def test_a_project_may_not_take_the_name_of_the_core(project: Project, home: Home) -> None:
    named = Project(project.root, "landed_core")

    with pytest.raises(ContractError, match="the project is named landed_core"):
        compose(named, home)


def test_a_failing_model_points_at_the_file_a_person_edits(project: Project) -> None:
    core = source_file(project, "landed_core", "models/marts/usage/fct_events.sql")

    assert core == core_root() / "models/marts/usage/fct_events.sql"
    assert source_file(project, "product", "models/fct_own.sql") == project.models / "fct_own.sql"
    assert source_file(project, "product", "macros/a.sql") == project.models / "macros/a.sql"
