"""Builds the one document of a release: an impact report behind a passing gate, else a notice.

There is no third way: `Report` checks itself against the schema, in which a blocked gate and an
estimate exclude each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jsonschema
import orjson

from ..documents import canonical_json, packaged_schema
from ..errors import ContractError, Fault, GateRefused
from .words import caveats_of, next_step, sentence, smallest_repair

if TYPE_CHECKING:
    from ..catalog import Catalog, Metric
    from ..catalog.releases import Release, RoleOfMetric
    from ..gate import GateDecision
    from ..impact import Estimate, Exploratory, Exposure, SegmentEffect, Verdict
    from ..impact.adopters import AdopterMeans
    from ..impact.group_design import DesignData
    from ..impact.placebo_window import PlaceboData

SCHEMA_NAME = "landed.report/1"


@dataclass(frozen=True, slots=True)
class Report:
    """One report or notice. Made by `build_report` and `build_notice`, or read from its bytes.

    Args:
        document: The JSON document of schema `landed.report/1`.

    Raises:
        ContractError: The document breaks the schema; all faults at once.
    """

    document: Mapping[str, Any]

    def __post_init__(self) -> None:
        _require_schema(self.document)

    @property
    def release(self) -> str:
        """Name of the release."""
        return str(self.document["release"])

    @property
    def snapshot(self) -> str:
        """Id of the snapshot the numbers stand in."""
        return str(self.document["snapshot"])

    @property
    def decision(self) -> str:
        """The verdict: worked, no_effect, harmed, inconclusive, blocked or not_estimable."""
        return str(self.document["verdict"]["decision"])

    @property
    def is_blocked(self) -> bool:
        """Whether this is a notice without numbers."""
        return self.decision == "blocked"

    @property
    def as_of(self) -> datetime:
        """Data up to this instant were judged. UTC."""
        return datetime.fromisoformat(self.document["as_of"])

    def with_last_good(self, last_good: Mapping[str, str] | None) -> Report:
        """The same notice, naming the report that stays up (its snapshot, as_of, decision)."""
        return Report({**self.document, "last_good": dict(last_good) if last_good else None})

    def to_json(self) -> bytes:
        """The document's one spelling: the same facts give the same bytes."""
        return canonical_json(self.document) + b"\n"


def read_document(raw: bytes) -> Report:
    """Read a report's bytes back.

    Raises:
        ContractError: It is not a document of schema `landed.report/1`.
    """
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ContractError(
            f"the report is not JSON: {error}", expected=SCHEMA_NAME, code="malformed_json"
        ) from None
    return Report(document)


def build_report(  # noqa: PLR0917 - the parts of a report, in the order they come to be
    release: Release,
    catalog: Catalog,
    decision: GateDecision,
    exposure: Exposure,
    estimates: Sequence[Estimate],
    verdict: Verdict,
    *,
    snapshot: str,
    as_of: datetime,
    provenance: Mapping[str, str | None],
    look: tuple[int, int | None] = (1, 1),
    plan_changes: Sequence[str] = (),
    placebos: Sequence[PlaceboData] = (),
    designs: Sequence[DesignData] = (),
    described: Sequence[AdopterMeans] = (),
    segments: Sequence[SegmentEffect] = (),
    exploratory: Exploratory | None = None,
) -> Report:
    """Build the impact report of one release at one snapshot.

    Args:
        release: The declared change.
        catalog: Definitions the numbers were made with.
        decision: The gate's last word on this release; must be `pass`.
        exposure: Exposed units by variant.
        estimates: One a metric and treatment.
        verdict: What the estimates say.
        snapshot: Id of the snapshot, 16 hexadecimal digits.
        as_of: Data up to this instant were judged and measured. UTC.
        provenance: Where it came from: git, catalog, lake, landed (text or None).
        look: Number of this look, and of looks planned (None: open).
        plan_changes: What the release's file says now that the plan of its looks does not.
        placebos: Of a release to everyone: what each comparison rests on.
        designs: The same of one that groups got at declared times, or units in a week.
        described: Of a version: those who took it beside those who did not, which is no effect.
        segments: Effects by segment.
        exploratory: Trends, overlaps and first assignments.

    Raises:
        GateRefused: The decision is not `pass`, or is about another release.
        ContractError: A part breaks the schema.
    """
    _require_same_release(release, decision)
    if decision.decision != "pass":
        raise GateRefused(
            f"the gate of `{release.release}` says {decision.decision}",
            expected="pass",
            where=f"the checks {', '.join(check.check_id for check in decision.failed)}",
            fix="publish the notice (`build_notice`), repair what the failing check names, "
            "then run again.",
        )
    if decision.stage != "results":
        raise GateRefused(
            f"the gate of `{release.release}` has judged the {decision.stage} only",
            expected="its last word, on the results",
            fix="call `landed.gate.judge_results`, then build the report.",
        )
    roles = {role.metric: role for role in release.roles}
    document = _frame(
        release,
        decision,
        exposure,
        snapshot=snapshot,
        as_of=as_of,
        provenance=provenance,
        look=look,
    )
    document["verdict"] = _plain(verdict)
    document["estimates"] = [_plain(estimate) for estimate in estimates]
    document["definitions"] = [
        _definition(catalog.metrics[name], roles.get(name))
        for name in dict.fromkeys(row["metric"] for row in document["estimates"])
        if name in catalog.metrics
    ]
    document["segments"] = [_plain(one) for one in segments]
    if exploratory is not None:
        document["exploratory"] = _plain(exploratory)
    if placebos:
        document["placebo"] = [_plain(one) for one in placebos]
    if designs:
        document["designs"] = [_plain(one) for one in designs]
    if described:
        document["descriptive"] = [_plain(one) for one in described]
    document["caveats"] = caveats_of(document, release.exemptions, plan_changes)
    document["caveats"] += [
        {"code": "self_selected", "text": sentence(one.words())} for one in described
    ]
    document["next"] = [next_step(document)]
    return Report(document)


