"""One estimate for each metric of a release and each of its treatments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from ..catalog import Catalog
from ..catalog.definitions import Direction, Metric
from ..catalog.forms import NoUnitForm
from ..catalog.releases import Release, Role, RoleOfMetric
from ..errors import EstimationError
from ..stats import (
    Difference,
    NotEstimable,
    RelativeEffect,
    critical_value,
    interval_at,
    relative_interval_at,
)
from .alpha import Test, share_alpha, tests_of
from .clustered import Clustered, clusters_behind
from .compare import Compared, compare, difference_of_units, mean_of
from .judge import Conclusion, Interval, conclude_metric, crossed_at
from .kept_definitions import is_same, two_metrics
from .limits import in_unit, limit_of
from .look_plan import LookPlan, plan_looks
from .looks import ReleaseLooks, TakenLook, Waiting, adjusts, next_look

Row = Mapping[str, Any]

CONFIDENCE_LEVEL = 0.95
NO_CONTROL = "no concurrent control"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What is known of one metric in one treatment against control.

    Args:
        metric: The metric's name.
        label: Its name for people.
        value: Its unit of measure.
        direction: Which way is good.
        role: The role it plays in the release.
        treatment: The variant compared with control.
        status: estimated, not_estimable, or waiting: for its next look, and nothing is shown.
        reason: Why it is not estimable or waits, or what of it is not shown; None where all is.
        window_days: Outcome window after exposure. Days; None means until the cutoff.
        margin: Non-inferiority margin that a guardrail or survival metric is held against. The
            metric's unit; None for other roles and where none is declared.
        mean_control: Mean (share, ratio) of control. The metric's unit.
        mean_treatment: The same of treatment.
        n_control: Units of control that entered this metric. Count.
        n_treatment: The same of treatment.
        n_missing_control: Exposed units of control without a value. Count.
        n_missing_treatment: The same of treatment.
        absolute_effect: Treatment minus control. The metric's unit.
        ci_lower: Lower end of its interval.
        ci_upper: Upper end of its interval.
        relative_effect: The effect as a share of |control mean|.
        relative_ci_lower: Lower end of its interval. Share.
        relative_ci_upper: Upper end. Share.
        p_value: Two-sided, against no difference. 0 to 1; None where it is looked at more than
            once: the p-value of one look among several promises nothing, its bound does.
        bound: Critical value of the interval, in standard errors.
        confidence_level: Of the interval; over all planned looks together. Share.
        method: Name of the statistic.
        variance_reduction_share: Share of variance removed by covariates; 0.0 without any.
        conclusion: What the interval says, by the metric's role.
        definition: `revision` and `digest` of the metric's definition.
        standard_error: Of the absolute effect. The metric's unit.
        looks: `number` of the looks taken at it, `fraction` of the planned time, and `z` as it
            was when the last one was taken.
        intervals: By test that was taken, `bound` (standard errors), `lower` and `upper` end of
            the absolute effect at it, and `alpha`, one-sided, of all planned looks.
        clusters: Of a release that assigned clusters, those behind the comparison; else None.
        minimum_effect: Minimum effect of interest of a success or diagnostic metric. The metric's
            unit. This and what follows is not part of a report's estimate.
        limit_is_relative: Whether margin or minimum effect were declared as a share of control's
            mean; they are then judged on the relative interval.
        resolves_with_more_units: Whether waiting can make a not_estimable metric estimable.
        look: The look that was taken now, or the one of this cutoff; None while it waits.
    """

    metric: str
    label: str
    value: str
    direction: Direction
    role: Role
    treatment: str
    status: Literal["estimated", "not_estimable", "waiting"]
    reason: str | None = None
    window_days: float | None = None
    margin: float | None = None
    mean_control: float | None = None
    mean_treatment: float | None = None
    n_control: int | None = None
    n_treatment: int | None = None
    n_missing_control: int | None = None
    n_missing_treatment: int | None = None
    absolute_effect: float | None = None
    ci_lower: float | None = None
    ci_upper: float | None = None
    relative_effect: float | None = None
    relative_ci_lower: float | None = None
    relative_ci_upper: float | None = None
    p_value: float | None = None
    bound: float | None = None
    confidence_level: float
    method: str | None = None
    variance_reduction_share: float = 0.0
    conclusion: Conclusion
    definition: Mapping[str, str | None]
    standard_error: float | None = None
    looks: Mapping[str, Any] | None = None
    intervals: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    clusters: Clustered | None = None
    minimum_effect: float | None = field(default=None, metadata={"internal": True})
    limit_is_relative: bool = field(default=False, metadata={"internal": True})
    resolves_with_more_units: bool = field(default=False, metadata={"internal": True})
    look: TakenLook | None = field(default=None, metadata={"internal": True})

    def as_dict(self) -> dict[str, Any]:
        """The keys of `estimates[]` in a report."""
        shown = {
            entry.name: getattr(self, entry.name)
            for entry in fields(self)
            if not entry.metadata.get("internal")
        }
        if self.clusters is None:
            del shown["clusters"]
        else:
            shown["clusters"] = asdict(self.clusters)
        return {
            **shown,
            "definition": dict(self.definition),
            "looks": None if self.looks is None else dict(self.looks),
            "intervals": {test: dict(ends) for test, ends in self.intervals.items()},
        }


