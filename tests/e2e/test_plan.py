"""`landed plan` on the demo's history, as a person runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2] / "examples" / "demo"
NOT_SHIPPED = """\
release: shorter-setup
shipped_at: 2026-12-01T09:00:00Z
owner: growth
hypothesis: A shorter first screen helps new people finish setting up.
unit: user
rollout:
  kind: experiment
  exposure: {event: first_screen_shown, variant: arm}
  control: control
  treatments: [short]
  allocation: {control: 0.5, short: 0.5}
horizon: {exposure_ends_at: 2026-12-22T09:00:00Z, looks: daily}
success: [{metric: activation_rate, minimum_effect_of_interest: 0.02}]
guardrails: [{metric: refund_rate, non_inferiority_margin: 0.03}]
survival: [{metric: revenue, non_inferiority_margin: 0.1}]
must_emit: [checklist_shown, first_screen_done]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The demo with one more release, of which its snapshot knows nothing."""
    folder = tmp_path / "demo"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(".landed"))
    (folder / "releases" / "shorter-setup.yml").write_text(NOT_SHIPPED, encoding="utf-8")
    return folder


def test_a_release_that_has_not_shipped_is_planned_from_history(
    demo_home: Path, project: Path, landed: Callable[..., Any]
) -> None:
    done = landed("plan", "shorter-setup", "--project", project, "--format", "json", home=demo_home)

    assert done.code == 0, done.err
    plan = done.json()
    success, refunds, revenue = plan["metrics"]
    assert (plan["looks"], plan["decides_after_days"]) == (21, 35)
    assert plan["units"] == sum(plan["units_a_day"]) > 15_000
    assert success["n_control"] == pytest.approx(plan["units"] / 2, abs=1)
    assert success["detectable"]["14"] > success["detectable_at_end"] > 0
    assert refunds["detectable"]["14"] is None  # its window of 14 days is still open
    assert revenue["cannot_move_in_time"]
    assert not success["cannot_move_in_time"]
    assert plan["rule"]["short"]["worked"] < success["power"]
    assert {one["event"]: one["count"] > 0 for one in plan["instruments"]} == {
        "first_screen_shown": False,
        "checklist_shown": True,
        "first_screen_done": False,
        "onboarding_completed": True,
        "refund_issued": True,
        "payment_succeeded": True,
    }


def test_the_text_tells_what_cannot_move_and_what_was_never_seen(
    demo_home: Path, project: Path, landed: Callable[..., Any]
) -> None:
    done = landed(
        "plan", "shorter-setup", "--project", project, "--exposed-by", "search_performed",
        home=demo_home,
    )  # fmt: skip

    assert done.code == 0, done.err
    assert "those who had `search_performed`" in done.out
    assert "CANNOT MOVE IN TIME revenue" in done.out
    assert "NOT SEEN YET first_screen_done (must_emit): no schema knows it" in done.out
    assert "NOT SEEN LATELY checklist_shown (must_emit)" in done.out  # its release is over
    assert "SEEN payment_succeeded (revenue)" in done.out


def test_evaluations_of_another_flag_are_not_those_of_the_release(
    demo_home: Path, project: Path, landed: Callable[..., Any]
) -> None:
    file = project / "releases" / "search-ranking.yml"
    text = file.read_text("utf-8")

    def seen() -> int:
        done = landed(
            "plan", "search-ranking", "--project", project, "--format", "json", home=demo_home
        )
        assert done.code == 0, done.err
        found: int = done.json()["instruments"][0]["count"]
        return found

    own = seen()
    file.write_text(text.replace("flag: search_ranking", "flag: other"), encoding="utf-8")

    assert own > 1_000
    assert seen() == 0


def test_a_plan_imports_no_heavy_framework(demo_home: Path) -> None:
    arguments = ["plan", "search-ranking", "--project", str(PROJECT), "--home", str(demo_home)]
    script = (
        "import sys\n"
        "from landed.serve.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit as ended:\n"
        "    assert ended.code == 0\n"
        "print('HEAVY', sorted({'dbt', 'dagster', 'great_expectations'} & set(sys.modules)))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "HEAVY []" in done.stdout, done.stdout + done.stderr


def test_an_unknown_release_ends_with_three(demo_home: Path, landed: Callable[..., Any]) -> None:
    done = landed("plan", "shorter-set", "--project", PROJECT, home=demo_home)

    assert done.code == 3
    assert "unknown release `shorter-set`" in done.err


def test_a_home_without_a_snapshot_ends_with_three(
    tmp_path: Path, landed: Callable[..., Any]
) -> None:
    done = landed("plan", "instant-sync", "--project", PROJECT, home=tmp_path)

    assert done.code == 3
    assert "nothing was published yet" in done.err
