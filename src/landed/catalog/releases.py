"""Release files: what shipped, to whom, what it should move, what it must not break."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from ..documents import Document, collect, digest, packaged_schema, read_yaml, validate
from ..errors import ContractError, Fault
from .release_designs import (
    Cohorts,
    Incident,
    PlaceboWindows,
    cohorts_of,
    day_starts_at,
    first_whole_day,
    incidents_of,
    lint_adoption,
    lint_cohorts,
    lint_incidents,
    lint_windows,
    windows_of,
)
from .release_promises import EmitRule, lint_promises, promises_of

Role = Literal["success", "guardrail", "survival", "diagnostic"]
RolloutKind = Literal["experiment", "staged", "version", "everyone"]

#: Event name of an OpenTelemetry flag evaluation, and where its key and variant stand.
FLAG_EVENT = "feature_flag.evaluation"
FLAG_KEY_PROPERTIES = ("feature_flag.key",)
FLAG_VARIANT_PROPERTIES = ("feature_flag.result.variant", "feature_flag.variant")


@dataclass(frozen=True, slots=True)
class RoleOfMetric:
    """One metric a release names, with the role it plays.

    Args:
        metric: The metric's name.
        role: success, guardrail, survival or diagnostic.
        minimum_effect_of_interest: In the metric's unit of measure (a share of the control mean
            where `relative`); None takes the metric's own.
        non_inferiority_margin: Likewise; None takes the metric's own.
        relative: Whether the two numbers are shares of the control mean.
    """

    metric: str
    role: Role
    minimum_effect_of_interest: float | None = None
    non_inferiority_margin: float | None = None
    relative: bool = False


@dataclass(frozen=True, slots=True)
class ExposureRule:
    """Which event marks an exposure, and where it names flag and variant."""

    event: str
    flag: str | None = None
    variant_property: str | None = None


@dataclass(frozen=True, slots=True)
class AllocationStage:
    """Planned shares by variant from an instant on. Shares sum to 1."""

    starts_at: datetime
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Exemption:
    """A check that a release may fail until an instant, with reason and owner."""

    check: str
    reason: str
    owner: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Release:
    """One declared change. Instants are UTC; days are those of `time_zone`, the project's.

    `cluster` is the property of an exposure that names what was assigned as a whole (an account, a
    store); None where each unit was assigned on its own.
    """

    release: str
    shipped_at: datetime
    owner: str
    kind: RolloutKind
    roles: tuple[RoleOfMetric, ...]
    hypothesis: str = ""
    unit: str = "user"
    app_version: str | None = None
    exposure: ExposureRule | None = None
    cluster: str | None = None
    control: str | None = None
    treatments: tuple[str, ...] = ()
    allocation: tuple[AllocationStage, ...] = ()
    exposure_ends_at: datetime | None = None
    extends_to: datetime | None = None
    looks: Literal["once", "daily"] = "daily"
    segments: tuple[str, ...] = ()
    adjustment: Literal["pre_period", "none"] = "pre_period"
    must_emit: tuple[str, ...] = ()
    emit_rules: Mapping[str, EmitRule] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()
    cohorts: Cohorts | None = None
    windows: PlaceboWindows = field(default_factory=PlaceboWindows)
    incidents: tuple[Incident, ...] = ()
    time_zone: str = "UTC"
    path: Path = field(default=Path(), compare=False)
    digest: str = ""

    @property
    def variants(self) -> tuple[str, ...]:
        """Control first (where there is one), then the treatments."""
        return ((self.control,) if self.control else ()) + self.treatments

    @property
    def has_concurrent_control(self) -> bool:
        """Whether units were assigned at random to control and treatment at the same time."""
        return self.kind in ("experiment", "staged") and self.control is not None

    @property
    def has_design(self) -> bool:
        """Whether there is a way to tell what had been without it, assigned at random or not."""
        is_known = self.kind == "everyone" or self.cohorts is not None or self.has_adoption
        return is_known or self.has_concurrent_control

    @property
    def has_adoption(self) -> bool:
        """Whether it is a version that units take themselves, to be judged at a declared end."""
        return self.kind == "version" and self.ends_at is not None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics it names, each once, in the order of the file."""
        return tuple(dict.fromkeys(role.metric for role in self.roles))

    def emit_rule(self, event: str) -> EmitRule:
        """Who has to send an event that is promised."""
        return self.emit_rules.get(event, EmitRule())

    def with_role(self, *roles: Role) -> tuple[RoleOfMetric, ...]:
        """The metrics that play one of these roles."""
        return tuple(entry for entry in self.roles if entry.role in roles)

    @property
    def ends_at(self) -> datetime | None:
        """When exposure ends, with a declared extension; None without a horizon."""
        return self.extends_to or self.exposure_ends_at

    def decides_at(self, windows_days: Iterable[float | None]) -> datetime | None:
        """When the verdict is due: the end of exposure plus the longest outcome window.

        Of a release to everyone: the end of its window of whole days after it shipped. Of
        cohorts and versions: the end of exposure, as no outcome is one of a unit.

        Args:
            windows_days: Outcome window of each metric named. Days; None counts as 0.
        """
        if self.kind == "everyone":
            first_on = first_whole_day(self.shipped_at, self.time_zone)
            ends_on = first_on + timedelta(days=self.windows.days_after)
            return day_starts_at(ends_on, self.time_zone)
        if self.ends_at is None or self.cohorts is not None or self.has_adoption:
            return self.ends_at
        longest = max((window or 0.0 for window in windows_days), default=0.0)
        return self.ends_at + timedelta(days=longest)


