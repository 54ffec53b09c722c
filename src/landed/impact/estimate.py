"""One estimate for each metric of a release and each of its treatments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from ..catalog import Catalog
from ..catalog.definitions import Direction, Metric
from ..catalog.forms import NoUnitForm
from ..catalog.releases import Release, Role, RoleOfMetric
from ..errors import EstimationError
from ..stats import Difference, NotEstimable, RelativeEffect
from .compare import Compared, compare, moments_of
from .judge import Conclusion, judge_interval

Row = Mapping[str, Any]

CONFIDENCE_LEVEL = 0.95
NO_CONTROL = "no concurrent control"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known of one metric in one treatment against control.

    Args:
        metric: The metric's name.
        label: Its name for people.
        value: Its unit of measure.
        direction: Which way is good.
        role: The role it plays in the release.
        treatment: The variant compared with control.
        status: estimated or not_estimable.
        reason: Why it is not estimable, or what of it is not shown; None where all is.
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
        p_value: Two-sided, against no difference. 0 to 1.
        bound: Critical value of the interval, in standard errors.
        confidence_level: Share.
        method: Name of the statistic.
        variance_reduction_share: Share of variance removed by covariates; 0.0 without any.
        conclusion: What the interval says, by the metric's role.
        definition: `revision` and `digest` of the metric's definition.
        minimum_effect: Minimum effect of interest of a success or diagnostic metric. The metric's
            unit. This and what follows is not part of a report's estimate.
        limit_is_relative: Whether margin or minimum effect were declared as a share of control's
            mean; they are then judged on the relative interval.
        resolves_with_more_units: Whether waiting can make a not_estimable metric estimable.
    """

    metric: str
    label: str
    value: str
    direction: Direction
    role: Role
    treatment: str
    status: Literal["estimated", "not_estimable"]
    reason: str | None
    window_days: float | None
    margin: float | None
    mean_control: float | None
    mean_treatment: float | None
    n_control: int | None
    n_treatment: int | None
    n_missing_control: int | None
    n_missing_treatment: int | None
    absolute_effect: float | None
    ci_lower: float | None
    ci_upper: float | None
    relative_effect: float | None
    relative_ci_lower: float | None
    relative_ci_upper: float | None
    p_value: float | None
    bound: float | None
    confidence_level: float
    method: str | None
    variance_reduction_share: float
    conclusion: Conclusion
    definition: Mapping[str, str | None]
    minimum_effect: float | None = field(default=None, metadata={"internal": True})
    limit_is_relative: bool = field(default=False, metadata={"internal": True})
    resolves_with_more_units: bool = field(default=False, metadata={"internal": True})

    @property
    def standard_error(self) -> float | None:
        """Half the interval's width by its bound. The metric's unit."""
        if self.ci_lower is None or self.ci_upper is None or self.bound is None:
            return None
        return (self.ci_upper - self.ci_lower) / 2 / self.bound

    def as_dict(self) -> dict[str, Any]:
        """The keys of `estimates[]` in a report."""
        shown = {
            entry.name: getattr(self, entry.name)
            for entry in fields(self)
            if not entry.metadata.get("internal")
        }
        return {**shown, "definition": dict(self.definition)}


