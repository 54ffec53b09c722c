"""Looks at a release: when one is taken, what it is held against, and what stays of it.

A look that was taken is never worked out again from later data: what it crossed stays crossed.
Looks that were not taken (no run on that day, a blocked gate) spend nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..catalog import Catalog
from ..catalog.releases import Release, Role
from ..errors import ContractError
from ..stats import Difference, Look, next_bound, sequence_bound, spend
from .alpha import AlphaShare, Test, tests_of
from .kept_definitions import KeptDefinition, kept_of_looks, with_definitions
from .look_plan import LookPlan, plan_looks

SCHEMA = "landed.looks/1"
#: A daily look needs as many mature units in each arm: before that a mean is not near normal.
LEAST_UNITS = 100
#: Information that a look adds at least, as a share of what was known.
LEAST_ADDED = 1e-3
#: From this share of the planned time on a comparison keeps its method: a switch between adjusted
#: and not, late in the looks, is not what their bounds were worked out for.
METHOD_FIXED_FROM = 0.25
Key = tuple[str, str]  # metric, treatment


@dataclass(frozen=True, slots=True)
class TestAtLook:
    """One test at one look.

    Args:
        bound: The z to pass. > 0.
        spent: Alpha spent up to and with this look. One-sided probability.
    """

    bound: float
    spent: float


@dataclass(frozen=True, slots=True)
class TakenLook:
    """One look at one metric in one treatment, as it was taken.

    Args:
        number: From 1, of this metric and treatment.
        cutoff_at: Outcomes before this instant counted. UTC.
        fraction: Of the planned time. Share; 1 from the last planned look on.
        information: Effective units, n_c n_t / (n_c + n_t); where clusters were assigned, 1 /
            `standard_error`^2. > 0, rising.
        n_control: Units of control that had entered. Count.
        n_treatment: The same of treatment.
        effect: Treatment minus control. The metric's unit.
        standard_error: Of the effect. The metric's unit.
        tests: Bound and alpha spent of each test that was taken.
        crossed: What this look showed: better, worse, equivalent, non_inferior.
        definition: Of the metric and the SQL behind it, as `Catalog.definition_of` gives it.
        method: Name of the statistic.
        clusters: Clusters of control and of treatment that had entered; None where units were
            assigned. Counts.
    """

    number: int
    cutoff_at: datetime
    fraction: float
    information: float
    n_control: int
    n_treatment: int
    effect: float
    standard_error: float
    tests: Mapping[Test, TestAtLook]
    crossed: tuple[str, ...]
    definition: str
    method: str = ""
    clusters: tuple[int, int] | None = None

    @property
    def z(self) -> float:
        """Effect in standard errors."""
        return self.effect / self.standard_error

    def as_dict(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "number": self.number,
            "cutoff_at": self.cutoff_at.isoformat(),
            "fraction": self.fraction,
            "information": self.information,
            "n_control": self.n_control,
            "n_treatment": self.n_treatment,
            "effect": self.effect,
            "standard_error": self.standard_error,
            "z": self.z,
            "tests": {
                name: {"bound": test.bound, "spent": test.spent}
                for name, test in self.tests.items()
            },
            "crossed": list(self.crossed),
            "definition": self.definition,
            "method": self.method,
            **({} if self.clusters is None else {"clusters": list(self.clusters)}),
        }

    @classmethod
    def of_dict(cls, kept: Mapping[str, Any]) -> TakenLook:
        """Read back what `as_dict` gave."""
        facts = {name: value for name, value in kept.items() if name != "z"}
        facts["cutoff_at"] = datetime.fromisoformat(facts["cutoff_at"])
        facts["tests"] = {name: TestAtLook(**test) for name, test in facts["tests"].items()}
        facts["crossed"] = tuple(facts["crossed"])
        if facts.get("clusters") is not None:
            facts["clusters"] = tuple(facts["clusters"])
        return cls(**facts)


@dataclass(frozen=True, slots=True)
class Waiting:
    """No look was taken, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReleaseLooks:
    """Every look taken at a release, and the plan they follow.

    Args:
        release: Its name.
        plan: As it was at the first look; before it, as the files are now.
        taken: Looks by metric and treatment, in order.
        decided: (decision, cutoff) of each treatment that worked or harmed: that stays.
        definitions: By metric, its definition at the first look, and each that a revision made
            of it since.
    """

    release: str
    plan: LookPlan
    taken: Mapping[Key, tuple[TakenLook, ...]] = field(default_factory=dict)
    decided: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)
    definitions: Mapping[str, tuple[KeptDefinition, ...]] = field(default_factory=dict)
    first_shown_at: datetime | None = None

    def of(self, metric: str, treatment: str) -> tuple[TakenLook, ...]:
        """Looks at one metric in one treatment."""
        return self.taken.get((metric, treatment), ())

    @property
    def has_begun(self) -> bool:
        """Whether there was a look: from then on the plan holds."""
        return bool(self.taken or self.decided or self.first_shown_at)

    @property
    def number(self) -> int:
        """Distinct cutoffs at which a look was taken. Count."""
        return len({look.cutoff_at for looks in self.taken.values() for look in looks})

    def with_looks(self, found: Iterable[tuple[str, str, TakenLook | None]]) -> ReleaseLooks:
        """The same with new looks (metric, treatment, look); one that is there already stays."""
        taken = dict(self.taken)
        for metric, treatment, look in found:
            earlier = taken.get((metric, treatment), ())
            if look is not None and look.number > len(earlier):
                taken[metric, treatment] = (*earlier, look)
        return replace(self, taken=taken)

    def with_decisions(self, by_treatment: Mapping[str, str], cutoff_at: datetime) -> ReleaseLooks:
        """The same with what treatments that worked or harmed are decided as, from now on."""
        found = {
            name: (decision, cutoff_at)
            for name, decision in by_treatment.items()
            if decision in ("worked", "harmed") and name not in self.decided
        }
        return replace(self, decided={**self.decided, **found})

    def with_definitions(
        self, catalog: Catalog, metrics: Sequence[str], cutoff_at: datetime
    ) -> ReleaseLooks:
        """The same with what a release's metrics mean at a look."""
        found = with_definitions(self.definitions, catalog, metrics, cutoff_at)
        return replace(self, definitions=found)

    def shown(self, cutoff_at: datetime) -> ReleaseLooks:
        """The same once an effect of a release that is not randomised was shown."""
        return replace(self, first_shown_at=self.first_shown_at or cutoff_at)

    def as_dict(self) -> dict[str, Any]:
        """As it is kept."""
        shown_at = self.first_shown_at
        return {
            "schema": SCHEMA,
            "release": self.release,
            "plan": self.plan.as_dict(),
            "looks": [
                {"metric": metric, "treatment": treatment, **look.as_dict()}
                for (metric, treatment), looks in sorted(self.taken.items())
                for look in looks
            ],
            "decided": {
                name: {"decision": decision, "cutoff_at": at.isoformat()}
                for name, (decision, at) in sorted(self.decided.items())
            },
            "definitions": {
                name: [one.as_dict() for one in kept]
                for name, kept in sorted(self.definitions.items())
            },
            **({} if shown_at is None else {"first_shown_at": shown_at.isoformat()}),
        }

    @classmethod
    def of_dict(cls, kept: Mapping[str, Any]) -> ReleaseLooks:
        """Read back what `as_dict` gave.

        Raises:
            ContractError: It is of another schema.
        """
        if kept.get("schema") != SCHEMA:
            raise ContractError(
                f"the looks are of schema {kept.get('schema')!r}",
                expected=SCHEMA,
                fix="read them with the version of landed that wrote them.",
                code="looks_schema",
            )
        taken: dict[Key, tuple[TakenLook, ...]] = {}
        for one in kept["looks"]:
            facts = dict(one)
            key = (facts.pop("metric"), facts.pop("treatment"))
            taken[key] = (*taken.get(key, ()), TakenLook.of_dict(facts))
        decided = {
            name: (one["decision"], datetime.fromisoformat(one["cutoff_at"]))
            for name, one in kept["decided"].items()
        }
        definitions = (
            {
                name: tuple(KeptDefinition.of_dict(one) for one in entries)
                for name, entries in kept["definitions"].items()
            }
            if "definitions" in kept
            else kept_of_looks(taken)
        )
        plan = LookPlan.of_dict(kept["plan"])
        shown_at = kept.get("first_shown_at")
        first_shown_at = None if shown_at is None else datetime.fromisoformat(shown_at)
        return cls(kept["release"], plan, taken, decided, definitions, first_shown_at)


