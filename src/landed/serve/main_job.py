"""`landed run`, `landed demo` and `landed dev`: start the pipeline late, print what came out."""

from __future__ import annotations

import importlib
import os
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import orjson
from rich.text import Text

from ..catalog import load_catalog
from ..documents import digest
from ..errors import ContractError, PlanError
from ..ingest import unmatched
from ..project import Home, Project, core_root
from ..publish.inputs import midnight, up_to_date
from ..report.units import decimals_for, difference, interval
from ..settings import Settings
from ..warehouse import run_lock
from . import queries
from .output import Progress, clean, console, print_json, progress_lines

_COLOURS = {"worked": "green", "harmed": "red", "blocked": "yellow", "no_effect": "cyan"}


def run(
    project: Project,
    home: Home,
    settings: Settings,
    *,
    only: Sequence[str] = (),
    full: bool = False,
) -> Mapping[str, Any]:
    """Run the main job if anything changed.

    Args:
        project: The project.
        home: Its state.
        settings: From the environment.
        only: Releases to assess; empty means all.
        full: Build everything anew even if nothing changed.

    Returns:
        Facts of the run: seconds, peak memory, whether there was anything to do.
    """
    started = time.monotonic()
    faults = queries.check(project)
    if faults:  # of metrics, releases, sources, tracking plan and suites, all at once
        raise ContractError(faults)
    catalog = load_catalog(project)
    unknown = sorted(set(only) - set(catalog.releases))
    if unknown:
        raise PlanError(
            f"no release {', '.join(unknown)}",
            expected=f"one of {', '.join(catalog.releases) or '(none declared)'}",
            where=str(project.releases),
            fix="correct the name; a release is a file there.",
            code="unknown_release",
        )
    with run_lock(home), progress_lines(plain=settings.plain) as progress:
        unchanged = None
        if not full:
            unchanged = up_to_date(project, home, catalog, midnight(datetime.now(UTC)))
        if unchanged:
            progress("current", f"nothing changed since snapshot {unchanged}")
        else:
            if full:
                home.build.unlink(missing_ok=True)
            for name, pattern in unmatched(project, home):
                progress("ingest", f"{name}: no file matches {pattern}")
            _pipeline(project, home, only, progress)
    return {
        "seconds": round(time.monotonic() - started, 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "unchanged": unchanged is not None,
    }


def print_overview(
    project: Project, home: Home, facts: Mapping[str, Any], *, as_json: bool = False
) -> None:
    """One line a release, where its page lies, and what the run took."""
    lines = queries.overview(project, home)
    if as_json:
        print_json({"releases": lines, "run": facts})
        return
    out = console()
    width = max((len(line["release"]) for line in lines), default=0)
    for line in lines:
        verdict = Text(f"{line['verdict']:<14}", style=_COLOURS.get(line["verdict"], "default"))
        main = line["main_effect"]
        effect = _effect(main) if main else line["reason"]
        out.print(Text(f"{line['release']:<{width}}  ") + verdict + Text(clean(effect)))
        out.print(Text(f"{'':<{width}}  {line['html']}", style="dim"))
    if not lines:
        out.print("no release is declared; see releases/ and the README.")
    else:
        out.print(Text(f"\noverview: {home.reports / 'index.html'}"))
    out.print(Text(f"run took {facts['seconds']:.1f} s, peak memory {facts['peak_memory_mb']} MB"))


def _effect(row: Mapping[str, Any]) -> str:
    """`activation_rate +5.1 pp (95 % interval +4.0 to +6.2 pp)`."""
    if row["status"] != "estimated":
        return f"{row['metric']}: {row['reason']}"
    decimals = decimals_for(row)
    effect = difference(row["absolute_effect"], row["value"], decimals)
    ends = interval(row["ci_lower"], row["ci_upper"], row["value"], decimals)
    return f"{row['metric']} {effect} ({row['confidence_level']:.0%} interval {ends})"


def demo(
    project: Project,
    home: Home,
    settings: Settings,
    *,
    users: int,
    days: int,
    seed: int,
    events: int | None,
) -> int:
    """Generate the demo product (once), run the main job, compare with the written truth.

    Returns:
        0 if every verdict agrees with the truth, else 1.
    """
    from ..demo import generate

    wanted = {"users": users, "days": days, "seed": seed, "events": events}
    truth_file, made = home.root / "truth.json", home.work / "demo.json"
    if not truth_file.is_file() or not made.is_file() or orjson.loads(made.read_bytes()) != wanted:
        with progress_lines(plain=settings.plain) as progress:
            progress("generate", f"{users:,} users, {days} days, seed {seed}")
            generate(
                home.landing,
                users=users,
                days=days,
                seed=seed,
                events_target=events,
                truth_path=truth_file,
            )
        home.work.mkdir(parents=True, exist_ok=True)
        made.write_bytes(orjson.dumps(wanted))
    facts = run(project, home, settings)
    print_overview(project, home, facts)
    _compare_times(home, facts, digest(wanted))
    return _compare_truth(project, home, truth_file)


def pull(project: Project, home: Home, settings: Settings, names: Sequence[str]) -> None:
    """Pull services into the landing folder, all or those named."""
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    resources = importlib.import_module(f"{_pipelines()}.resources")
    pulls = importlib.import_module(f"{_pipelines()}.pulls")
    workspace = resources.Workspace(project_dir=str(project.root), home_dir=str(home.root))
    with run_lock(home), progress_lines(plain=settings.plain) as progress:
        pulls.run(workspace, names, progress)


def dev(project: Project, home: Home, *, host: str, port: int) -> NoReturn:
    """Become the Dagster UI of the project, with its daemon; ends with Ctrl-C."""
    resources = importlib.import_module(f"{_pipelines()}.resources")
    headless = importlib.import_module(f"{_pipelines()}.headless")
    workspace = resources.Workspace(project_dir=str(project.root), home_dir=str(home.root))
    folder = headless.dagster_home(workspace)
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(folder),
        "LANDED_PROJECT": str(project.root),
        "LANDED_HOME": str(home.root),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    command = [
        sys.executable,
        "-W",
        "ignore",  # `dagster dev` praises its successor at every start
        "-m",
        "dagster",
        "dev",
        "--module-name",
        f"{_pipelines()}.definitions",
        "--host",
        host,
        "--port",
        str(port),
    ]
    # this process becomes Dagster's, so that whoever ends it ends the UI and the daemon
    os.execve(sys.executable, command, environment)  # noqa: S606


def _pipeline(project: Project, home: Home, only: Sequence[str], progress: Progress) -> None:
    """Load the Dagster code location and run it. Imports cost seconds: only when there is work."""
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    resources = importlib.import_module(f"{_pipelines()}.resources")
    headless = importlib.import_module(f"{_pipelines()}.headless")
    workspace = resources.Workspace(project_dir=str(project.root), home_dir=str(home.root))
    headless.run(workspace, only, progress)


def _pipelines() -> str:
    """`pipelines` beside an editable install, `landed.pipelines` in a wheel."""
    return "landed.pipelines" if core_root().name == "_core" else "pipelines"


def _compare_times(home: Home, facts: Mapping[str, Any], key: str) -> None:
    path: Path = home.work / "demo_times.json"
    kept = orjson.loads(path.read_bytes()) if path.is_file() else {}
    if kept.get("key") != key and not facts["unchanged"]:
        path.write_bytes(orjson.dumps({"key": key, "first_seconds": facts["seconds"]}))
    elif kept:
        share = facts["seconds"] / kept["first_seconds"]
        console().print(
            f"the first run took {kept['first_seconds']:.1f} s, this one {facts['seconds']:.1f} s"
            f" ({share:.0%} of it)"
        )


def _compare_truth(project: Project, home: Home, truth_file: Path) -> int:
    truth = orjson.loads(truth_file.read_bytes())["releases"]
    found = {line["release"]: line["verdict"] for line in queries.overview(project, home)}
    wrong = {
        name: (entry["verdict"], found.get(name, "no report"))
        for name, entry in truth.items()
        if found.get(name) != entry["verdict"]
    }
    out = console()
    if not wrong:
        out.print(f"all {len(truth)} verdicts agree with the demo's truth ({truth_file})")
    for name, (expected, got) in wrong.items():
        out.print(f"{name}: the truth is {expected}, the report says {got}", style="bold red")
    return 1 if wrong else 0
