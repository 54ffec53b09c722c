"""One metric over a few events, asked of the compiler and of the oracle, which must agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from kinds.compare import asked, catalog_of
from kinds.marts import FACTS, MEASURES, make_engine
from kinds.oracle import ALL, Oracle, Query
from kinds.values import Row

Definition = dict[str, Any]
Values = dict[Any, Any]
Counting = Callable[..., Values]


def event(
    index: int, name: str | None, at: str | None, unit: str | None = "u1", **more: Any
) -> Row:
    """One event, ordered by its index where instants are equal."""
    return {
        "event_id": f"e{index}",
        "event_name": name,
        "unit_id": unit,
        "session_id": None,
        "app_version": None,
        "seconds": None,
        "amount": None,
        "is_error": None,
        "occurred_at": None if at is None else datetime.fromisoformat(at),
        "received_at": None,
        "is_long": None,
        **more,
    }


def count(
    root: Path,
    kind: str,
    params: Definition,
    *events: Row,
    by: tuple[str, ...] = (),
    grain: str | None = None,
    where: tuple[Any, ...] = (),
    more: dict[str, Definition] | None = None,
    beside: tuple[str, ...] = (),
    zone: str | None = None,
    home: str = "UTC",
) -> Values:
    """Values of the metric by group (and period).

    Args:
        more: Other metrics, of which it may be made.
        beside: Those of them that the query asks for too.
        zone: Of the query.
        home: Of the project.
    """
    metrics = {**(more or {}), "m": {"type": kind, "type_params": params}}
    rows = {"events": list(events), "payments": [], "balances": []}
    query = Query(("m", *beside), by, grain, where, zone)
    catalog = catalog_of(root, metrics, home)
    found = dict(asked(catalog, make_engine(rows, {}), query))
    assert found == Oracle(FACTS, MEASURES, metrics, rows, {}, home).answer(query)
    return {(*key[0], *([] if key[1] == ALL else [key[1]])): one["m"] for key, one in found.items()}
