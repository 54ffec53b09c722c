"""The demo product: a simulated team app whose truth is known, deterministic by seed."""

from .columns import Columns
from .files import generate, write
from .simulation import simulate
from .truth import ReleaseTruth, Truth, Written

__all__ = ["Columns", "ReleaseTruth", "Truth", "Written", "generate", "simulate", "write"]
