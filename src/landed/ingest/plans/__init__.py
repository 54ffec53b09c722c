"""Tracking plans of other tools as `tracking/<event>.json`, with every loss named."""

from .common import ImportedPlan, write_plan
from .iglu import read_iglu
from .rudderstack import read_rudderstack
from .segment import read_segment

__all__ = ["ImportedPlan", "read_iglu", "read_rudderstack", "read_segment", "write_plan"]
