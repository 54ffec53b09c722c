"""Which names a query of some metrics may group by and filter on."""

from __future__ import annotations

from collections.abc import Sequence

from ..catalog.catalog import Catalog
from ..catalog.definitions import DimensionInfo


def list_dimensions(catalog: Catalog, metrics: Sequence[str]) -> tuple[DimensionInfo, ...]:
    """Dimensions that all these metrics have, in full and short, with the three special ones."""
    return catalog.dimensions_of(metrics)