def load_releases(folder: Path, faults: list[Fault], time_zone: str = "UTC") -> dict[str, Release]:
    """Read every `releases/*.yml`; faults are added to the list, good releases returned."""
    found: dict[str, Release] = {}
    if not folder.is_dir():
        return found
    for path in sorted((*folder.glob("*.yml"), *folder.glob("*.yaml"))):
        try:
            release = read_release(path, time_zone)
        except ContractError as error:
            collect(faults, error)
            continue
        if release.release in found:
            twice = f"the release `{release.release}` is declared twice"
            fix = "rename one of them."
            faults.append(Fault(twice, f"once ({found[release.release].path})", str(path), fix))
        found[release.release] = release
    return found


def read_release(path: Path, time_zone: str = "UTC") -> Release:
    """Read one release file; its days are those of the zone.

    Raises:
        ContractError: It breaks the schema or one of the rules below; all faults at once.
    """
    document = read_yaml(path)
    faults = validate(document, packaged_schema("landed.catalog", "release"))
    if faults:
        raise ContractError(faults)
    data: dict[str, Any] = document.data
    faults = _rules(document, data)
    if faults:
        raise ContractError(faults)
    return _build(document.path, data, time_zone)


def _rules(document: Document, data: dict[str, Any]) -> list[Fault]:
    """What a schema cannot say: names agree, shares sum to one, time runs forward."""
    faults: list[Fault] = []

    def fault(what: str, expected: str, fix: str, *key: str | int) -> None:
        faults.append(Fault(what, expected, document.where(*key), fix, "release"))

    if data["release"] != document.path.stem:
        fault(
            f"release is `{data['release']}`",
            f"`{document.path.stem}`, the file's name",
            "rename the file or the release.",
            "release",
        )
    rollout = data["rollout"]
    kind = rollout["kind"]
    if kind in ("experiment", "staged"):
        for needed in ("exposure", "control", "treatments", "allocation"):
            if needed not in rollout and "cohorts" not in rollout:
                fault(
                    f"rollout lacks {needed}",
                    f"{needed} in a rollout of kind {kind}",
                    f"add {needed}.",
                    "rollout",
                )
        if "horizon" not in data:
            fault(
                "no horizon",
                "horizon: {exposure_ends_at: …}",
                "say when exposure ends; the verdict is due then.",
                "rollout",
            )
    exposure = rollout.get("exposure", {})
    if exposure and exposure["event"] == FLAG_EVENT and "flag" not in exposure:
        fault(
            f"exposure by {FLAG_EVENT} names no flag",
            "flag: <key>",
            "add the flag's key.",
            "rollout",
            "exposure",
        )
    if (
        exposure
        and exposure["event"] != FLAG_EVENT
        and "variant" not in exposure
        and kind
        in (
            "experiment",
            "staged",
        )
    ):
        fault(
            f"exposure by {exposure['event']} does not say where the variant stands",
            "variant: <property>",
            "add the property's name.",
            "rollout",
            "exposure",
        )
    if "cluster" in exposure and kind not in ("experiment", "staged"):
        fault(
            f"exposure names a cluster in a rollout of kind {kind}",
            "it in a rollout of kind experiment or staged, which assign at random",
            "remove it, or change the kind.",
            "rollout",
            "exposure",
            "cluster",
        )
    if "cluster" in exposure and exposure["cluster"] == exposure.get("variant"):
        fault(
            f"cluster and variant are both the property {exposure['cluster']}",
            "two properties: what was assigned, and what it got",
            "correct one of them.",
            "rollout",
            "exposure",
            "cluster",
        )
    variants = [rollout.get("control"), *rollout.get("treatments", [])]
    named = {name for name in variants if name}
    if rollout.get("control") in rollout.get("treatments", []):
        fault("control is also a treatment", "different variants", "rename one.", "rollout")
    for shares, key in _stages(rollout):
        if set(shares) != named:
            fault(
                f"allocation names {', '.join(sorted(shares))}",
                f"{', '.join(sorted(named))}",
                "name each variant once.",
                *key,
            )
        if not math.isclose(sum(shares.values()), 1.0, abs_tol=1e-9):
            fault(f"allocation sums to {sum(shares.values()):g}", "1", "correct it.", *key)
    horizon = data.get("horizon", {})
    lint_cohorts(data, fault)
    lint_windows(kind, horizon, fault)
    lint_adoption(data, fault)
    lint_incidents(data, fault)
    lint_promises(data, fault)
    shipped = _instant(data["shipped_at"])
    for name in ("exposure_ends_at", "extends_to"):
        if name in horizon and _instant(horizon[name]) <= shipped:
            fault(
                f"{name} is {horizon[name]}",
                f"after shipped_at ({data['shipped_at']})",
                "correct the instants.",
                "horizon",
                name,
            )
    if {"exposure_ends_at", "extends_to"} <= horizon.keys() and (
        _instant(horizon["extends_to"]) <= _instant(horizon["exposure_ends_at"])
    ):
        fault(
            f"extends_to is {horizon['extends_to']}",
            f"after exposure_ends_at ({horizon['exposure_ends_at']})",
            "correct the instants: it is a later end.",
            "horizon",
            "extends_to",
        )
    seen: set[str] = set()
    for role in ("success", "guardrails", "survival"):
        for index, entry in enumerate(data.get(role, [])):
            if entry["metric"] in seen:
                fault(
                    f"the metric `{entry['metric']}` plays two roles",
                    "one role a metric",
                    "remove one.",
                    role,
                    index,
                )
            seen.add(entry["metric"])
    for index, name in enumerate(data.get("diagnostics", [])):
        if name in seen:
            fault(
                f"the metric `{name}` plays two roles",
                "one role a metric",
                "remove one.",
                "diagnostics",
                index,
            )
    return faults


