"""Landing files into the lake: every record accepted, or refused with a reason. Never lost."""

from .accounts import IngestResult, LakeFile, SourceAccount
from .attach import attach_lake
from .ledger import Ledger
from .run import ingest, pending, unmatched
from .sources import Source, load_sources
from .tracking import load_tracking_plan

__all__ = [
    "IngestResult",
    "LakeFile",
    "Ledger",
    "Source",
    "SourceAccount",
    "attach_lake",
    "ingest",
    "load_sources",
    "load_tracking_plan",
    "pending",
    "unmatched",
]
