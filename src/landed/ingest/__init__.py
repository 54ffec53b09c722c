"""Landing files into the lake: every record accepted, or refused with a reason. Never lost."""

from .accounts import IngestResult, LakeFile, RelationAccount, SourceAccount
from .attach import attach_lake
from .facts import Arrivals, arrivals
from .ledger import Ledger
from .relations import attach_relations, relation_accounts, relations_digest
from .retention import is_overdue
from .run import ingest, pending, unmatched
from .sources import Source, load_sources
from .tracking import load_tracking_plan

__all__ = [
    "Arrivals",
    "IngestResult",
    "LakeFile",
    "Ledger",
    "RelationAccount",
    "Source",
    "SourceAccount",
    "arrivals",
    "attach_lake",
    "attach_relations",
    "ingest",
    "is_overdue",
    "load_sources",
    "load_tracking_plan",
    "pending",
    "relation_accounts",
    "relations_digest",
    "unmatched",
]
