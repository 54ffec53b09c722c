"""The graph that the Dagster UI shows, and what no selection of it can do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import mini_project
import orjson
import pytest

from landed.gate import load_suites
from landed.ingest import Ledger
from pipelines.definitions import build
from pipelines.headless import QUIET
from pipelines.partitions import RANGE_END, RANGE_START
from pipelines.resources import Workspace
from pipelines.steps import first_behind

ROOT = Path(__file__).resolve().parents[2]
STAGES = {
    "ingest",
    "lake",
    "staging",
    "intermediate",
    "marts",
    "gate",
    "measure",
    "report",
    "publish",
}


class AnHourLater(Workspace):
    """The clock of an hour later."""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project whose exposure logging loses a fifth of the treated: its gate must block."""
    project = mini_project.write_project(tmp_path_factory.mktemp("graph") / "mini")
    home = project / ".landed"
    mini_project.write_events(home / "landing", lost_share=0.4)
    return Workspace(project_dir=str(project), home_dir=str(home))


@pytest.fixture(scope="module")
def definitions(workspace: Workspace) -> dg.Definitions:
    return build(workspace)


@pytest.fixture(scope="module")
def ran(workspace: Workspace, definitions: dg.Definitions) -> dg.DagsterInstance:
    """Everything up to the marts, and the release assessed by asking for its report alone."""
    instance = dg.DagsterInstance.ephemeral()
    for job in ("ingest_landing", "build_marts"):
        assert (
            definitions.resolve_job_def(job)
            .execute_in_process(instance=instance, run_config=QUIET)
            .success
        )
    instance.add_dynamic_partitions("releases", ["new-search"])
    job_of_report = dg.define_asset_job("only_report", dg.AssetSelection.assets("report"))
    alone = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job_of_report]))
    assert (
        alone.resolve_job_def("only_report")
        .execute_in_process(
            instance=instance, run_config=QUIET, tags={"dagster/partition": "new-search"}
        )
        .success
    )
    return instance


@pytest.fixture(scope="module")
def refilled(ran: dg.DagsterInstance, definitions: dg.Definitions) -> dg.ExecuteInProcessResult:
    """The lake over sixty days, of which nine hold rows, as a backfill in the UI asks for it."""
    job = dg.define_asset_job("refill", dg.AssetSelection.groups("lake"))
    given = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
    result = given.resolve_job_def("refill").execute_in_process(
        instance=ran,
        run_config=QUIET,
        tags={RANGE_START: "2026-08-15", RANGE_END: "2026-10-13"},
    )
    assert result.success
    return result


def test_every_asset_says_what_it_is_who_owns_it_and_where_it_stands(
    definitions: dg.Definitions,
) -> None:
    specs = list(definitions.resolve_all_asset_specs())

    assert {spec.group_name for spec in specs} == STAGES
    assert [spec.key for spec in specs if not spec.description] == []
    assert [spec.key for spec in specs if not spec.owners] == []
    dg.Definitions.validate_loadable(definitions)


def test_every_check_of_the_gate_is_an_asset_check_of_its_decision(
    definitions: dg.Definitions, workspace: Workspace
) -> None:
    graph = definitions.resolve_asset_graph()
    declared = {
        key.name for key in graph.asset_check_keys if key.asset_key == dg.AssetKey("gate_decision")
    }

    suites = load_suites(workspace.project).values()
    made = {check_id for suite in suites for check_id in suite.check_ids}
    assert declared == made | {"gate_error", "exemption_expired"}


