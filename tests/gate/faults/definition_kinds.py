"""Faults of the definitions: a metric that means something else than at the first look."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

import orjson

from landed.catalog import Catalog, load_catalog
from landed.impact import ReleaseLooks
from landed.project import load_project

from .case import Case
from .kinds import Kind, Plant
from .models import write_project
from .product import NOW, RELEASE, SHIPPED_AT

#: A run at nine in the morning, two weeks after the release shipped.
_FIRST_LOOK_AT = SHIPPED_AT + timedelta(days=14, hours=9)
_SEARCHES = "metrics/search/successful_searches.yml"
_TASKS = "metrics/collaboration/tasks_created.yml"
_FIRST = "- {date: 2026-08-24, change: first definition, by: collaboration}"
_SECOND = "- {date: 2026-10-20, change: comments too, by: collaboration}"


def _edited(file: str, *edits: tuple[str, str]) -> Plant:
    """After a first look, texts of one of the project's files are replaced by others."""

    def after(case: Case) -> None:
        case.now = _FIRST_LOOK_AT
        first = case.assess()
        assert first.looks is not None, first.decision
        kept = ReleaseLooks.of_dict(orjson.loads(orjson.dumps(first.looks.as_dict())))
        case.looks = lambda: kept
        case.now = NOW
        case.catalog = _catalog(file, edits)
        case.release = case.catalog.releases[RELEASE]

    return after


@cache
def _catalog(file: str, edits: tuple[tuple[str, str], ...]) -> Catalog:
    """The definitions with one file edited; its folder stays, as models are read when needed."""
    folder = Path(tempfile.mkdtemp(prefix="landed-edited-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    root = write_project(folder / "project")
    text = (root / file).read_text()
    for old, new in edits:
        assert old in text, (file, old)
        text = text.replace(old, new)
    (root / file).write_text(text)
    return load_catalog(load_project(root))


DEFINITIONS = (
    Kind("metric_edited_without_revision",
         "a search is successful without a click since the first look", ("definition_drift",),
         after=_edited(_SEARCHES, ("successful_search_count", "search_count"))),
    Kind("metric_edited_with_revision",
         "a diagnostic metric counts comments too since the first look, and a revision says so",
         ("definition_drift",),
         after=_edited(_TASKS, ("}} = 'task_created'", "}} in ('task_created', 'comment_posted')"),
                       (_FIRST, f"{_FIRST}\n          {_SECOND}")), means="warn"),
)  # fmt: skip
