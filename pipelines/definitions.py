"""The whole graph of one project, for `dagster dev`, `landed dev` and `landed run`."""

from __future__ import annotations

import dagster as dg

from . import automation, pulls
from .defs import ingest, models, publish, releases, saved_queries
from .resources import Workspace


def build(workspace: Workspace) -> dg.Definitions:
    """All assets, checks, jobs, sensors and schedules for one project."""
    return dg.Definitions.merge(
        ingest.definitions,
        models.definitions(workspace),
        releases.definitions(workspace),
        publish.definitions,
        saved_queries.definitions(workspace),
        pulls.definitions(workspace),
        dg.Definitions(
            jobs=automation.JOBS,
            sensors=[automation.landing, automation.conditions],
            schedules=[automation.daily],
            resources={"workspace": workspace},
            executor=dg.in_process_executor,
        ),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The project of LANDED_PROJECT, of this folder, or else the demo product."""
    return build(Workspace.from_environment())