def test_events_show_a_square_a_day_and_releases_one_partition_each(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()

    assert isinstance(
        graph.get(dg.AssetKey("lake_events")).partitions_def, dg.DailyPartitionsDefinition
    )
    assert isinstance(
        graph.get(dg.AssetKey("report")).partitions_def, dg.DynamicPartitionsDefinition
    )


def test_asking_for_a_report_alone_still_goes_through_the_gate(
    ran: dg.DagsterInstance, workspace: Workspace
) -> None:
    document = orjson.loads((workspace.home.work / "report-new-search.json").read_bytes())

    assert document["verdict"]["decision"] == "blocked"
    assert document["estimates"] == []


def test_no_number_of_a_blocked_release_is_in_the_event_log(
    ran: dg.DagsterInstance,
) -> None:
    events = ran.get_records_for_run(ran.get_runs(limit=1)[0].run_id).records
    shown = " ".join(str(record.event_log_entry.dagster_event) for record in events)

    assert "sample_ratio" in shown
    for word in ("absolute_effect", "ci_lower", "mean_treatment", "sum_y"):
        assert word not in shown


def test_days_of_the_lake_are_marked_by_the_ingest_itself(ran: dg.DagsterInstance) -> None:
    days = ran.get_materialized_partitions(dg.AssetKey("lake_events"))

    assert "2026-09-01" in days
    assert len(days) == 9


def test_the_sensor_asks_for_the_step_that_is_behind_if_the_conditions_do_not(
    ran: dg.DagsterInstance, definitions: dg.Definitions, workspace: Workspace
) -> None:
    later = AnHourLater(project_dir=workspace.project_dir, home_dir=workspace.home_dir)

    at_once, asked = _tick(ran, definitions, workspace), _tick(ran, definitions, later)
    assert _execute(ran, definitions, "publish_snapshot").success
    after = _tick(ran, definitions, later)

    assert not at_once.run_requests
    assert "the conditions ask for it first" in at_once.skip_message
    assert [request.job_name for request in asked.run_requests] == ["publish_snapshot"]
    assert not after.run_requests
    assert after.skip_message == "every landed file is claimed, no project file changed"


def test_releases_that_were_not_judged_are_asked_for_in_one_run(
    ran: dg.DagsterInstance, definitions: dg.Definitions, workspace: Workspace
) -> None:
    later = AnHourLater(project_dir=workspace.project_dir, home_dir=workspace.home_dir)
    workspace.remember("report-new-search.json", {})

    (asked,) = _tick(ran, definitions, later).run_requests
    result = _execute(ran, definitions, asked.job_name, asked.tags)

    assert asked.job_name == "assess_releases"
    assert result.success
    assert first_behind(workspace, workspace.catalog()).job == ""


def test_a_changed_release_file_makes_the_sensor_ask_and_an_old_build_is_refused(
    ran: dg.DagsterInstance, definitions: dg.Definitions, workspace: Workspace
) -> None:
    file = workspace.project.releases / "new-search.yml"
    original = file.read_text("utf-8")
    file.write_text(original.replace("interest: 0.2", "interest: 0.3"), encoding="utf-8")

    result = definitions.resolve_job_def("assess_releases").execute_in_process(
        instance=ran,
        run_config=QUIET,
        tags={"dagster/partition": "new-search"},
        raise_on_error=False,
    )
    file.write_text(original, encoding="utf-8")

    assert not result.success
    assert "changed since the marts were built" in str(
        result.failure_data_for_node("releases").error
    )


def test_a_backfill_of_sixty_days_is_one_run_that_counts_each_day(
    refilled: dg.ExecuteInProcessResult, definitions: dg.Definitions, workspace: Workspace
) -> None:
    shown = {
        (one.asset_key, one.partition): one.metadata["dagster/partition_row_count"].value
        for event in refilled.get_asset_materialization_events()
        for one in [event.step_materialization_data.materialization]
    }
    events = {day: rows for (key, day), rows in shown.items() if key == dg.AssetKey("lake_events")}

    for name in ("lake_events", "lake_feedback"):
        policy = definitions.resolve_asset_graph().get(dg.AssetKey(name)).backfill_policy
        assert policy == dg.BackfillPolicy.single_run()
    assert len(shown) == 2 * len(events) == 120
    assert (min(events), max(events)) == ("2026-08-15", "2026-10-13")
    counted = {str(day): rows for day, rows in Ledger(workspace.home).days("events").items()}
    assert {day: rows for day, rows in events.items() if rows} == counted


def test_marts_of_days_that_were_filled_again_are_built_again(
    ran: dg.DagsterInstance,
    refilled: dg.ExecuteInProcessResult,
    definitions: dg.Definitions,
    workspace: Workspace,
) -> None:
    of_a_day = "from main.fct_events where event_on = date '2026-09-03'"
    with workspace.engine(read_only=False) as engine:
        before = engine.rows(f"select event_id {of_a_day} order by event_id")
        engine.execute(f"delete {of_a_day}")

    behind = first_behind(workspace, workspace.catalog())
    built = _execute(ran, definitions, "build_marts")

    assert (behind.job, behind.why) == ("build_marts", "days of the lake were filled again")
    assert built.success
    with workspace.engine(read_only=True) as engine:
        assert engine.rows(f"select event_id {of_a_day} order by event_id") == before
    assert len(before) > 100
    assert first_behind(workspace, workspace.catalog()).job != "build_marts"


def _tick(instance: dg.DagsterInstance, definitions: dg.Definitions, at: Workspace) -> Any:
    with dg.build_sensor_context(
        instance=instance, definitions=definitions, resources={"workspace": at}
    ) as context:
        return definitions.resolve_sensor_def("landing").evaluate_tick(context)


def _execute(
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    job: str,
    tags: Mapping[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def(job).execute_in_process(
        instance=instance, run_config=QUIET, tags=tags
    )
