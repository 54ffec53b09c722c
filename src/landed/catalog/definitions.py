"""What a definition is once it is read: frozen types, no text left to parse but expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .kinds import KindParams, Span, SpanUnit

MetricKind = Literal[
    "simple",
    "ratio",
    "derived",
    "cumulative",
    "conversion",
    "unit_mean",
    "funnel",
    "retention",
    "rolling_distinct",
]
Aggregation = Literal[
    "sum", "count", "count_distinct", "average", "min", "max", "sum_boolean", "median", "percentile"
]
Direction = Literal["increase_is_good", "decrease_is_good", "neutral"]
Tier = Literal["certified", "team", "draft"]
DimensionKind = Literal["categorical", "time"]
EntityKind = Literal["primary", "unique", "natural", "foreign"]
ZeroRule = Literal["no_value", "zero"]
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
#: Registers of a sketch of distinct values, and how far off a sketched percentile may be.
DISTINCT_REGISTERS = 4096
PERCENTILE_ERROR = 0.01
RESERVED_NAMES = frozenset({METRIC_TIME, RELEASE, VARIANT, "metrics", "measure"})


@dataclass(frozen=True, slots=True)
class Entity:
    """A key of a semantic model. `expr` is the column."""

    name: str
    kind: EntityKind
    expr: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """A column that may be grouped by or filtered on.

    Args:
        expr: An expression over columns.
        validity: Whether it says from when or until when its row holds; None for neither.
    """

    name: str
    kind: DimensionKind
    expr: str
    label: str = ""
    description: str = ""
    validity: Literal["start", "end"] | None = None


@dataclass(frozen=True, slots=True)
class NonAdditive:
    """A measure that is a level, not a flow: only rows at one moment of a dimension count.

    Args:
        dimension: The time dimension.
        choice: The latest or the earliest moment of each group.
        entities: Each of these entities has a moment of its own; none: one for all.
    """

    dimension: str
    choice: Literal["min", "max"]
    entities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate over a semantic model's rows.

    Args:
        expr: An expression over columns.
        percentile: Of a percentile. Share, 0 to 1; None for other aggregations.
        is_discrete: Whether a percentile is a value that occurs, else one between two.
        is_approximate: Whether a percentile or the distinct values are estimated by a sketch.
        non_additive: How values are taken at one moment rather than added over time.
    """

    name: str
    agg: Aggregation
    expr: str
    agg_time_dimension: str
    description: str = ""
    percentile: float | None = None
    is_discrete: bool = False
    is_approximate: bool = False
    non_additive: NonAdditive | None = None

    @property
    def relative_error(self) -> float | None:
        """Of a sketch: of distinct values the standard error, of a percentile the most; a share."""
        if not self.is_approximate:
            return None
        return PERCENTILE_ERROR if self.agg == "percentile" else 1.04 / DISTINCT_REGISTERS**0.5


@dataclass(frozen=True, slots=True)
class SemanticModel:
    """A mart with its keys, dimensions and measures.

    Args:
        name: The semantic model's name.
        model: The dbt model's name; its relation is `main.<model>`.
        primary_entity: Prefix of its dimensions, as in `event__event_name`.
        columns: Data type by column from the model's contract; empty where it has none.
        unique_columns: Columns that a data test holds to be unique.
    """

    name: str
    model: str
    description: str
    primary_entity: str
    entities: Mapping[str, Entity]
    dimensions: Mapping[str, Dimension]
    measures: Mapping[str, Measure]
    columns: Mapping[str, str] = field(default_factory=dict)
    unique_columns: frozenset[str] = frozenset()
    path: Path = field(default=Path(), compare=False)

    @property
    def validity(self) -> tuple[Dimension, Dimension] | None:
        """From when and until when a row holds (slowly changing, type 2); None for always."""
        found = {one.validity: one for one in self.dimensions.values() if one.validity}
        return (found["start"], found["end"]) if len(found) == 2 else None

    @property
    def prefixes(self) -> frozenset[str]:
        """Entities that its own dimensions are named after: one of its rows is one of theirs."""
        kinds = ("primary", "unique", "natural")
        keys = (name for name, one in self.entities.items() if one.kind in kinds)
        return frozenset((self.primary_entity, *keys))

    @property
    def unit(self) -> Entity | None:
        """The unit's key, where the model has one."""
        return self.entities.get(UNIT_ENTITY)

    def time_type(self, dimension: str) -> str:
        """Type of a time dimension's column, lower case; empty where the contract is silent."""
        return self.columns.get(self.dimensions[dimension].expr, "").lower()


@dataclass(frozen=True, slots=True)
class MetricInput:
    """A metric that another one is made of.

    Args:
        alias: Its name there.
        filters: Conditions on it alone.
        offset: It is looked at so long ago; None for now.
        offset_to: It is looked at where the period of this grain began; None for now.
    """

    metric: str
    alias: str
    filters: tuple[str, ...] = ()
    offset: Span | None = None
    offset_to: SpanUnit | None = None


@dataclass(frozen=True, slots=True)
class Fill:
    """What stands where a measure has no rows or no value.

    Args:
        value: In place of NULL; None leaves it.
        has_periods: Whether every period between the first and the last is there, in every group.
    """

    value: float | None = None
    has_periods: bool = False


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
        params: What its kind says beyond a measure.
        zero_denominator: What a ratio is where its denominator is 0; None where nobody says.
        fill: What stands where there are no rows; None for nothing.
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
    params: KindParams | None = None
    fill: Fill | None = None
    zero_denominator: ZeroRule | None = None
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
