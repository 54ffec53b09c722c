"""The gate's record of each release on disk: what every check found, cutoff by cutoff."""

from __future__ import annotations

from datetime import datetime

import orjson

from ..documents import canonical_json
from ..errors import LandedError, WarehouseError
from ..gate import GateDecision, GateRecord
from ..project import Home
from .durable import write_atomic


def read_gate_record(home: Home, release: str) -> GateRecord:
    """The record of a release; an empty one before its first run.

    Raises:
        WarehouseError: The file is damaged.
    """
    path = home.gates / f"{release}.json"
    try:
        found = GateRecord.of_dict(orjson.loads(path.read_bytes()))
        if found.release != release:
            raise ValueError(f"it is that of `{found.release}`")
        return found
    except FileNotFoundError:
        return GateRecord(release)
    except (ValueError, KeyError, TypeError, AttributeError, LandedError) as error:
        raise WarehouseError(
            f"the gate's record of `{release}` cannot be read: {error}",
            where=str(path),
            fix="remove it: the next run begins another. No decision rests on it.",
            code="gate_record_damaged",
        ) from error


def judged_releases(home: Home) -> list[str]:
    """Names of the releases that the gate has judged, sorted."""
    return sorted(path.stem for path in home.gates.glob("*.json"))


def keep_decision(
    home: Home, decision: GateDecision, *, cutoff_at: datetime, judged_at: datetime
) -> GateRecord:
    """Add a decision to its release's record; a damaged record is begun anew.

    Returns:
        The record with it.
    """
    try:
        record = read_gate_record(home, decision.release)
    except WarehouseError:  # it explains, it decides nothing: not worth stopping a run for
        record = GateRecord(decision.release)
    record = record.with_decision(decision, cutoff_at, judged_at)
    write_atomic(home.gates / f"{decision.release}.json", canonical_json(record.as_dict()) + b"\n")
    return record
