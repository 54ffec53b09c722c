"""The embedded engine and the lock on a home. Alone in opening DuckDB and PostgreSQL."""

from .engine import Engine
from .instants import without_zone
from .lock import run_lock

__all__ = ["Engine", "run_lock", "without_zone"]