def estimate_release(
    release: Release,
    catalog: Catalog,
    moments_rows: Sequence[Row],
    *,
    looks: ReleaseLooks | None = None,
    cutoff_at: datetime | None = None,
) -> tuple[Estimate, ...]:
    """Estimate every metric a release names, for every treatment, and take its next look.

    Args:
        release: The release; its roles decide what each interval is held against.
        catalog: Definitions of the metrics it names.
        moments_rows: One row a metric and variant, as `measure` returns them.
        looks: Looks taken before; None judges these rows once, as at the end of a fixed horizon.
        cutoff_at: Outcomes before it are in the rows. UTC; needed with `looks`.

    Returns:
        Treatments in the release's order, within each the metrics in the release's order. What
        cannot be estimated is there too, with its reason.

    Raises:
        ContractError: The release names a metric the catalog does not have.
        EstimationError: A metric and variant has two rows, or looks come without a cutoff.
    """
    rows: dict[tuple[str, str], Row] = {}
    for row in moments_rows:
        key = (str(row["metric"]), str(row["variant"]))
        if key in rows:
            raise EstimationError(
                f"`{key[0]}` has two rows of moments for variant `{key[1]}`",
                expected="one row a metric and variant",
                where=f"release {release.release}",
            )
        rows[key] = row
    if looks is not None and cutoff_at is None:
        raise EstimationError("looks come without a cutoff", expected="the instant of this look")
    if looks is None and release.has_concurrent_control:
        looks, cutoff_at = _fixed_horizon(release, catalog)
    return tuple(
        _estimate(release, catalog, role, treatment, rows, looks, cutoff_at)
        for treatment in release.treatments
        for role in release.roles
    )


def _fixed_horizon(release: Release, catalog: Catalog) -> tuple[ReleaseLooks, datetime]:
    """One look at the end, and when that is."""
    end = release.exposure_ends_at or release.shipped_at + timedelta(days=1)
    once = replace(release, looks="once", exposure_ends_at=end)
    plan = replace(plan_looks(once, catalog), shares=share_alpha(once, catalog))
    longest = max((days or 0.0 for days in plan.windows_days.values()), default=0.0)
    return ReleaseLooks(release.release, plan), plan.ends_at + timedelta(days=longest)


