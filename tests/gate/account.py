"""The row account of a source, as the gate's tests hand it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Account:
    """Row account of a source."""

    source: str
    kind: str
    rows_in: int
    accepted: int
    duplicate: int = 0
    conflict: int = 0
    quarantined: int = 0
    left_out: int = 0
    arrivals: tuple[Any, ...] = ()
