"""The plan of a release's looks: what is decided before the first one, and holds from then on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from ..catalog import Catalog
from ..catalog.definitions import Direction
from ..catalog.releases import Release, RoleOfMetric
from ..documents import digest
from ..errors import ContractError
from .alpha import AlphaShare, Test, share_alpha
from .limits import limit_of


@dataclass(frozen=True, slots=True)
class LookPlan:
    """When a release is looked at, what for, and what each look may err.

    Args:
        looks: once or daily.
        starts_at: When exposure began. UTC.
        ends_at: When it ends, with a declared extension. UTC.
        control: The variant compared against; None without one.
        treatments: The variants compared with it.
        adjustment: pre_period or none.
        roles: Metrics with their roles and limits; the metric's own limits are filled in.
        directions: Which way is good, by metric.
        windows_days: Outcome window by metric. Days; None means until the cutoff.
        shares: Alpha by test.
        cluster: Property that names what was assigned as a whole; None where units were assigned.
    """

    looks: Literal["once", "daily"]
    starts_at: datetime
    ends_at: datetime
    control: str | None
    treatments: tuple[str, ...]
    adjustment: Literal["pre_period", "none"]
    roles: tuple[RoleOfMetric, ...]
    directions: Mapping[str, Direction]
    windows_days: Mapping[str, float | None]
    shares: Mapping[Test, AlphaShare]
    cluster: str | None = None

    def fraction(self, metric: str, cutoff_at: datetime) -> float:
        """Share of the planned time whose units can be mature at a cutoff. 0 to 1."""
        window = timedelta(days=self.windows_days.get(metric) or 0.0)
        passed = (cutoff_at - window - self.starts_at) / (self.ends_at - self.starts_at)
        return min(max(passed, 0.0), 1.0)

    @property
    def planned(self) -> int:
        """Looks planned. Count."""
        if self.looks == "once":
            return 1
        return math.ceil((self.ends_at - self.starts_at) / timedelta(days=1))

    def as_dict(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "looks": self.looks,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "control": self.control,
            "treatments": list(self.treatments),
            "adjustment": self.adjustment,
            "roles": [asdict(role) for role in self.roles],
            "directions": dict(self.directions),
            "windows_days": dict(self.windows_days),
            "shares": {name: asdict(share) for name, share in self.shares.items()},
            "cluster": self.cluster,
        }

    @classmethod
    def of_dict(cls, kept: Mapping[str, Any]) -> LookPlan:
        """Read back what `as_dict` gave."""
        return cls(
            looks=kept["looks"],
            starts_at=datetime.fromisoformat(kept["starts_at"]),
            ends_at=datetime.fromisoformat(kept["ends_at"]),
            control=kept["control"],
            treatments=tuple(kept["treatments"]),
            adjustment=kept["adjustment"],
            roles=tuple(RoleOfMetric(**role) for role in kept["roles"]),
            directions=kept["directions"],
            windows_days=kept["windows_days"],
            shares={name: AlphaShare(**share) for name, share in kept["shares"].items()},
            cluster=kept.get("cluster"),  # plans of before there were clusters have none
        )


def plan_looks(release: Release, catalog: Catalog) -> LookPlan:
    """The plan as the release's file and its metrics say it now.

    A release that is not randomised has one look, when its verdict is due.

    Raises:
        ContractError: The release has no horizon.
    """
    end = release.ends_at
    if not release.has_concurrent_control:
        release, end = replace(release, looks="once"), release.decides_at(())
    if end is None:
        raise ContractError(
            f"the release `{release.release}` has no horizon",
            expected="horizon: {exposure_ends_at: …}",
            where=str(release.path),
            fix="say when exposure ends; looks are planned up to then.",
            code="no_horizon",
        )
    known = catalog.metrics
    return LookPlan(
        looks=release.looks,
        starts_at=release.shipped_at,
        ends_at=end,
        control=release.control,
        treatments=release.treatments,
        adjustment=release.adjustment,
        roles=tuple(_with_limits(role, catalog) for role in release.roles),
        directions={name: known[name].direction for name in release.metrics if name in known},
        windows_days={
            name: known[name].window_days if name in known else None for name in release.metrics
        },
        shares=share_alpha(release, catalog),
        cluster=release.cluster,
    )


def as_planned(release: Release, plan: LookPlan) -> Release:
    """The release as it was planned, whatever its file says now.

    A metric that was named since is a diagnostic: no alpha was kept for it. One that is no longer
    named stays what it was, and a treatment that came later is not compared.
    """
    planned = {role.metric for role in plan.roles}
    if release.cohorts is not None or release.has_adoption:
        # they have one look: at a later end there would be a second one
        release = replace(release, exposure_ends_at=plan.ends_at, extends_to=None)
    since = tuple(
        RoleOfMetric(name, "diagnostic") for name in release.metrics if name not in planned
    )
    return replace(
        release,
        roles=plan.roles + since,
        control=plan.control,
        treatments=plan.treatments,
        adjustment=plan.adjustment,
        looks=plan.looks,
    )


def plan_changes(plan: LookPlan, release: Release, catalog: Catalog) -> list[str]:
    """What the files say now that the plan of the first look does not. Words for a caveat."""
    now, then = plan_looks(release, catalog).as_dict(), plan.as_dict()
    named = {
        "looks": "how often it is looked at",
        "starts_at": "when it shipped",
        "ends_at": "when exposure ends",
        "control": "which variant is control",
        "treatments": "which treatments there are",
        "cluster": "what is assigned as a whole",
        "adjustment": "whether effects are adjusted",
        "roles": "metrics, their roles, margins or minimum effects",
        "directions": "which way is good for a metric",
        "windows_days": "outcome windows",
    }
    return [text for name, text in named.items() if digest(now[name]) != digest(then[name])]


def _with_limits(role: RoleOfMetric, catalog: Catalog) -> RoleOfMetric:
    """The role with the limit it is held against: the release's word, else the metric's own."""
    metric = catalog.metrics.get(role.metric)
    if metric is None:
        return role
    limit, is_relative = limit_of(role, metric)
    if role.role in ("guardrail", "survival"):
        return replace(role, non_inferiority_margin=limit, relative=is_relative)
    return replace(role, minimum_effect_of_interest=limit, relative=is_relative)