def _estimate(  # noqa: PLR0917 - what is compared, then what is known
    release: Release,
    catalog: Catalog,
    role: RoleOfMetric,
    treatment: str,
    rows: Mapping[tuple[str, str], Row],
    looks: ReleaseLooks | None,
    cutoff_at: datetime | None,
) -> Estimate:
    metric = catalog.metric(role.metric)
    of_control = rows.get((metric.name, release.control)) if release.control else None
    of_treatment = rows.get((metric.name, treatment))
    plan = None if looks is None else looks.plan
    earlier = () if looks is None else looks.of(metric.name, treatment)
    method, found, reduction = _compare(
        release,
        catalog,
        metric,
        of_control,
        of_treatment,
        adjust=adjusts(earlier, release.adjustment == "pre_period"),
    )
    direction = metric.direction if plan is None else plan.directions.get(metric.name)
    direction = direction or metric.direction
    control_mean = found.mean_control if isinstance(found, Difference) else _mean(of_control)
    limit, is_relative = limit_of(role, metric)
    absolute_limit = in_unit(limit, is_relative, control_mean)
    holds_margin = role.role in ("guardrail", "survival")
    known: dict[str, Any] = {
        "metric": metric.name,
        "label": metric.label,
        "value": metric.value,
        "direction": direction,
        "role": role.role,
        "treatment": treatment,
        "window_days": metric.window_days,
        "margin": absolute_limit if holds_margin else None,
        "n_control": _count(of_control, "n"),
        "n_treatment": _count(of_treatment, "n"),
        "n_missing_control": _count(of_control, "n_missing"),
        "n_missing_treatment": _count(of_treatment, "n_missing"),
        "confidence_level": _confidence_level(plan, tests_of(role.role, direction)[0]),
        "method": method,
        "variance_reduction_share": reduction,
        "definition": {"revision": metric.revision, "digest": metric.digest},
        "minimum_effect": None if holds_margin else absolute_limit,
        "limit_is_relative": is_relative,
    }
    if release.cluster is not None:
        known["clusters"] = clusters_behind(
            of_control, of_treatment, found, difference_of_units(of_control, of_treatment)
        )
    definition = catalog.definition_of(metric.name)
    if earlier and not is_same(earlier[-1].definition, definition):
        found = NotEstimable(two_metrics(earlier[-1], metric, found))
    if plan is not None and plan.cluster != release.cluster:
        # exposures name clusters as the file says now, so what was planned cannot be had either
        found = NotEstimable(
            f"{_assigned(plan.cluster)} were assigned as of the first look, and"
            f" {_assigned(release.cluster)} as the file says now: its looks are of two"
            " comparisons. Declare it as a new release"
        )
    if (
        isinstance(found, NotEstimable)
        and found.resolves_with_more_units
        and plan is not None
        and plan.looks == "daily"
        and cutoff_at is not None
        and not earlier
        and plan.fraction(metric.name, cutoff_at) < 1
    ):
        return _without_numbers(known, "waiting", found.reason, earlier, conclusion="inconclusive")
    if isinstance(found, NotEstimable) or plan is None or cutoff_at is None:
        return _without_numbers(
            known,
            "not_estimable",
            found.reason if isinstance(found, NotEstimable) else NO_CONTROL,
            earlier,
            mean_control=control_mean,
            mean_treatment=_mean(of_treatment),
            conclusion="not_estimable",
            resolves_with_more_units=isinstance(found, NotEstimable)
            and found.resolves_with_more_units,
        )
    look = next_look(
        plan,
        metric.name,
        role.role,
        direction,
        earlier,
        found,
        cutoff_at=cutoff_at,
        definition=definition,
        units=None if release.cluster is None else (known["n_control"], known["n_treatment"]),
    )
    if isinstance(look, Waiting):
        if not earlier:
            return _without_numbers(
                known, "waiting", look.reason, earlier, conclusion="inconclusive"
            )
        look = earlier[-1]  # nothing new: the last look stands
    intervals = {test: interval_at(found, at.bound) for test, at in look.tests.items()}
    shares = _relative_intervals(found, look)
    if len(earlier) < look.number:
        crossed = crossed_at(
            role.role, direction, intervals, limit, shares if is_relative else None
        )
        look = replace(look, crossed=crossed)
    passed = [one.crossed for one in earlier if one.number < look.number]
    shown: Test = next(test for test in tests_of(role.role, direction) if test in look.tests)
    known["confidence_level"] = _confidence_level(plan, shown)
    relative = relative_interval_at(found, look.tests[shown].bound)
    share = relative if isinstance(relative, RelativeEffect) else None
    return Estimate(
        **known,
        status="estimated",
        reason=None
        if isinstance(relative, RelativeEffect)
        else f"no relative effect: {relative.reason}",
        mean_control=found.mean_control,
        mean_treatment=found.mean_treatment,
        absolute_effect=found.absolute_effect,
        ci_lower=intervals[shown][0],
        ci_upper=intervals[shown][1],
        relative_effect=share.relative_effect if share else None,
        relative_ci_lower=share.ci_lower if share else None,
        relative_ci_upper=share.ci_upper if share else None,
        p_value=found.p_value if plan.looks == "once" else None,
        bound=critical_value(found, look.tests[shown].bound),
        conclusion=conclude_metric(role.role, [*passed, look.crossed]),
        standard_error=found.standard_error,
        looks={"number": look.number, "fraction": look.fraction, "z": look.z},
        intervals={
            test: {
                "bound": critical_value(found, at.bound),
                "lower": intervals[test][0],
                "upper": intervals[test][1],
                "alpha": plan.shares[test].planned,
            }
            for test, at in look.tests.items()
        },
        look=look,
    )


