"""Landing files into the lake: every record accepted, or refused with a reason. Never lost."""

from .accounts import IngestResult, LakeFile, SourceAccount
from .attach import attach_lake
from .ledger import Ledger
from .run import ingest, pending
from .sources import Source, load_sources

__all__ = [
    "IngestResult",
    "LakeFile",
    "Ledger",
    "Source",
    "SourceAccount",
    "attach_lake",
    "ingest",
    "load_sources",
    "pending",
]
