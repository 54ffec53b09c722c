"""A project's files as they stood at a git revision, read beside the work tree.

Blobs are read one by one and written to a folder of their own: no checkout, so no filter, hook or
attribute of the repository runs, and the work tree and the index stay as they are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ..errors import PlanError

_FILE_MODES = ("100644", "100755")
_TIMEOUT_SECONDS = 30.0
#: In a hook git tells these to what it starts; then it would look at another place than the folder.
_OF_A_HOOK = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_PREFIX",
        "GIT_COMMON_DIR",
        "GIT_LITERAL_PATHSPECS",
        "GIT_GLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
    }
)


def repository_of(folder: Path) -> Path | None:
    """The top folder of the git repository that holds a folder; None where there is none."""
    if shutil.which("git") is None:
        return None
    done = _git(folder, "rev-parse", "--show-toplevel")
    return Path(done.stdout.decode().strip()) if done.returncode == 0 else None


def files_at(repository: Path, revision: str, folders: Iterable[Path], into: Path) -> str:
    """Write files of a revision to a folder, each where it stood in the repository.

    Args:
        repository: Its top folder.
        revision: Anything that names a commit: a branch, a tag, `HEAD~1`, `origin/main`.
        folders: Files or folders of the repository to write; what is not in the revision is not
            written. Links are left out.
        into: An empty folder.

    Returns:
        The commit's id.

    Raises:
        PlanError: The revision names no commit.
    """
    named = f"{revision}^{{commit}}"
    found = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", named)
    if found.returncode != 0 and repository_of(repository) is None:
        raise PlanError(
            f"{repository} stands in no git repository, so `{revision}` is no revision of it",
            expected="a repository, or a folder with landed.toml",
            fix="run it where the project is versioned, or name a folder to compare with.",
            code="no_repository",
        )
    if found.returncode != 0:
        raise PlanError(
            f"`{revision}` is no revision of {repository}, and no folder with a project",
            expected="a branch, tag or commit, or a folder with landed.toml",
            fix="see `git log`; a shallow clone may lack it: `git fetch --unshallow`.",
            code="unknown_revision",
        )
    commit = found.stdout.decode().strip()
    paths = [folder.relative_to(repository).as_posix() for folder in folders]
    listed = _git(repository, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
    if listed.returncode != 0:
        raise _broken(repository, listed)
    wanted: list[tuple[str, PurePosixPath]] = []
    for line in listed.stdout.split(b"\0"):
        facts, _, name = line.decode("utf-8", "surrogateescape").partition("\t")
        path = PurePosixPath(name)
        if name and facts.split()[0] in _FILE_MODES and ".." not in path.parts:
            wanted.append((facts.split()[2], path))
    for (_, path), data in zip(wanted, _blobs(repository, wanted), strict=True):
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return commit


def _blobs(repository: Path, wanted: list[tuple[str, PurePosixPath]]) -> list[bytes]:
    """Contents of blobs, in one call."""
    if not wanted:
        return []
    asked = "".join(f"{name}\n" for name, _ in wanted).encode()
    done = _git(repository, "cat-file", "--batch", given=asked)
    if done.returncode != 0:
        raise _broken(repository, done)
    found: list[bytes] = []
    at = 0
    for _ in wanted:  # each: `<id> blob <size>`, a line end, the bytes, a line end
        end = done.stdout.index(b"\n", at)
        size = int(done.stdout[at:end].split()[2])
        found.append(done.stdout[end + 1 : end + 1 + size])
        at = end + 2 + size
    return found


def _git(
    folder: Path, *arguments: str, given: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - a list, no shell; revisions stand behind end-of-options
        ["git", "-C", str(folder), *arguments],  # noqa: S607 - the git of the person's own path
        input=given,
        capture_output=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
        env={name: value for name, value in os.environ.items() if name not in _OF_A_HOOK},
    )


def _broken(repository: Path, done: subprocess.CompletedProcess[bytes]) -> PlanError:
    said = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
    return PlanError(f"git cannot read {repository}: {said}", fix="run `git fsck`.", code="git")
