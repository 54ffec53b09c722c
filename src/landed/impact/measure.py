"""Runs the one query that turns marts into moments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..catalog import Catalog
from ..catalog.forms import NoUnitForm
from ..catalog.releases import Release
from ..compiler import compile_unit_moments
from ..warehouse import Engine


def measure(
    engine: Engine, catalog: Catalog, release: Release, *, cutoff_at: datetime
) -> list[dict[str, Any]]:
    """Moments of every metric of a release that has a per-unit outcome.

    Args:
        engine: The database with the marts.
        catalog: Definitions of the metrics.
        release: The release whose exposed units are measured.
        cutoff_at: Outcomes at or after it do not count. UTC.

    Returns:
        One row a metric and variant, with the columns of `landed.compiler.MOMENT_COLUMNS`.
        Metrics without a per-unit outcome have no row; `estimate_release` says so.
    """
    measurable = [
        name for name in release.metrics if not isinstance(catalog.unit_form(name), NoUnitForm)
    ]
    if not measurable:
        return []
    compiled = compile_unit_moments(catalog, release, measurable, cutoff_at=cutoff_at)
    return engine.dicts(compiled.sql)
