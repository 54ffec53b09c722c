"""What a check finds before it is judged, and what it may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..catalog import Catalog
from ..catalog.releases import AllocationStage, Release
from ..errors import WarehouseError
from ..warehouse import Engine, without_zone
from .decision import Stage

if TYPE_CHECKING:
    from ..impact import ReleaseLooks

T = TypeVar("T")
Number = float | int | bool
#: Offending rows that a check shows at most.
MOST_SAMPLED = 5


@dataclass(frozen=True, slots=True)
class Fact:
    """One check's finding: the numbers that are judged, and the words that explain them.

    Args:
        columns: Judged value by column; the suite's expectation names the column. No nulls.
        observed: What was found, for people.
        expected: What would pass; `{limit}` stands for the limit of the expectation.
        limit_as: How the limit is written: a share as per cent, or a plain number.
        details: Facts behind `observed`, plain JSON values.
        sample: A few of the offending rows: names, instants and digests of ids, never what people
            wrote or a value of a property. At most `MOST_SAMPLED`.
        fix: The repair of this case, before the expectation's own; empty for that alone.
    """

    columns: Mapping[str, Number]
    observed: str
    expected: str
    limit_as: str = "number"
    details: Mapping[str, Any] = field(default_factory=dict)
    sample: Sequence[Mapping[str, Any]] = ()
    fix: str = ""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The check has nothing to judge in this release, and why."""

    reason: str


class DayAccount(Protocol):
    """Row account of one source on the day that batches came; `landed.ingest.DayAccount` is one."""

    @property
    def day(self) -> date:
        """UTC day of the batches."""

    @property
    def rows_in(self) -> int:
        """Rows read that something could be wrong with."""

    @property
    def duplicate(self) -> int:
        """Rows seen before."""

    @property
    def refused(self) -> int:
        """Rows in quarantine."""

    @property
    def conflict(self) -> int:
        """Rows with the id of another row and other content."""


class Account(Protocol):
    """Row account of one source over its whole life; `landed.ingest.SourceAccount` is one."""

    @property
    def source(self) -> str:
        """Name of the source."""

    @property
    def kind(self) -> str:
        """events, feedback or exposures."""

    @property
    def rows_in(self) -> int:
        """Rows read."""

    @property
    def accepted(self) -> int:
        """Rows in the lake."""

    @property
    def duplicate(self) -> int:
        """Rows seen before."""

    @property
    def conflict(self) -> int:
        """Rows with the id of another row and other content."""

    @property
    def quarantined(self) -> int:
        """Rows refused."""

    @property
    def left_out(self) -> int:
        """Those of the refused rows that nothing is wrong with: a select leaves them out."""

    @property
    def arrivals(self) -> Sequence[DayAccount]:
        """Accounts by day of arrival, in order; empty where they are not known."""


@dataclass(frozen=True, slots=True)
class ModelTest:
    """Outcome of one data test of a dbt model.

    Args:
        model: The model tested.
        test: The test's name.
        passed: Whether it passed; a test that could not run did not pass.
        failures: Rows that failed. Count.
        feeds: Models built from `model`, through all steps; their readers are blocked too.
    """

    model: str
    test: str
    passed: bool
    failures: int = 0
    feeds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ReleaseDates:
    """The instants of a release as the marts have them. UTC, without a zone, as in the engine."""

    shipped_at: datetime
    cutoff_at: datetime
    decides_at: datetime | None
    exposure_ends_at: datetime | None

    @property
    def exposure_until(self) -> datetime:
        """The earlier of the end of exposure and the cutoff."""
        ends = self.exposure_ends_at
        return self.cutoff_at if ends is None else min(ends, self.cutoff_at)


@dataclass(frozen=True, slots=True)
class ExposedCell:
    """Exposed units of one variant in one stage of the allocation. Counts."""

    stage: int
    variant: str
    units: int
    crossovers: int
    bots: int


