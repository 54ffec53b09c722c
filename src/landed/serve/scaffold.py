"""`landed init`: a complete project to start from."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import ContractError
from ..project import core_root

_README = """\
# A landed project

    landed demo       # simulated data for the releases that came with the project
    landed check      # every fault of the files at once
    landed run        # ingest, build, judge, report
    landed report RELEASE

`sources/` says where files are, `tracking/` what events look like, `metrics/` and `models/` what is
measured, `releases/` what shipped. All state is in `.landed/`, which git ignores.
"""


def make_project(folder: Path) -> str:
    """Copy the demo product's project into a new folder, under the folder's name.

    Returns:
        The project's name: the folder's, as a slug.

    Raises:
        ContractError: The folder holds files already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ContractError(
            f"{folder} is not empty", expected="a new or empty folder", fix="choose another name."
        )
    letters = folder.resolve().name.lower()
    name = "".join(one if one.isascii() and one.isalnum() else "_" for one in letters)
    name = name if name[:1].isalpha() else f"p_{name}"
    source = core_root() / "examples" / "demo"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".landed"), dirs_exist_ok=True)
    (folder / ".gitignore").write_text(".landed/\n", "utf-8")
    (folder / "README.md").write_text(_README, "utf-8")
    file = folder / "landed.toml"
    file.write_text(file.read_text("utf-8").replace('"demo"', f'"{name[:63]}"', 1), "utf-8")
    return name[:63]
