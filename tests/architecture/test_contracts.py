"""The shape of the house: who imports whom, what is light, what the wheel holds."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "landed"


def imported_packages(folder: Path) -> dict[str, set[str]]:
    """Top-level packages that each module imports, relative imports as `landed.<module>`."""
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add((node.module or "").split(".")[0])
            elif isinstance(node, ast.ImportFrom) and node.level > 1:
                names.add(f"landed.{(node.module or '').split('.')[0]}")
        found[str(path.relative_to(ROOT))] = names
    return found


def test_stats_imports_nothing_but_numpy_scipy_and_the_error_tree() -> None:
    allowed = {"numpy", "scipy", "landed.errors", *sys.stdlib_module_names}
    forbidden_stdlib = {"os", "sys", "logging", "time", "datetime", "pathlib", "io", "socket"}

    foreign = {
        module: names - allowed | names & forbidden_stdlib
        for module, names in imported_packages(SRC / "stats").items()
    }

    assert foreign
    assert {module: names for module, names in foreign.items() if names} == {}


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_pipelines_hold_no_sql_and_no_file_is_too_long() -> None:
    modules = list((ROOT / "pipelines").rglob("*.py"))
    with_sql = [
        str(path.relative_to(ROOT))
        for path in modules
        if any(word in path.read_text("utf-8").lower() for word in ("select ", "insert into"))
    ]
    too_long = [
        str(path.relative_to(ROOT))
        for path, limit in [(p, 150) for p in modules] + [(p, 600) for p in SRC.rglob("*.py")]
        if len(path.read_text("utf-8").splitlines()) > limit
    ]

    assert modules
    assert with_sql == []
    assert too_long == []


@pytest.mark.parametrize("command", ["check", "query", "diff", "lineage", "plan"])
def test_light_commands_import_no_heavy_framework(command: str) -> None:
    arguments = {
        "check": ["check"],
        "query": ["query", "SELECT 1"],
        "diff": ["diff", str(ROOT / "examples" / "demo")],
        "lineage": ["lineage", "activation_rate"],
        "plan": ["plan", "search-ranking"],
    }[command]
    script = (
        "import sys\n"
        "from landed.serve.cli import main\n"
        "try:\n"
        f"    main({[*arguments, '--project', str(ROOT / 'examples' / 'demo')]!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        "print('HEAVY', sorted({'dbt', 'dagster', 'great_expectations'} & set(sys.modules)))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert "HEAVY []" in done.stdout, done.stdout + done.stderr


def test_the_wheel_carries_the_core_and_no_top_level_pipelines(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "--quiet",
            "--wheel-dir",
            str(tmp_path),
            str(ROOT),
        ],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("landed-*.whl")

    names = zipfile.ZipFile(wheel).namelist()

    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"landed"}
    assert "landed/pipelines/definitions.py" in names
    assert "landed/_core/dbt_project.yml" in names
    assert any(name.startswith("landed/_core/models/") for name in names)
    assert any(name.startswith("landed/_core/metrics/") for name in names)
    assert any(name.startswith("landed/_core/expectations/") for name in names)
    assert not [name for name in names if "/.landed/" in name]
