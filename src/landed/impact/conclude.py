"""From estimates to one decision: the rule, and the reason in plain words.

The rule is a table, first match wins, and its last line matches everything: whatever the
estimates, there is exactly one decision. Precondition: the gate has passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from ..catalog.releases import Release
from .estimate import NO_CONTROL, Estimate
from .needed import needed_clause, past_horizon
from .phrases import effect_clause, limit_clause, names, sentence

Decision = Literal["worked", "no_effect", "harmed", "inconclusive", "not_estimable"]
Action = Literal["expand", "continue", "iterate", "roll_back", "repair_measurement"]

#: Of several treatments the first of these speaks for the release.
BEST_FIRST: tuple[Decision, ...] = (
    "worked",
    "inconclusive",
    "no_effect",
    "not_estimable",
    "harmed",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for a release whose gate has passed.

    Args:
        decision: worked, no_effect, harmed, inconclusive or not_estimable.
        reason: Why, naming metrics, effects, intervals and limits.
        next_action: The one thing to do next.
        by_metric: Conclusion by metric, of the treatment that speaks for the release.
        by_treatment: Decision by treatment. Not part of a report's verdict.
    """

    decision: Decision
    reason: str
    next_action: Action
    by_metric: Mapping[str, str]
    by_treatment: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """The keys of `verdict` in a report."""
        return {
            "decision": self.decision,
            "reason": self.reason,
            "next_action": self.next_action,
            "by_metric": dict(self.by_metric),
        }


