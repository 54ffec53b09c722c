"""What one metric of a release can show, look by look, from its variance in history."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..catalog import Catalog
from ..catalog.definitions import Direction, Metric
from ..catalog.forms import NoUnitForm
from ..catalog.releases import Role, RoleOfMetric
from ..stats import (
    Look,
    NotEstimable,
    crossing_probabilities,
    detectable_drift,
    explained_share,
    planned_looks,
)
from ..stats.clusters import LEAST_CLUSTERS
from ..stats.sequential import Spending
from .alpha import Test, tests_of
from .clustered import clusters_behind, compare_clusters
from .compare import difference_of_units
from .history import Row
from .limits import in_unit, limit_of
from .look_plan import LookPlan
from .looks import LEAST_UNITS
from .measure import outcome_sums, pre_period_sums
from .plan_rule import MetricPath

#: Days at which the detectable effect is told, besides the last one.
TOLD_DAYS = (7, 14, 21)
#: A metric whose detectable effect at the end is so many times its limit cannot move in time.
HOPELESS = 3.0
#: Fewer events or non-events in an arm than this, and a proportion is not looked at.
_LEAST_EVENTS = 5

Units = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MetricPlan:
    """What one metric can show in one treatment.

    Args:
        metric: Its name.
        role: Its role in the release.
        treatment: The treatment compared with control.
        value: Its unit of measure.
        direction: Which way is good.
        window_days: Outcome window. Days; None means until the cutoff.
        mean: Of a unit in history. The metric's unit.
        standard_deviation: Of a unit's value (of a ratio, of its linear form). The metric's unit.
        limit: Minimum effect of interest, or margin of a guardrail. The metric's unit; None
            where none is declared.
        n_control: Units of control by the last look. Count.
        n_treatment: The same of treatment.
        standard_error: Of the effect at the last look. The metric's unit; None without units.
        looks: Looks planned at it. Count.
        alpha: One-sided, by test, of all its looks.
        detectable: By day since shipping: the effect found by then in 80 of 100 releases (of a
            guardrail the margin cleared, if nothing changed). The metric's unit; None where no
            look was taken by then. Where it is looked at once: had that look come on this day.
        detectable_at_end: The same at the last look.
        power: Chance to find its minimum effect (to clear its margin, if nothing changed) by the
            last look. Share; None without a limit.
        explained_share: Share of variance that the pre-period explains: what adjustment spares.
        note: What keeps it from being of use, in words; empty where nothing does.
    """

    metric: str
    role: Role
    treatment: str
    value: str
    direction: Direction
    window_days: float | None
    mean: float | None = None
    standard_deviation: float | None = None
    limit: float | None = None
    n_control: int = 0
    n_treatment: int = 0
    standard_error: float | None = None
    looks: int = 0
    alpha: Mapping[Test, float] | None = None
    detectable: Mapping[int, float | None] | None = None
    detectable_at_end: float | None = None
    power: float | None = None
    explained_share: float | None = None
    note: str = ""

    @property
    def detectable_adjusted(self) -> float | None:
        """As `detectable_at_end`, of an estimate that is adjusted by the pre-period."""
        if self.detectable_at_end is None or self.explained_share is None:
            return None
        return self.detectable_at_end * math.sqrt(1 - self.explained_share)

    @property
    def cannot_move_in_time(self) -> bool:
        """Whether even an effect of HOPELESS times its limit would be missed too often."""
        found, limit = self.detectable_at_end, self.limit
        return found is not None and bool(limit) and found > HOPELESS * (limit or 0.0)


def plan_metric(  # noqa: PLR0917 - the plan, the metric, what was, what will be
    plan: LookPlan,
    catalog: Catalog,
    role: RoleOfMetric,
    treatment: str,
    rows: Mapping[str, Row],
    arms: Units,
    shares: Units | None = None,
) -> tuple[MetricPlan, MetricPath | None]:
    """Plan a metric in a treatment; without a path where nothing can be told of it.

    Args:
        plan: The release's looks.
        catalog: Definitions.
        role: The metric and its role.
        treatment: The treatment compared with control.
        rows: Moments in history by metric.
        arms: Units of control and treatment exposed by the end of each day; (2, days).
        shares: Of all exposed units, those of control and treatment; (2,). Needed where clusters
            are assigned: history's clusters are taken to be split as units are.
    """
    metric = catalog.metric(role.metric)

    def refused(note: str) -> tuple[MetricPlan, None]:
        known = (metric.name, role.role, treatment, metric.value, metric.direction)
        return MetricPlan(*known, metric.window_days, note=note), None

    row = rows.get(metric.name)
    if row is None:
        form = catalog.unit_form(metric.name)
        reason = form.reason if isinstance(form, NoUnitForm) else "history has no value of it"
        return refused(f"not estimable: {reason}")
    if not row["n"] or int(row["n"]) < 2:
        return refused("history has no value of it")
    mean, deviation = _unit(row)
    if mean is None or not deviation > 0:
        return refused("it did not vary in history")
    limit = in_unit(*limit_of(role, metric), mean)
    filled = int(row["n"]) / (int(row["n"]) + int(row["n_missing"] or 0))
    entered = units = arms * filled
    of_clusters = ""
    if plan.cluster is not None:
        costs = _costs(plan.cluster, row, units, shares)
        if isinstance(costs, str):
            return refused(costs)
        units = entered / costs
        of_clusters = f"design effect {costs[:, -1].max():.1f} of clusters by the end"
    planned = {
        test: _test_looks(plan, metric, test, row, units, entered) for test in _tests(role, metric)
    }
    first = _tests(role, metric)[0]
    indices, bounds = planned[first]
    known_share = explained_share(pre_period_sums(row), outcome_sums(row))
    counts = (round(entered[0, -1]), round(entered[1, -1]))
    if not indices or min(counts) < 2:
        few = f"{min(counts):,} units in an arm by the end, a look needs {LEAST_UNITS}"
        return refused(f"no look can be taken: {few}")
    error = deviation * math.sqrt(1 / units[0, -1] + 1 / units[1, -1])
    path = MetricPath(
        role.role,
        metric.direction,
        limit,
        error,
        math.ceil(metric.window_days or 0.0),
        {
            test: (found, tuple(look.bound for look in looks))
            for test, (found, looks) in planned.items()
        },
    )
    window = math.ceil(metric.window_days or 0.0)
    told = [day for day in TOLD_DAYS if day < indices[-1] + 1 + window]
    if plan.looks == "once":  # what it would find if exposure had ended for this day
        at_day = [(day, _once(bounds, units, deviation, day - window)) for day in told]
    else:
        at_day = [
            (day, _detectable(indices, bounds, units, deviation, day - window)) for day in told
        ]
    return (
        MetricPlan(
            metric.name,
            role.role,
            treatment,
            metric.value,
            metric.direction,
            metric.window_days,
            mean,
            deviation,
            limit,
            counts[0],
            counts[1],
            error,
            len(indices),
            {test: plan.shares[test].planned for test in planned},
            dict(at_day),
            _detectable(indices, bounds, units, deviation, units.shape[1]),
            None if not limit else sum(crossing_probabilities(bounds, limit / error)),
            known_share if plan.cluster is None else None,  # by cluster nothing is adjusted
            "; ".join(filter(None, (_note(plan, metric, role, limit), of_clusters))),
        ),
        path,
    )


def _costs(cluster: str, row: Row, units: Units, shares: Units | None) -> Units | str:
    """Design effect by arm and day, or why it cannot be told; (2, days).

    The clusters of history stay those there are: as units come, each of them grows.
    """
    if row.get("clusters") is None or shares is None:
        return f"not estimable: no event of history names `{cluster}`, so what it costs is unknown"
    fewest = math.floor(int(row["clusters"]) * float(shares.min()))
    if fewest < LEAST_CLUSTERS:
        return f"not estimable: about {fewest} clusters in an arm, {LEAST_CLUSTERS} are needed"
    found = compare_clusters(str(row["form"]), row, row, 0.95)
    if isinstance(found, NotEstimable):
        return f"not estimable: history held against itself: {found.reason}"
    known = clusters_behind(row, row, found, difference_of_units(row, row))
    alike = None if known is None else known.intracluster_correlation
    if alike is None:
        return "not estimable: history does not show how alike units of a cluster are"
    n = int(row["n"])
    sizes = float(row["cluster_nn"]) / n * units / shares[:, None] / n
    return np.maximum(1 + (np.maximum(sizes, 1.0) - 1) * max(alike, 0.0), 1.0)


def _tests(role: RoleOfMetric, metric: Metric) -> tuple[Test, ...]:
    return tests_of(role.role, metric.direction)


def _note(plan: LookPlan, metric: Metric, role: RoleOfMetric, limit: float | None) -> str:
    parts = []
    if metric.window_days is None and plan.looks == "daily":
        parts.append("no outcome window: looked at once, at the end, but for harm")
    if not limit and role.role != "diagnostic":
        what = "margin" if role.role in ("guardrail", "survival") else "minimum effect"
        parts.append(f"no {what} declared")
    return "; ".join(parts)


def _unit(row: Row) -> tuple[float | None, float]:
    """Mean of a unit and standard deviation of its value; of a ratio, of its linear form."""
    sums = outcome_sums(row)
    mean = sums.mean("y")
    squares = sums.centred("yy")
    if "d" in sums.shifts:
        below = sums.mean("d")
        if not below:
            return None, 0.0
        ratio = mean / below
        squares += ratio**2 * sums.centred("dd") - 2 * ratio * sums.centred("dy")
        mean, squares = ratio, squares / below**2
    return mean, math.sqrt(max(squares, 0.0) / (sums.n - 1))


def _test_looks(  # noqa: PLR0917 - the test, then its units as they count and as they are
    plan: LookPlan, metric: Metric, test: Test, row: Row, units: Units, entered: Units
) -> tuple[tuple[int, ...], tuple[Look, ...]]:
    """Days of exposure (from 0) at whose end a test is looked at, with its bounds."""
    days = units.shape[1]
    known_units = information(units)
    length = (plan.ends_at - plan.starts_at) / timedelta(days=1)
    indices: list[int] = []
    for day in range(days):
        is_last = day == days - 1
        if not is_last and (
            plan.looks == "once" or (test != "harm" and metric.window_days is None)
        ):
            continue
        if not _suffices(row, entered[:, day]) and not (plan.looks == "once" and is_last):
            continue
        if indices and known_units[day] <= known_units[indices[-1]] * (1 + 1e-9):
            continue
        indices.append(day)
    if not indices:
        return (), ()
    share = plan.shares[test]
    fractions = tuple(min((day + 1) / length, 1.0) for day in indices)
    known = tuple(float(known_units[day]) for day in indices)
    return tuple(indices), _planned(share.spending, share.planned, known, fractions)


def _suffices(row: Row, units: Units) -> bool:
    """Whether a look has enough units in each arm, and events of a proportion."""
    least = float(units.min())
    if least < LEAST_UNITS:
        return False
    if row["form"] != "proportion":
        return True
    share = float(row["nonzero"]) / int(row["n"])
    return least * min(share, 1 - share) >= _LEAST_EVENTS


@lru_cache(maxsize=256)
def _planned(
    spending: Spending,
    alpha: float,
    information: tuple[float, ...],
    fractions: tuple[float, ...],
) -> tuple[Look, ...]:
    return planned_looks(spending, alpha, information, fractions=fractions)


@lru_cache(maxsize=1024)
def _drift(looks: tuple[Look, ...]) -> float:
    return detectable_drift(looks)


def _detectable(
    indices: Sequence[int],
    looks: tuple[Look, ...],
    units: Units,
    deviation: float,
    exposed_days: int,
) -> float | None:
    """Effect that looks up to a day of exposure find in 80 of 100 releases."""
    taken = [index for index in indices if index < exposed_days]
    if not taken:
        return None
    n_control, n_treatment = units[:, taken[-1]]
    error = deviation * math.sqrt(1 / n_control + 1 / n_treatment)
    return _drift(looks[: len(taken)]) * error


def _once(
    looks: tuple[Look, ...], units: Units, deviation: float, exposed_days: int
) -> float | None:
    """Effect that the one look would find, had it come after so many days of exposure."""
    if exposed_days < 1 or float(units[:, exposed_days - 1].min()) < 2:
        return None
    return _detectable([exposed_days - 1], looks, units, deviation, exposed_days)


def information(arms: Units) -> Units:
    """Effective units of both arms by day, rising; (days,)."""
    total = np.maximum(arms.sum(axis=0), 1e-9)
    found = np.maximum(arms[0] * arms[1] / total, 1e-9)
    # a day without a unit brings nothing; rising for the paths that are drawn
    rising: Units = np.maximum.accumulate(found) * (1 + 1e-12 * np.arange(found.size))
    return rising
