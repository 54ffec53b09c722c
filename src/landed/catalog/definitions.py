"""What a definition is once it is read: frozen types, no text left to parse but expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MetricKind = Literal["simple", "ratio", "derived", "unit_mean"]
Aggregation = Literal["sum", "count", "count_distinct", "average", "min", "max", "sum_boolean"]
Direction = Literal["increase_is_good", "decrease_is_good", "neutral"]
Tier = Literal["certified", "team", "draft"]
DimensionKind = Literal["categorical", "time"]
EntityKind = Literal["primary", "unique", "natural", "foreign"]
UnitFormName = Literal["mean", "proportion", "ratio", "unit_mean"]

#: The entity that releases are measured on, and that attributes are joined by.
UNIT_ENTITY = "unit"
#: Relation that holds who was exposed to what, and the metric that counts its units.
EXPOSURES_MODEL = "fct_exposures"
EXPOSED_UNITS = "exposed_units"
#: Names of `metrics` that are no dimension of any model.
METRIC_TIME = "metric_time"
RELEASE = "release"
VARIANT = "variant"
RESERVED_NAMES = frozenset({METRIC_TIME, RELEASE, VARIANT, "metrics", "measure"})


@dataclass(frozen=True, slots=True)
class Entity:
    """A key of a semantic model. `expr` is the column."""

    name: str
    kind: EntityKind
    expr: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """A column that may be grouped by or filtered on. `expr` is an expression over columns."""

    name: str
    kind: DimensionKind
    expr: str
    label: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate over a semantic model's rows. `expr` is an expression over columns."""

    name: str
    agg: Aggregation
    expr: str
    agg_time_dimension: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class SemanticModel:
    """A mart with its keys, dimensions and measures.

    Args:
        name: The semantic model's name.
        model: The dbt model's name; its relation is `main.<model>`.
        primary_entity: Prefix of its dimensions, as in `event__event_name`.
        columns: Data type by column from the model's contract; empty where it has none.
    """

    name: str
    model: str
    description: str
    primary_entity: str
    entities: Mapping[str, Entity]
    dimensions: Mapping[str, Dimension]
    measures: Mapping[str, Measure]
    columns: Mapping[str, str] = field(default_factory=dict)
    path: Path = field(default=Path(), compare=False)

    @property
    def unit(self) -> Entity | None:
        """The unit's key, where the model has one."""
        return self.entities.get(UNIT_ENTITY)

    def time_type(self, dimension: str) -> str:
        """Type of a time dimension's column, lower case; empty where the contract is silent."""
        return self.columns.get(self.dimensions[dimension].expr, "").lower()


@dataclass(frozen=True, slots=True)
class MetricInput:
    """A metric that another one is made of: its name there, and a filter of its own."""

    metric: str
    alias: str
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """A change of a definition: day (text, ISO), what changed, by whom."""

    date: str
    change: str
    by: str


@dataclass(frozen=True, slots=True)
class Deprecation:
    """From when a metric should not be used, until when it may, and what to use instead."""

    since: str
    until: str
    use: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A governed definition.

    Args:
        value: The unit of measure: share, usd, seconds, count …
        window_days: Outcome window after exposure. Days, > 0; None means until the cutoff.
        minimum_effect_of_interest: Absolute, in `value`.
        non_inferiority_margin: Absolute, in `value`.
        cap_value: A unit's outcome counts at most this much. In `value`; None means no cap.
        measure: The measure of a simple or unit_mean metric.
        filters: Conditions of the metric itself, in the filter grammar.
        inputs: Numerator and denominator of a ratio; inputs of a derived metric.
        expr: Arithmetic over the inputs' aliases (derived only).
        digest: Of the compiled definition: the same formula has the same digest.
    """

    name: str
    label: str
    description: str
    kind: MetricKind
    owner: str
    value: str
    direction: Direction
    tier: Tier = "draft"
    window_days: float | None = None
    minimum_effect_of_interest: float | None = None
    non_inferiority_margin: float | None = None
    cap_value: float | None = None
    measure: str | None = None
    filters: tuple[str, ...] = ()
    inputs: tuple[MetricInput, ...] = ()
    expr: str | None = None
    revisions: tuple[Revision, ...] = ()
    deprecated: Deprecation | None = None
    path: Path = field(default=Path(), compare=False)
    digest: str = ""

    @property
    def revision(self) -> str | None:
        """The latest revision's day, ISO text; None where none is written."""
        return max((entry.date for entry in self.revisions), default=None)


@dataclass(frozen=True, slots=True)
class DimensionInfo:
    """A name that a query of some metrics may group by or filter on.

    Args:
        name: In full: `unit__plan`, or `metric_time`, `release`, `variant`.
        short: `plan` where that is unique among these metrics; None otherwise.
    """

    name: str
    short: str | None
    kind: DimensionKind
    description: str = ""