def conclude(
    release: Release,
    estimates: Sequence[Estimate],
    *,
    cutoff_at: datetime | None = None,
    decides_at: datetime | None = None,
) -> Verdict:
    """Decide a release from its estimates.

    The rule has a fixed horizon: a test that is read every day until it says yes is wrong five
    times as often as it states. So before `decides_at` nothing is called `worked` or `no_effect`;
    harm is told at any look, because waiting for it costs more than a false alarm.

    Args:
        release: The release; a metric it names without an estimate counts as not estimable.
        estimates: As `estimate_release` returns them.
        cutoff_at: How far outcomes were counted, UTC. With it an inconclusive verdict also tells
            days still needed, and says `iterate` instead of `continue` past the horizon.
        decides_at: When the verdict is due, UTC; None where there is no horizon.

    Returns:
        The decision of the best treatment; harmed treatments are always named.
    """
    found = _conclude(release, estimates, cutoff_at)
    if cutoff_at is None or decides_at is None or cutoff_at >= decides_at:
        return found
    left = -(-(decides_at - cutoff_at) // timedelta(days=1))
    due = f"the verdict is due {decides_at:%Y-%m-%d}, {left} {'day' if left == 1 else 'days'} on"
    if found.decision == "harmed":
        return replace(found, reason=sentence(found.reason, f"An early look: {due}"))
    if found.decision in ("worked", "no_effect"):
        reason = sentence(f"Too early: {due}, and counts once", f"So far: {found.reason}")
        early = dict.fromkeys(found.by_treatment, "inconclusive")
        return Verdict("inconclusive", reason, "continue", found.by_metric, early)
    return found


def _conclude(
    release: Release, estimates: Sequence[Estimate], cutoff_at: datetime | None
) -> Verdict:
    arms = {
        treatment: _decide(
            release,
            tuple(estimate for estimate in estimates if estimate.treatment == treatment),
            cutoff_at,
        )
        for treatment in release.treatments
    }
    if not arms:
        return _without_control(release, ())
    ranked = sorted(arms, key=lambda name: BEST_FIRST.index(arms[name].decision))
    best = arms[ranked[0]]
    by_treatment = {name: arm.decision for name, arm in arms.items()}
    if len(arms) == 1:
        return Verdict(best.decision, best.reason, best.next_action, best.by_metric, by_treatment)
    parts = [f"Treatment `{ranked[0]}`: {best.reason}"]
    also = [name for name in ranked[1:] if arms[name].decision == best.decision == "worked"]
    if also:
        listed = ", ".join(f"`{name}`" for name in also)
        parts.append(f"{listed} worked too; the treatments were not tested against each other")
    for name in ranked[1:]:
        if name in also:
            continue
        arm = arms[name]
        if arm.decision == "harmed":
            parts.append(f"Roll back treatment `{name}`, it harmed: {arm.reason}")
        else:
            parts.append(f"Treatment `{name}` is {arm.decision.replace('_', ' ')}")
    return Verdict(best.decision, sentence(*parts), best.next_action, best.by_metric, by_treatment)


def _decide(
    release: Release, estimates: tuple[Estimate, ...], cutoff_at: datetime | None
) -> Verdict:
    """The table, for one treatment."""
    if not release.has_counterfactual:
        return _without_control(release, estimates)
    by_metric = {estimate.metric: str(estimate.conclusion) for estimate in estimates}
    success = [estimate for estimate in estimates if estimate.role == "success"]
    guards = [estimate for estimate in estimates if estimate.role in ("guardrail", "survival")]
    absent = [
        role.metric
        for role in release.with_role("success", "guardrail", "survival")
        if role.metric not in by_metric
    ]

    def verdict(decision: Decision, action: Action, *parts: str) -> Verdict:
        return Verdict(decision, sentence(*parts), action, by_metric)

    # 1: anything worse
    hurt = [estimate for estimate in success if estimate.conclusion == "worse"]
    broken = [estimate for estimate in guards if estimate.conclusion == "inferior"]
    if hurt or broken:
        return verdict(
            "harmed",
            "roll_back",
            *(f"{effect_clause(estimate)}, the wrong way" for estimate in hurt),
            *(
                f"{effect_clause(estimate)}, {limit_clause(estimate, 'wholly beyond')}"
                for estimate in broken
            ),
        )

    # 2: what has to be measured is not
    unknown = [estimate for estimate in guards if estimate.conclusion == "not_estimable"]
    if all(estimate.conclusion == "not_estimable" for estimate in success):
        unknown = [*success, *unknown]
    missing_guards = [
        role.metric for role in release.with_role("guardrail", "survival") if role.metric in absent
    ]
    if unknown or missing_guards or not success:
        waits = unknown and all(estimate.resolves_with_more_units for estimate in unknown)
        early = not absent and not past_horizon(release, estimates, cutoff_at)
        return verdict(
            "not_estimable",
            "continue" if waits and early else "repair_measurement",
            *(effect_clause(estimate) for estimate in unknown),
            *(f"`{metric}` has no estimate" for metric in absent),
            "" if success or absent else "no success metric was estimated",
        )

    # 3: better, and nothing broken
    better = [estimate for estimate in success if estimate.conclusion == "better"]
    unresolved = [estimate for estimate in guards if estimate.conclusion != "non_inferior"]
    if better and not unresolved:
        return verdict(
            "worked",
            "expand",
            *(f"{effect_clause(estimate)}{_minimum(estimate)}" for estimate in better),
            f"{names(guards)} stayed within {'its margin' if len(guards) == 1 else 'their margins'}"
            if guards
            else "",
            *(
                f"{effect_clause(estimate)}: worse than control, within the margin you accepted"
                for estimate in guards
                if _is_worse(estimate)
            ),
            _undecided(success, better),
        )

    # 4: too small to matter, and shown to be
    if not absent and all(estimate.conclusion == "equivalent" for estimate in success):
        return verdict(
            "no_effect",
            "iterate",
            *(
                f"{effect_clause(estimate)}, {limit_clause(estimate, 'wholly inside')}"
                for estimate in success
            ),
            *(_unresolved(estimate) for estimate in unresolved),
        )

    # 5: else
    over = past_horizon(release, estimates, cutoff_at)
    open_success = [] if better else [e for e in success if e.conclusion != "equivalent"]
    parts = [f"{effect_clause(estimate)}{_minimum(estimate)}" for estimate in better]
    for estimate in (*open_success, *unresolved):
        what = _unresolved(estimate)
        need = "" if over else needed_clause(release, estimate, cutoff_at)
        parts.append(f"{what}; {need}" if need else what)
    parts.extend(f"`{metric}` has no estimate" for metric in absent)
    if over:
        parts.append("the horizon is over: this cannot be resolved at this size")
    return verdict("inconclusive", "iterate" if over else "continue", *parts)


def _without_control(release: Release, estimates: tuple[Estimate, ...]) -> Verdict:
    return Verdict(
        "not_estimable",
        sentence(
            f"{NO_CONTROL}: a rollout of kind {release.kind} gives the change to everybody who "
            "can get it, so what else changed at the time cannot be told apart"
        ),
        "repair_measurement",
        {estimate.metric: "not_estimable" for estimate in estimates},
    )


def _minimum(estimate: Estimate) -> str:
    return f", {limit_clause(estimate)}" if estimate.minimum_effect is not None else ""


def _unresolved(estimate: Estimate) -> str:
    text = f"{estimate.role} unresolved: {effect_clause(estimate)}"
    return f"{text}, {limit_clause(estimate)}" if estimate.status == "estimated" else text


def _undecided(success: Sequence[Estimate], better: Sequence[Estimate]) -> str:
    rest = [estimate for estimate in success if estimate not in better]
    return f"{names(rest)} did not show an effect that matters" if rest else ""


def _is_worse(estimate: Estimate) -> bool:
    """Whether a guardrail is worse than control, though perhaps within its margin."""
    if estimate.ci_lower is None or estimate.ci_upper is None:
        return False
    if estimate.direction == "increase_is_good":
        return estimate.ci_upper < 0
    return estimate.direction == "decrease_is_good" and estimate.ci_lower > 0