@dataclass
class Subject:
    """One release under judgement: what every check may look at. Passes over tables are shared."""

    engine: Engine
    catalog: Catalog
    release: Release
    accounts: Sequence[Account] = ()
    model_tests: Sequence[ModelTest] = ()
    as_of: datetime | None = None
    moments: Sequence[Mapping[str, Any]] = ()
    by_segment: Sequence[Mapping[str, Any]] = ()
    estimates: Sequence[Any] = ()
    given_cutoff_at: datetime | None = None
    looks: Callable[[], ReleaseLooks | None] = lambda: None
    _passes: dict[Callable[[Subject], Any], Any] = field(default_factory=dict, repr=False)

    def once(self, read: Callable[[Subject], T]) -> T:
        """What a pass over a table gives; checks that ask for the same pass share one reading."""
        if read not in self._passes:
            self._passes[read] = read(self)
        found: T = self._passes[read]
        return found

    @cached_property
    def dates(self) -> ReleaseDates:
        """The release's row of `dim_releases`; its cutoff is the one handed in, where there is."""
        row = self.engine.one(
            """
            select shipped_at, cutoff_at, decides_at, exposure_ends_at
            from main.dim_releases where release = $release
            """,
            {"release": self.release.release},
        )
        if row is None or row[0] is None:
            raise WarehouseError(
                f"dim_releases has no row of `{self.release.release}`",
                fix="build the marts after the release file was added.",
                code="release_not_built",
            )
        shipped_at, cutoff_at, decides_at, exposure_ends_at = row
        if self.given_cutoff_at is not None:
            cutoff_at = without_zone(self.given_cutoff_at)
        if cutoff_at is None:
            raise WarehouseError(
                f"`{self.release.release}` has no cutoff: there is no whole day of data",
                fix="ingest a day of events, or declare the source's `complete_through`.",
                code="no_cutoff",
            )
        return ReleaseDates(shipped_at, cutoff_at, decides_at, exposure_ends_at)

    @cached_property
    def stages(self) -> tuple[AllocationStage, ...]:
        """The planned allocation, earliest stage first."""
        return tuple(sorted(self.release.allocation, key=lambda stage: stage.starts_at))

    @property
    def exposed(self) -> tuple[ExposedCell, ...]:
        """Units by stage and variant, up to the cutoff."""
        from .passes.exposures import read_exposures

        return self.once(read_exposures).cells

    @cached_property
    def assigned(self) -> tuple[ExposedCell, ...]:
        """What was assigned on its own: clusters where the release names them, else units.

        A cluster is in the stage of its first unit, and a crossover where its units met two
        variants; units without a single cluster are in none.
        """
        from .passes.exposures import read_assigned

        return self.once(read_assigned).cells

    @property
    def _until(self) -> dict[str, Any]:
        return {"release": self.release.release, "cutoff_at": self.dates.cutoff_at}

    @property
    def assigned_by_variant(self) -> dict[str, int]:
        """What was assigned on its own and may enter, of every variant the release names."""
        counts = dict.fromkeys(self.release.variants, 0)
        for cell in self.assigned:
            counts[cell.variant] = counts.get(cell.variant, 0) + cell.units
        return counts

    @cached_property
    def units_by_variant(self) -> dict[str, int]:
        """Exposed units that may enter an estimate, of every variant the release names."""
        counts = dict.fromkeys(self.release.variants, 0)
        if self.release.cluster is not None:
            from ..impact.exposure import UNITS_BY_CLUSTER  # scipy: as above

            sql = f"""
                {UNITS_BY_CLUSTER}
                select variant, cast(sum(units) as bigint) from clusters
                where not is_crossover group by variant
            """
            return counts | dict(self.engine.rows(sql, self._until))
        for cell in self.exposed:
            counts[cell.variant] = counts.get(cell.variant, 0) + cell.units
        return counts

    @cached_property
    def models_read(self) -> frozenset[str]:
        """Models that the release's numbers come from."""
        read = {"fct_exposures", "dim_releases"}
        for metric in self.release.metrics:
            read |= self.catalog.models_read_by(metric)
        return frozenset(read)

    @property
    def relevant_accounts(self) -> tuple[Account, ...]:
        """Accounts of the sources this release can read.

        Feedback only if a metric reads it; what was observed of releases goes into no number.
        """
        unread = {"releases"} if "fct_feedback" in self.models_read else {"releases", "feedback"}
        return tuple(account for account in self.accounts if account.kind not in unread)


class Parameters(dict[str, float]):
    """Numbers that a check is made with, by name; a source may set some for its own rows."""

    def __init__(
        self, given: Mapping[str, float], by_source: Mapping[str, Mapping[str, float]] | None = None
    ) -> None:
        """Take the suite's numbers, and what sources set in their place."""
        super().__init__(given)
        self._by_source = by_source or {}

    def of(self, source: str) -> Mapping[str, float]:
        """The numbers for rows of one source."""
        return {**self, **self._by_source.get(source, {})}


Finder = Callable[[Subject, Parameters], Fact | NotApplicable]


@dataclass(frozen=True, slots=True)
class Check:
    """A built-in check: when it is made, which columns it gives, and how it finds them."""

    stage: Stage
    columns: tuple[str, ...]
    find: Finder


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 unit`, `1,645 units`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def share(number: float) -> str:
    """A share as people read it: 0.01234 is `1.23 %`."""
    return f"{100 * number:.3g} %"


def chance(p_value: float) -> str:
    """A p-value as people read it, never 0: `p = 0.0149`, `p < 1e-300`."""
    return "p < 1e-300" if p_value < 1e-300 else f"p = {p_value:.3g}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names for people: the first few, and how many more."""
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