def _without_numbers(
    known: Mapping[str, Any],
    status: Literal["not_estimable", "waiting"],
    reason: str,
    earlier: Sequence[TakenLook],
    *,
    conclusion: Conclusion,
    mean_control: float | None = None,
    mean_treatment: float | None = None,
    resolves_with_more_units: bool = False,
) -> Estimate:
    """An estimate without an effect; what earlier looks showed stays said."""
    stands = conclude_metric(known["role"], [one.crossed for one in earlier])
    return Estimate(
        **known,
        status=status,
        reason=reason,
        mean_control=mean_control,
        mean_treatment=mean_treatment,
        conclusion="worse" if stands == "worse" else conclusion,
        resolves_with_more_units=resolves_with_more_units,
    )


def _relative_intervals(found: Difference, look: TakenLook) -> dict[Test, Interval]:
    """The relative interval at the bound of each test; those that are bounded."""
    shares = {test: relative_interval_at(found, at.bound) for test, at in look.tests.items()}
    return {
        test: (share.ci_lower, share.ci_upper)
        for test, share in shares.items()
        if isinstance(share, RelativeEffect)
    }


def _confidence_level(plan: LookPlan | None, test: Test) -> float:
    """Of the interval of a test: two-sided, over all planned looks."""
    return CONFIDENCE_LEVEL if plan is None else 1 - 2 * plan.shares[test].planned


def _compare(
    release: Release,
    catalog: Catalog,
    metric: Metric,
    of_control: Row | None,
    of_treatment: Row | None,
    *,
    adjust: bool,
) -> Compared:
    """Name of the statistic (where it is known), what it found, variance removed by adjusting."""
    if not release.has_concurrent_control:
        return None, NotEstimable(f"{NO_CONTROL}: nobody was kept from the change at random"), 0.0
    given = of_treatment or of_control
    if given is None:
        form = catalog.unit_form(metric.name)
        if isinstance(form, NoUnitForm):
            return None, NotEstimable(f"it has no value for a single unit: {form.reason}"), 0.0
        return None, NotEstimable("no unit was measured"), 0.0
    return compare(
        str(given["form"]),
        of_control,
        of_treatment,
        confidence_level=CONFIDENCE_LEVEL,
        adjust=adjust,
    )


def _assigned(cluster: str | None) -> str:
    return "units" if cluster is None else f"clusters by `{cluster}`"


def _mean(row: Row | None) -> float | None:
    """The arm's mean, where there is one to show."""
    if row is None:
        return None
    try:
        return mean_of(row)
    except EstimationError:
        return None  # its reason is the estimate's


def _count(row: Row | None, name: str) -> int | None:
    return None if row is None or row[name] is None else int(row[name])
