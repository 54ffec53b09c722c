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
from .looks import ReleaseLooks
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
    looks: ReleaseLooks | None = None,
) -> Verdict:
    """Decide a release from its estimates.

    Args:
        release: The release; a metric it names without an estimate counts as not estimable.
        estimates: As `estimate_release` returns them; their conclusions hold at their look.
        cutoff_at: How far outcomes were counted, UTC. With it an inconclusive verdict also tells
            days still needed, and says `iterate` instead of `continue` past the horizon.
        decides_at: When the last planned look is due, UTC; None where there is no horizon.
        looks: What was decided at earlier looks stays decided.

    Returns:
        The decision of the best treatment; harmed treatments are always named.
    """
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
    for treatment, (decision, decided_at) in (looks.decided if looks else {}).items():
        if treatment in arms:
            arms[treatment] = _stays(arms[treatment], decision, decided_at, cutoff_at)
    found = _best(arms)
    if found.decision != "inconclusive" or cutoff_at is None or decides_at is None:
        return found
    left = -(-(decides_at - cutoff_at) // timedelta(days=1))
    if left <= 0:
        return found
    due = f"the last look is due {decides_at:%Y-%m-%d}, {left} {'day' if left == 1 else 'days'} on"
    return replace(found, reason=sentence(found.reason, f"{due[0].upper()}{due[1:]}"))


def _stays(
    now: Verdict, decision: str, decided_at: datetime, cutoff_at: datetime | None
) -> Verdict:
    """What a treatment was decided as at an earlier look, with what there is to say now."""
    if decision == now.decision and (cutoff_at is None or decided_at >= cutoff_at):
        return now
    if decision == now.decision:
        return replace(
            now, reason=sentence(f"Decided at the look of {decided_at:%Y-%m-%d}", now.reason)
        )
    word = "worked" if decision == "worked" else "harmed"
    alert = "Alert, it got worse since: " if now.decision == "harmed" else "Now: "
    reason = sentence(
        f"It {word} at the look of {decided_at:%Y-%m-%d}, and that stays", f"{alert}{now.reason}"
    )
    kept: Decision = "worked" if decision == "worked" else "harmed"
    action: Action = "expand" if decision == "worked" else "roll_back"
    return replace(now, decision=kept, reason=reason, next_action=action)


def _best(arms: Mapping[str, Verdict]) -> Verdict:
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
    if not release.has_concurrent_control and all(one.method is None for one in estimates):
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
    broken = [estimate for estimate in guards if estimate.conclusion == "worse"]
    if hurt or broken:
        return verdict(
            "harmed",
            "roll_back",
            *(f"{effect_clause(estimate)}, the wrong way" for estimate in hurt),
            *(
                f"{effect_clause(estimate)}, the wrong way, and not shown to be within its margin"
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
    parts = [
        f"{NO_CONTROL}: a rollout of kind {release.kind} gives the change to everybody who "
        "can get it, so what else changed at the time cannot be told apart"
    ]
    if release.kind == "version":
        parts.append(
            "Declare `horizon: {exposure_ends_at: …}`, three whole weeks or more after it shipped,"
            " to have those who took it compared with others that were active in the same week"
        )
    return Verdict(
        "not_estimable",
        sentence(*parts),
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
    return estimate.look is not None and "worse" in estimate.look.crossed