def begin_or_continue(
    release: Release, catalog: Catalog, kept: ReleaseLooks | None
) -> ReleaseLooks:
    """The looks taken so far; before the first one the plan follows the files."""
    if kept is not None and kept.has_begun:
        return kept
    return ReleaseLooks(release.release, plan_looks(release, catalog))


def adjusts(earlier: Sequence[TakenLook], declared: bool) -> bool:
    """Whether the next look may adjust: as declared, and later as the look before did."""
    if earlier and earlier[-1].fraction >= METHOD_FIXED_FROM:
        return declared and earlier[-1].method == "adjusted_difference"
    return declared


def next_look(  # noqa: PLR0917 - the plan, the metric, what was, what is
    plan: LookPlan,
    metric: str,
    role: Role,
    direction: Any,
    earlier: Sequence[TakenLook],
    found: Difference,
    *,
    cutoff_at: datetime,
    definition: str,
    units: tuple[int, int] | None = None,
) -> TakenLook | Waiting:
    """Take a look, or say why it is not time for one.

    Args:
        plan: The release's plan.
        metric: The metric's name.
        role: Its role.
        direction: Which way is good.
        earlier: Looks taken at it in this treatment, in order.
        found: The comparison; its units are the information, where clusters were assigned its
            precision is.
        cutoff_at: Outcomes before it counted. UTC.
        definition: Of the metric, as it is kept.
        units: Units of control and of treatment that entered, where `found` counts clusters.

    Returns:
        The look, without what it crossed; the one of this cutoff if it was taken already.
    """
    if earlier and cutoff_at <= earlier[-1].cutoff_at:
        return next((one for one in earlier if one.cutoff_at == cutoff_at), earlier[-1])
    fraction = plan.fraction(metric, cutoff_at)
    counted = (found.n_control, found.n_treatment)
    entered = units or counted
    if plan.looks == "once":
        if fraction < 1:
            return Waiting("it is looked at once, at the end")
        if earlier:
            return Waiting("it is looked at once, and was")
    elif min(entered) < LEAST_UNITS:
        return Waiting(f"{min(entered)} mature units in an arm, the first look needs {LEAST_UNITS}")
    elif fraction <= 0:
        return Waiting("no unit can be mature yet")
    information = counted[0] * counted[1] / sum(counted)
    if plan.cluster is not None:  # more units of the same clusters tell little that is new
        information = found.standard_error**-2
    if earlier and information <= earlier[-1].information * (1 + LEAST_ADDED):
        if fraction < 1 or earlier[-1].fraction >= 1:
            return Waiting(
                "no unit has entered since the last look"
                if plan.cluster is None
                else "the effect is known no better than at the last look"
            )
        # the last planned look spends the rest, though it knows no more than the one before: its
        # bound is that of a look that knows a little more, which is slightly too high
        information = earlier[-1].information * (1 + LEAST_ADDED)
    tests: dict[Test, TestAtLook] = {}
    for test in tests_of(role, direction):
        # without a window a value grows from look to look: only harm may use what it is so far
        if test != "harm" and plan.windows_days.get(metric) is None and fraction < 1:
            continue
        taken = _test(plan.shares[test], test, earlier, information, fraction)
        if taken is not None:
            tests[test] = taken
    if not tests:
        return Waiting("it has no outcome window, and is looked at once, at the end")
    return TakenLook(
        number=len(earlier) + 1,
        cutoff_at=cutoff_at,
        fraction=fraction,
        information=information,
        n_control=entered[0],
        n_treatment=entered[1],
        effect=found.absolute_effect,
        standard_error=found.standard_error,
        tests=tests,
        crossed=(),
        definition=definition,
        method=found.method,
        clusters=None if plan.cluster is None else counted,
    )


def _test(
    share: AlphaShare,
    test: Test,
    earlier: Sequence[TakenLook],
    information: float,
    fraction: float,
) -> TestAtLook | None:
    """Bound of one test at a look; None where no alpha is left for it."""
    before = [look for look in earlier if test in look.tests]
    if before and before[-1].fraction >= 1:  # past the plan: the reserve, for ever
        if share.reserved <= 0:
            return None
        tuned = next(look.information for look in before if look.fraction >= 1)
        bound = sequence_bound(share.reserved, information, tuned)
        return TestAtLook(bound, share.planned + share.reserved)
    looks = [
        Look(look.information, look.tests[test].bound, look.tests[test].spent) for look in before
    ]
    taken = next_bound(looks, information, spend(share.spending, share.planned, fraction))
    return TestAtLook(taken.bound, taken.spent)