def _stages(rollout: dict[str, Any]) -> list[tuple[dict[str, float], tuple[str | int, ...]]]:
    allocation = rollout.get("allocation")
    if isinstance(allocation, dict):
        return [(allocation, ("rollout", "allocation"))]
    return [
        (
            {name: share for name, share in stage.items() if name != "from"},
            ("rollout", "allocation", index),
        )
        for index, stage in enumerate(allocation or [])
    ]


def _build(path: Path, data: dict[str, Any], time_zone: str) -> Release:
    rollout, horizon = data["rollout"], data.get("horizon", {})
    shipped_at = _instant(data["shipped_at"])
    allocation = rollout.get("allocation")
    starts = (
        [shipped_at]
        if isinstance(allocation, dict)
        else [_instant(stage["from"]) for stage in allocation or []]
    )
    exposure = rollout.get("exposure")
    emitted = promises_of(data)
    treatments = tuple(rollout.get("treatments", ()))
    if not treatments and (rollout["kind"] in ("everyone", "version") or "cohorts" in rollout):
        treatments = ("released",)
    return Release(
        release=data["release"],
        shipped_at=shipped_at,
        owner=data["owner"],
        kind=rollout["kind"],
        roles=tuple(_roles(data)),
        hypothesis=data.get("hypothesis", "").strip(),
        unit=data.get("unit", "user"),
        app_version=data.get("app_version"),
        exposure=ExposureRule(exposure["event"], exposure.get("flag"), exposure.get("variant"))
        if exposure
        else None,
        cluster=exposure.get("cluster") if exposure else None,
        control=rollout.get("control"),
        treatments=treatments,
        allocation=tuple(
            AllocationStage(start, {name: float(share) for name, share in shares.items()})
            for start, (shares, _) in zip(starts, _stages(rollout), strict=True)
        ),
        exposure_ends_at=_optional_instant(horizon.get("exposure_ends_at")),
        extends_to=_optional_instant(horizon.get("extends_to")),
        looks=horizon.get("looks", "daily"),
        segments=tuple(data.get("segments", ())),
        adjustment=data.get("adjustment", "pre_period"),
        must_emit=tuple(emitted),
        emit_rules={name: rule for name, rule in emitted.items() if rule != EmitRule()},
        exemptions=tuple(
            Exemption(
                entry["check"], entry["reason"], entry["owner"], _instant(entry["expires_at"])
            )
            for entry in data.get("exemptions", ())
        ),
        cohorts=cohorts_of(rollout),
        windows=windows_of(horizon),
        incidents=incidents_of(data),
        time_zone=time_zone,
        path=path,
        digest=digest(data),
    )


def _roles(data: dict[str, Any]) -> Iterable[RoleOfMetric]:
    roles: tuple[tuple[str, Role], ...] = (
        ("success", "success"),
        ("guardrails", "guardrail"),
        ("survival", "survival"),
    )
    for key, role in roles:
        for entry in data.get(key, []):
            yield RoleOfMetric(
                metric=entry["metric"],
                role=role,
                minimum_effect_of_interest=entry.get("minimum_effect_of_interest"),
                non_inferiority_margin=entry.get("non_inferiority_margin"),
                relative=entry.get("relative", False),
            )
    for name in data.get("diagnostics", []):
        yield RoleOfMetric(metric=name, role="diagnostic")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _optional_instant(text: str | None) -> datetime | None:
    return None if text is None else _instant(text)
