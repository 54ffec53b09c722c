"""The definitions of a project as documents of other tools."""

from __future__ import annotations

import yaml

from ..catalog import load_catalog
from ..catalog.dbt_form import Exported, as_dbt
from ..compiler.osi_form import as_osi
from ..project import Project


def osi(project: Project) -> tuple[str, list[str]]:
    """The document, and a line for each metric that it lacks or that needs a word."""
    return _rendered(as_osi(load_catalog(project), project.name))


def dbt(project: Project) -> tuple[str, list[str]]:
    """The same for dbt."""
    return _rendered(as_dbt(load_catalog(project)))


def _rendered(exported: Exported) -> tuple[str, list[str]]:
    notes = [
        *(f"not carried: {name}: {why}" for name, why in exported.unsupported.items()),
        *(f"carried, but: {name}: {why}" for name, why in exported.cautions.items()),
    ]
    head = "".join(f"# {' '.join(note.split())}\n" for note in notes)
    body = yaml.safe_dump(exported.data, sort_keys=False, allow_unicode=True, width=100)
    return head + body, notes