def build_notice(
    release: Release,
    decision: GateDecision,
    exposure: Exposure | None,
    *,
    snapshot: str,
    as_of: datetime,
    provenance: Mapping[str, str | None],
    last_good: Mapping[str, str] | None = None,
    look: tuple[int, int | None] = (1, 1),
) -> Report:
    """Build the notice of a blocked release: why, and the smallest repair. No number of effect.

    Args:
        release: The declared change.
        decision: The gate's word; must be `blocked`.
        exposure: Exposed units by variant; None where they could not be counted.
        snapshot: Id of the snapshot, 16 hexadecimal digits.
        as_of: Data up to this instant were judged. UTC.
        provenance: Where it came from: git, catalog, lake, landed (text or None).
        last_good: `snapshot`, `as_of` and `decision` of the report that stays up.
        look: Number of this look, and of looks planned (None: open).

    Raises:
        GateRefused: The decision is not `blocked`, or is about another release.
        ContractError: A part breaks the schema.
    """
    _require_same_release(release, decision)
    if decision.decision != "blocked":
        raise GateRefused(
            f"the gate of `{release.release}` says {decision.decision}",
            expected="blocked, for a notice",
            fix="build the report instead.",
        )
    document = _frame(
        release,
        decision,
        exposure,
        snapshot=snapshot,
        as_of=as_of,
        provenance=provenance,
        look=look,
    )
    document["estimates"] = []
    document["definitions"] = []
    document["verdict"] = {
        "decision": "blocked",
        "reason": smallest_repair(document["gate"]["checks"]),
        "next_action": "repair_measurement",
        "by_metric": {},
    }
    document["last_good"] = dict(last_good) if last_good else None
    document["caveats"] = caveats_of(document, release.exemptions)
    document["next"] = [next_step(document)]
    return Report(document)


def _frame(
    release: Release,
    decision: GateDecision,
    exposure: Exposure | None,
    *,
    snapshot: str,
    as_of: datetime,
    provenance: Mapping[str, str | None],
    look: tuple[int, int | None],
) -> dict[str, Any]:
    counted = _plain(exposure) if exposure is not None else {}
    return {
        "schema": SCHEMA_NAME,
        "release": release.release,
        "snapshot": snapshot,
        "as_of": _instant(as_of),
        "about": {
            "owner": release.owner,
            "hypothesis": release.hypothesis,
            "shipped_at": _instant(release.shipped_at),
            "rollout": release.kind,
            "control": release.control,
            "treatments": list(release.treatments),
        },
        "look": {"number": look[0], "planned": look[1]},
        "gate": {
            "decision": decision.decision,
            "checks": [check.as_dict() for check in decision.checks],
        },
        "exposure": {
            "unit": counted.get("unit", release.unit),
            "counts": dict(counted.get("counts") or {}),
            "allocation": counted.get("allocation"),
            "sample_ratio_p_value": counted.get("sample_ratio_p_value"),
            "excluded_units": dict(counted.get("excluded_units") or {}),
            **({"clusters": counted["clusters"]} if counted.get("clusters") else {}),
        },
        "segments": [],
        "survival": [],
        "feedback": [],
        "provenance": {
            "git": None,
            "catalog": None,
            "lake": None,
            "landed": None,
            **{key: None if value is None else str(value) for key, value in provenance.items()},
        },
    }


def _definition(metric: Metric, role: RoleOfMetric | None) -> dict[str, Any]:
    """The definition, with the release's own absolute limits where it declares some."""
    effect, margin = metric.minimum_effect_of_interest, metric.non_inferiority_margin
    if role is not None and role.minimum_effect_of_interest is not None:
        effect = None if role.relative else role.minimum_effect_of_interest
    if role is not None and role.non_inferiority_margin is not None:
        margin = None if role.relative else role.non_inferiority_margin
    return {
        "metric": metric.name,
        "label": metric.label,
        "description": " ".join((metric.description or "").split()),
        "owner": metric.owner,
        "value": metric.value,
        "direction": metric.direction,
        "window_days": metric.window_days,
        "minimum_effect_of_interest": effect,
        "non_inferiority_margin": margin,
        "revision": metric.revision,
        "digest": metric.digest,
        "revisions": [
            {"date": entry.date, "change": entry.change, "by": entry.by}
            for entry in metric.revisions
        ],
    }


def _plain(part: Any) -> dict[str, Any]:
    if hasattr(part, "as_dict"):
        return dict(part.as_dict())
    if is_dataclass(part) and not isinstance(part, type):
        return asdict(part)
    raise TypeError(f"{type(part).__name__} cannot stand in a report")


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _require_same_release(release: Release, decision: GateDecision) -> None:
    if decision.release != release.release:
        raise GateRefused(
            f"the decision is about `{decision.release}`",
            expected=f"one about `{release.release}`",
            fix="judge this release, then build its report.",
        )


def _require_schema(document: Mapping[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(packaged_schema("landed.report", "report"))
    faults = [
        Fault(
            error.message[:200],
            where="report " + "/".join(str(part) for part in error.absolute_path),
            fix="correct the part that the report was built from.",
            code="report_schema",
        )
        for error in validator.iter_errors(dict(document))
    ]
    if faults:
        raise ContractError(faults)
