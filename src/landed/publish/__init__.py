"""What readers see: immutable snapshots, reports, and the store that BI tools read."""

from .readers import Snapshot, current, open_snapshot, read_snapshot
from .reports import latest_reports, read_report, write_reports
from .snapshot import publish_snapshot, snapshot_id

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
