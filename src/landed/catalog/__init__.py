"""Metric definitions and releases: YAML to frozen types, linted with every fault at once."""

from .catalog import Catalog, load_catalog
from .definitions import (
    Dimension,
    DimensionInfo,
    Entity,
    Measure,
    Metric,
    MetricInput,
    Revision,
    SemanticModel,
)
from .forms import NoUnitForm, UnitForm
from .releases import AllocationStage, Exemption, ExposureRule, Release, RoleOfMetric

__all__ = [
    "AllocationStage",
    "Catalog",
    "Dimension",
    "DimensionInfo",
    "Entity",
    "Exemption",
    "ExposureRule",
    "Measure",
    "Metric",
    "MetricInput",
    "NoUnitForm",
    "Release",
    "Revision",
    "RoleOfMetric",
    "SemanticModel",
    "UnitForm",
    "load_catalog",
]
