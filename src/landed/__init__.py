"""Did it land? Verdicts on every release, on checked data, or not at all."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .serve.asking import Answer, query

__version__ = "0.1.0"
__all__ = ["Answer", "__version__", "query"]


def __getattr__(name: str) -> Any:
    """Load the question and its answer on first use: importing the package stays light."""
    if name not in ("Answer", "query"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(".serve.asking", __name__), name)
