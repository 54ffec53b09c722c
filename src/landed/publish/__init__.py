"""What readers see: immutable snapshots, reports, and the store that BI tools read.

Who asks a snapshot for numbers does not pay for importing what makes one: names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .judged_again import snapshot_id
    from .readers import Snapshot, current, open_snapshot, read_snapshot
    from .reports import latest_reports, read_report, write_reports
    from .snapshot import publish_snapshot

_MODULES = {
    "Snapshot": "readers",
    "current": "readers",
    "latest_reports": "reports",
    "open_snapshot": "readers",
    "publish_snapshot": "snapshot",
    "read_report": "reports",
    "read_snapshot": "readers",
    "snapshot_id": "judged_again",
    "write_reports": "reports",
}

__all__ = [
    "Snapshot",
    "current",
    "latest_reports",
    "open_snapshot",
    "publish_snapshot",
    "read_report",
    "read_snapshot",
    "snapshot_id",
    "write_reports",
]


def __getattr__(name: str) -> Any:
    """Load a name from its module on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
