"""What history costs: de-duplication in the late window, and a day's increment of the whole run."""

from __future__ import annotations

import importlib
import resource
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from landed.warehouse import run_lock

from .ingest_cases import linked, write_project
from .ingest_data import Shape, daily_files, on
from .ingest_measure import Cost, Rounds, interleave, measure

Work = Callable[[], Mapping[str, Any]]
#: Days of the late window that de-duplication looks back on.
WINDOW_DAYS = 7


def window(
    data: Path, out: Path, *, rounds: int, small: int, large: int, longest: int, seed: int
) -> dict[str, Rounds]:
    """Cost of one more day on homes with different histories.

    Args:
        data: Where generated files are kept.
        out: Where homes go.
        rounds: Count.
        small: Events of a day where the length of history is varied. Count.
        large: Events of a day where the window's content is varied. Count.
        longest: Days of the longest history.
        seed: Of the data.

    Returns:
        Rounds by case: `history <days>`, `window empty` and `window full`; and each of them once
        more with `, watched` behind its name, whose answer holds CPU seconds by stage.
    """
    cases: dict[str, Callable[[], Cost]] = {}
    shape = Shape(small * (longest + 1), longest + 1, seed, users=max(small // 2, 1))
    for days in (min(30, longest), longest):
        name = f"history {days}"
        first = longest - days
        cases[name] = _one_more_day(data, out / name, shape, range(first, longest), longest)
    shape = Shape(large * (WINDOW_DAYS + 1), WINDOW_DAYS + 1, seed, users=max(large // 2, 1))
    for name, held in (("window empty", range(0)), ("window full", range(WINDOW_DAYS))):
        cases[name] = _one_more_day(data, out / name, shape, held, WINDOW_DAYS)
    found = interleave(cases, rounds)
    for name in cases:
        places = {what: str(out / name / what) for what in ("project", "home", "saved")}
        found[f"{name}, watched"] = Rounds([measure("ingest_stages", "stages_again", **places)])
    return found


def _one_more_day(data: Path, out: Path, shape: Shape, days: range, day: int) -> Callable[[], Cost]:
    """A case that ingests `day` into a home that holds `days`; the home is made here, once."""
    landing = out / "landing"
    landing.mkdir(parents=True)
    pattern = f"{landing}/*.jsonl.gz"
    _land(landing, daily_files(data, shape, days=days) if days else [])
    if days:
        made = measure("ingest_cases", "landed", out=str(out), pattern=pattern)
        print(f"  {out.name}: {made.answer['accepted']:,} events in {made.cpu:.0f} CPU s")
        (out / "home").rename(out / "saved")
    else:
        write_project(out / "project", pattern)
        (out / "saved").mkdir()
    _land(landing, daily_files(data, shape, days=range(day, day + 1)))
    given = {"project": str(out / "project"), "home": str(out / "home")}
    return lambda: measure("ingest_cases", "landed_again", saved=str(out / "saved"), **given)


def _land(landing: Path, files: Sequence[Path]) -> None:
    for path in files:
        (landing / path.name).symlink_to(path.resolve())


RELEASE = """\
release: new-ranking
shipped_at: {shipped}
owner: search
hypothesis: A better ranking brings people back.
rollout:
  kind: experiment
  exposure: {{event: session_started, variant: variant}}
  control: control
  treatments: [ranked]
  allocation: {{control: 0.5, ranked: 0.5}}
horizon: {{exposure_ends_at: {ends}, looks: once}}
success: [{{metric: sessions, minimum_effect_of_interest: 0.2}}]
"""


def increment(
    data: Path, out: Path, *, rounds: int, a_day: int, histories: Sequence[int], seed: int
) -> dict[str, Rounds]:
    """The whole run for one more day, against the whole run for all days at once.

    Args:
        data: Where generated files are kept.
        out: Where homes go.
        rounds: Of the increments; a run of all days is measured once, as it makes the home.
        a_day: Events a day. Count.
        histories: Days of history. Counts.
        seed: Of the data.

    Returns:
        Rounds by case: `all of <days>` and `one more on <days>`; `first start` and `start`, the
        same two on tiny days, which is what a run costs before it has any data to speak of (the
        first one also parses the dbt project). The answers give CPU seconds by stage.
    """
    longest = max(histories)
    shape = Shape(a_day * (longest + 1), longest + 1, seed, users=max(a_day // 2, 1))
    tiny = Shape(24, 2, seed, users=12)
    cases: dict[str, Callable[[], Cost]] = {}
    found: dict[str, Rounds] = {}
    plans = [("start", tiny, range(1), 1)]
    plans += [(f"one more on {n}", shape, range(longest - n, longest), longest) for n in histories]
    for name, of, days, day in plans:
        whole, again = _run_twice(data, out / name, of, days, day)
        found["first start" if name == "start" else f"all of {len(days)}"] = Rounds([whole])
        cases[name] = again
    return {**found, **interleave(cases, rounds)}


def _run_twice(
    data: Path, out: Path, shape: Shape, days: range, day: int
) -> tuple[Cost, Callable[[], Cost]]:
    """The cost of a run over `days` from nothing, and the case of a run over `day` after it."""
    landing = out / "landing"
    landing.mkdir(parents=True)
    write_project(out / "project", f"{landing}/*.jsonl.gz", plan=True)
    shipped = on(days[0])
    release = RELEASE.format(
        shipped=f"{shipped}T00:00:00Z", ends=f"{shipped + timedelta(days=365)}T00:00:00Z"
    )
    for name in ("releases", "metrics"):
        (out / "project" / name).mkdir()
    (out / "project" / "releases" / "new-ranking.yml").write_text(release, encoding="utf-8")
    _land(landing, daily_files(data, shape, days=days))
    given = {"project": str(out / "project"), "home": str(out / "home")}
    whole = measure("ingest_history", "whole_run", saved="", **given)
    print(f"  {out.name}: all of {len(days)} days in {whole.cpu:.0f} CPU s ({_told(whole)})")
    (out / "home").rename(out / "saved")
    _land(landing, daily_files(data, shape, days=range(day, day + 1)))
    return whole, lambda: measure("ingest_history", "whole_run", saved=str(out / "saved"), **given)


def _told(cost: Cost) -> str:
    return ", ".join(f"{name} {spent:.1f}" for name, spent in cost.answer.items())


def whole_run(*, project: str, home: str, saved: str) -> Work:
    """What `landed run` does in its process: ingest, build, judge, publish.

    Its imports are not measured here but where the process starts; dbt's and Dagster's own start
    falls in the run and is measured.

    Args:
        project: The project's folder.
        home: Its home; what is there is removed.
        saved: A home to begin from, copied; empty for none.
    """
    # dagster costs seconds to import: only where it is measured
    headless = importlib.import_module("pipelines.headless")
    workspace_of = importlib.import_module("pipelines.resources").Workspace
    shutil.rmtree(home, ignore_errors=True)
    if saved:
        shutil.copytree(saved, home, copy_function=linked, symlinks=True)
    workspace = workspace_of(project_dir=project, home_dir=home)
    marks: list[tuple[str, float]] = []

    def work() -> dict[str, float]:
        with run_lock(workspace.home):
            headless.run(workspace, (), lambda stage, _: marks.append((stage, _spent())))
        spent: dict[str, float] = {}
        ends = [at for _, at in marks[1:]] + [_spent()]
        for (stage, at), end in zip(marks, ends, strict=True):
            spent[stage] = spent.get(stage, 0.0) + end - at
        return spent

    return work


def _spent() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)
