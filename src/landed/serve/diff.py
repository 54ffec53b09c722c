"""`landed diff`: what changed in the definitions between two revisions or folders."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ..catalog.catalog import read_catalog
from ..catalog.diff import Diff, Version, diff, lint_diff
from ..catalog.lineage_models import Models
from ..errors import Fault, PlanError
from ..project import Project, core_root, load_project
from ..project.history import files_at, repository_of
from ..project.layout import PROJECT_FILE
from .options import HERE, FactsFormat, FactsOption, ProjectOption
from .output import Finished, clean, console, print_json

WORK_TREE = "the work tree"
_SHOWN = 8  # names of one kind that a line shows; JSON has them all


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("diff")(show)


def show(
    base: Annotated[str, typer.Argument(help="A git revision, or a folder with a project.")],
    head: Annotated[
        str | None, typer.Argument(help="Another one. Default: the files as they are.")
    ] = None,
    project: ProjectOption = HERE,
    output: FactsOption = FactsFormat.TABLE,
) -> None:
    """What changed in the definitions: harmless, compatible or breaking, and whom it touches."""
    found, _, _ = compare(load_project(project), base, head)
    if output is FactsFormat.JSON:
        print_json(_facts(found, base, head or WORK_TREE))
    else:
        _print(found)
    if found.unanswered:
        raise Finished(1)


def compare(
    project: Project, base: str, head: str | None = None, *, today: date | None = None
) -> tuple[Diff, Version, Version]:
    """The difference between two versions of a project, with the versions.

    Args:
        base: A git revision of the project's repository, or a folder with a project.
        head: Likewise; None means the project's files as they are.

    Raises:
        PlanError: One of them is neither.
        ContractError: The head has faults; `landed check` tells of them as well.
    """
    with contextlib.ExitStack() as stack:
        before = stack.enter_context(_version(project, base))
        after = stack.enter_context(_version(project, head))
        return diff(before, after, as_of=today or datetime.now(UTC).date()), before, after


def faults_since(project: Project, base: str) -> list[Fault]:
    """A fault for every breaking change since `base` that no new revision tells of."""
    today = datetime.now(UTC).date()
    found, before, after = compare(project, base, today=today)
    return lint_diff(found, before, after, today)


@contextlib.contextmanager
def _version(project: Project, named: str | None) -> Iterator[Version]:
    if named is None:
        yield _read(project, core_root(), WORK_TREE)
    elif not named.strip():  # a script's unset variable would compare the project with itself
        raise PlanError(
            "the version to compare with is empty",
            expected="a branch, tag or commit, or a folder with landed.toml",
            fix="name one: `landed diff main`, `landed check --base origin/main`.",
            code="unknown_revision",
        )
    elif (Path(named) / PROJECT_FILE).is_file():
        yield _read(load_project(Path(named)), core_root(), named)
    else:
        with tempfile.TemporaryDirectory(prefix="landed-diff-") as folder:
            yield _at_revision(project, named, Path(folder).resolve())


def _at_revision(project: Project, revision: str, folder: Path) -> Version:
    """The project as a revision has it; the core too where it stands in the same repository."""
    repository = repository_of(project.root) or project.root
    core = core_root()
    is_ours = core.is_relative_to(repository)
    wanted = [
        project.root / PROJECT_FILE,
        project.metrics,
        project.models,
        project.releases,
        *([core / "metrics", core / "models"] if is_ours else []),
    ]
    files_at(repository, revision, wanted, folder)
    then = load_project(folder / project.root.relative_to(repository))
    its_core = folder / core.relative_to(repository) if is_ours else core
    return _read(then, its_core, revision)


def _read(project: Project, core: Path, name: str) -> Version:
    catalog, faults = read_catalog(project, core=core)
    roots = (project.root, core)
    models = Models((core / "models", project.models))
    return Version(name, catalog, roots, tuple(faults), models)


def _facts(found: Diff, base: str, head: str) -> dict[str, Any]:
    return {
        "base": base,
        "head": head,
        "severity": found.severity,
        "unanswered": len(found.unanswered),
        "not_compared": [fault.as_dict() for fault in found.unread],
        "changes": [
            {
                "severity": one.severity,
                "rule": one.rule,
                "subject": one.subject,
                "name": one.name,
                "what": one.what,
                "why": one.why,
                "file": one.file,
                "needs_revision_of": [] if one.is_answered else list(one.owners),
                "is_answered": one.is_answered,
                "touches": one.touches.as_dict(),
            }
            for one in found.changes
        ],
    }


def _print(found: Diff) -> None:
    out = console()

    def line(text: str) -> None:
        out.print(clean(text), markup=False)

    for one in found.changes:
        line(f"{one.severity:<10}  {one.subject} {one.name}: {one.what}")
        line(f"            {one.file}: {one.why}")
        for kind, names in one.touches.as_dict().items():
            if names:
                more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                reached = ", ".join(names[:_SHOWN]) + more
                line(f"            touches {kind.replace('_', ' ')}: {reached}")
        if not one.is_answered:
            line("            no new revision tells of it")
    for fault in found.unread:
        line(f"not compared: {fault.what} ({fault.where})")
    counts = [
        f"{sum(one.severity == word for one in found.changes)} {word}"
        for word in ("breaking", "compatible", "harmless")
    ]
    line(f"{', '.join(counts)}; {len(found.unanswered)} breaking without a new revision")