def estimate_release(
    release: Release,
    catalog: Catalog,
    moments_rows: Sequence[Row],
    *,
    confidence_level: float = CONFIDENCE_LEVEL,
) -> tuple[Estimate, ...]:
    """Estimate every metric a release names, for every treatment.

    Args:
        release: The release; its roles decide what each interval is held against.
        catalog: Definitions of the metrics it names.
        moments_rows: One row a metric and variant, as `measure` returns them.
        confidence_level: Of the two-sided intervals. Share.

    Returns:
        Treatments in the release's order, within each the metrics in the release's order. What
        cannot be estimated is there too, with its reason.

    Raises:
        ContractError: The release names a metric the catalog does not have.
        EstimationError: A metric and variant has two rows.
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
    return tuple(
        _estimate(release, catalog, role, treatment, rows, confidence_level=confidence_level)
        for treatment in release.treatments
        for role in release.roles
    )


def _estimate(
    release: Release,
    catalog: Catalog,
    role: RoleOfMetric,
    treatment: str,
    rows: Mapping[tuple[str, str], Row],
    *,
    confidence_level: float,
) -> Estimate:
    metric = catalog.metric(role.metric)
    of_control = rows.get((metric.name, release.control)) if release.control else None
    of_treatment = rows.get((metric.name, treatment))
    method, found, reduction = _compare(
        release, catalog, metric, of_control, of_treatment, confidence_level=confidence_level
    )
    control_mean = found.mean_control if isinstance(found, Difference) else _mean(of_control)
    limit, is_relative = _limit(role, metric)
    absolute_limit = limit
    if limit is not None and is_relative:
        absolute_limit = limit * abs(control_mean) if control_mean else None
    holds_margin = role.role in ("guardrail", "survival")
    known: dict[str, Any] = {
        "metric": metric.name,
        "label": metric.label,
        "value": metric.value,
        "direction": metric.direction,
        "role": role.role,
        "treatment": treatment,
        "window_days": metric.window_days,
        "margin": absolute_limit if holds_margin else None,
        "n_control": _count(of_control, "n"),
        "n_treatment": _count(of_treatment, "n"),
        "n_missing_control": _count(of_control, "n_missing"),
        "n_missing_treatment": _count(of_treatment, "n_missing"),
        "confidence_level": confidence_level,
        "method": method,
        "variance_reduction_share": reduction,
        "definition": {"revision": metric.revision, "digest": metric.digest},
        "minimum_effect": None if holds_margin else absolute_limit,
        "limit_is_relative": is_relative,
    }
    if isinstance(found, NotEstimable):
        return Estimate(
            **known,
            status="not_estimable",
            reason=found.reason,
            mean_control=control_mean,
            mean_treatment=_mean(of_treatment),
            absolute_effect=None,
            ci_lower=None,
            ci_upper=None,
            relative_effect=None,
            relative_ci_lower=None,
            relative_ci_upper=None,
            p_value=None,
            bound=None,
            conclusion="not_estimable",
            resolves_with_more_units=found.resolves_with_more_units,
        )
    share = found.relative if isinstance(found.relative, RelativeEffect) else None
    by_share = (share.ci_lower, share.ci_upper) if is_relative and share else None
    conclusion = judge_interval(
        role.role,
        metric.direction,
        (found.ci_lower, found.ci_upper),
        # a limit in shares cannot be held against a relative interval that is not there
        None if is_relative and by_share is None else limit,
        by_share,
    )
    return Estimate(
        **known,
        status="estimated",
        reason=None
        if isinstance(found.relative, RelativeEffect)
        else f"no relative effect: {found.relative.reason}",
        mean_control=found.mean_control,
        mean_treatment=found.mean_treatment,
        absolute_effect=found.absolute_effect,
        ci_lower=found.ci_lower,
        ci_upper=found.ci_upper,
        relative_effect=share.relative_effect if share else None,
        relative_ci_lower=share.ci_lower if share else None,
        relative_ci_upper=share.ci_upper if share else None,
        p_value=found.p_value,
        bound=found.bound,
        conclusion=conclusion,
    )


def _compare(
    release: Release,
    catalog: Catalog,
    metric: Metric,
    of_control: Row | None,
    of_treatment: Row | None,
    *,
    confidence_level: float,
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
        confidence_level=confidence_level,
        adjust=release.adjustment == "pre_period",
    )


def _limit(role: RoleOfMetric, metric: Metric) -> tuple[float | None, bool]:
    """The limit that the role is held against: the release's word, else the metric's own."""
    if role.role in ("guardrail", "survival"):
        declared, own = role.non_inferiority_margin, metric.non_inferiority_margin
    else:
        declared, own = role.minimum_effect_of_interest, metric.minimum_effect_of_interest
    return (own, False) if declared is None else (declared, role.relative)


def _mean(row: Row | None) -> float | None:
    """The arm's mean, where there is one to show."""
    if row is None or not row["n"]:
        return None
    try:
        moments = moments_of(row)
    except EstimationError:
        return None  # its reason is the estimate's
    if moments.sum_d is None:
        return moments.mean()
    return moments.sum_y / moments.sum_d if moments.sum_d else None


def _count(row: Row | None, name: str) -> int | None:
    return None if row is None or row[name] is None else int(row[name])
