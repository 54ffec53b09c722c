"""What several test folders share: the repository, its real data, and a way to run the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Landed = Callable[..., Done]


def run_landed(
    *arguments: str | Path,
    home: Path | None = None,
    timeout: float = 600,
    environment: dict[str, str] | None = None,
) -> Done:
    """Run `landed` in a process of its own, as a person would; no setting but those given."""
    command = [str(Path(sys.executable).with_name("landed")), *map(str, arguments)]
    if home is not None:
        command += ["--home", str(home)]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("LANDED_")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**inherited, "NO_COLOR": "1", **(environment or {})},
        cwd=ROOT,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def landed() -> Landed:
    return run_landed


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real input data; tests that need it are skipped where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real input data at {REAL_DATA}")
    return REAL_DATA


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of one whole run of the main job on the demo product (seed 7)."""
    home = tmp_path_factory.mktemp("demo") / "home"
    done = run_landed("demo", "--project", ROOT / "examples" / "demo", home=home)
    assert done.code == 0, done.out + done.err
    (home / "first_run.txt").write_text(done.out, encoding="utf-8")
    return home


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What reads the demo's whole run shares a worker: making it takes most of a minute."""
    for item in items:
        if "demo_home" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("demo_home"))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file, and of an `xdist_group`, in one worker.

    They share fixtures that cost seconds; what xdist offers keeps together either groups or files.
    """
    from xdist.scheduler import LoadGroupScheduling

    class ByGroupOrFile(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scope = super()._split_scope(nodeid)
            return scope if scope != nodeid else nodeid.split("::", 1)[0]

    return ByGroupOrFile(config, log)
