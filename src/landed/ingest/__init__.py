"""Landing files into the lake: every record accepted, or refused with a reason. Never lost."""

from .accounts import IngestResult, LakeFile, RelationAccount, SourceAccount
from .attach import attach_lake
from .facts import Arrivals, arrivals
from .lake import check_days
from .ledger import Ledger
from .relations import attach_relations, relation_accounts, relations_digest
from .retention import is_overdue
from .run import ingest
from .sources import Source, load_sources
from .tracking import load_tracking_plan
from .waiting import pending, undeclared, unmatched, unseen

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
    "check_days",
    "ingest",
    "is_overdue",
    "load_sources",
    "load_tracking_plan",
    "pending",
    "relation_accounts",
    "relations_digest",
    "undeclared",
    "unmatched",
    "unseen",
]
