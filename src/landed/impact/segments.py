"""Effects by segment: exploratory, in no verdict, and claimed at the last look only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ..catalog import Catalog
from ..catalog.releases import Release
from ..errors import EstimationError
from ..stats import (
    Difference,
    Interaction,
    NotEstimable,
    false_discovery_p_values,
    interaction,
    shrunken_effects,
)
from .clustered import BY_UNIT_ONLY
from .compare import compare

Row = Mapping[str, Any]

CONFIDENCE_LEVEL = 0.95
#: Units an arm of a level, and of the rest, below which its effect is not shown.
LEAST_UNITS = 200
#: Share of claims of one family that may be wrong.
FALSE_DISCOVERY_SHARE = 0.05

_KEYS = ("metric", "variant", "form", "segment", "level", "level_count")


@dataclass(frozen=True, slots=True)
class SegmentEffect:
    """The effect on one metric in one level of a segment.

    Args:
        metric: The metric's name.
        treatment: The variant compared with control.
        segment: Name of the segment.
        level: Its value as of the exposure; None where it was not known.
        level_count: Values that stand together; above 1 for those with the fewest units.
        n_control: Units of control that entered. Count.
        n_treatment: The same of treatment.
        status: estimated or not_estimable.
        reason: Why it is not estimable, else None.
        absolute_effect: Treatment minus control in this level. The metric's unit.
        ci_lower: Lower end of its interval, as if it were the only one looked at.
        ci_upper: Upper end.
        shrunken_effect: Pulled towards the release's effect by how little is known of it.
        difference_from_rest: Its effect less that in all other levels. The metric's unit.
        p_adjusted: Two-sided, of that difference, in one family of all metrics, levels and
            treatments (Benjamini-Hochberg). 0 to 1; None before the last look.
        is_claimed: Whether it is at most 0.05 at the last look: the effect differs here.
        confidence_level: Of the interval. Share.
        method: Name of the statistic.
    """

    metric: str
    treatment: str
    segment: str
    level: str | None
    level_count: int
    n_control: int
    n_treatment: int
    status: Literal["estimated", "not_estimable"]
    reason: str | None
    absolute_effect: float | None
    ci_lower: float | None
    ci_upper: float | None
    shrunken_effect: float | None
    difference_from_rest: float | None
    p_adjusted: float | None
    is_claimed: bool
    confidence_level: float
    method: str | None

    def as_dict(self) -> dict[str, Any]:
        """The keys of `segments[]` in a report."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Tested:
    """A level's effect and its test against the rest."""

    shown: SegmentEffect
    standard_error: float
    test: Interaction


def segment_effects(
    release: Release,
    catalog: Catalog,
    rows_by_segment: Sequence[Row],
    overall_rows: Sequence[Row],
    *,
    is_final: bool,
) -> tuple[SegmentEffect, ...]:
    """Compare each level of each segment with the other levels.

    Args:
        release: The release; without concurrent control it has no effects by segment.
        catalog: Definitions of its metrics.
        rows_by_segment: One row a metric, variant and level, as `measure_segments` gives them.
        overall_rows: One row a metric and variant.
        is_final: Whether this is the last planned look or the verdict stands: only then is
            anything claimed. At every look before, one claim in three releases would be false.

    Returns:
        Treatments, metrics and segments in the release's order, levels by number of units.
        Segments with one level are left out: there is no rest to compare it with.

    Raises:
        ContractError: The release names a metric the catalog does not have.
        EstimationError: A level has two rows of one variant.
    """
    if not release.has_concurrent_control or release.control is None:
        return ()
    levels = _by_level(rows_by_segment)
    overall = {(str(row["metric"]), str(row["variant"])): row for row in overall_rows}
    found: list[SegmentEffect | _Tested] = []
    for treatment in release.treatments:
        for name in release.metrics:
            metric = catalog.metric(name).name
            arms = [overall.get((metric, one)) for one in (release.control, treatment)]
            whole = None if None in arms else _difference(release, *arms)
            for segment in release.segments:
                keyed = [
                    (levels.get((metric, release.control, segment, level)), other)
                    for (its, variant, cut, level), other in levels.items()
                    if (its, variant, cut) == (metric, treatment, segment)
                ]
                pairs = [(one, other) for one, other in keyed if one is not None]
                found.extend(_of_segment(release, pairs, whole))
    return _claimed(found, is_final=is_final)


def _by_level(rows: Sequence[Row]) -> dict[tuple[str, str, str, str | None], Row]:
    found: dict[tuple[str, str, str, str | None], Row] = {}
    for row in rows:
        level = row["level"]
        # the level that stands for many has a name that one of them may have too
        name = (
            level if level is None or row["level_count"] == 1 else f"{level} {row['level_count']}"
        )
        key = (str(row["metric"]), str(row["variant"]), str(row["segment"]), name)
        if key in found:
            raise EstimationError(
                f"level `{level}` of `{key[2]}` has two rows of `{key[0]}` in `{key[1]}`",
                expected="one row a metric, variant and level",
            )
        found[key] = row
    return found


def _of_segment(
    release: Release, pairs: Sequence[tuple[Row, Row]], whole: Difference | None
) -> Iterator[SegmentEffect | _Tested]:
    """Every level of one segment, metric and treatment."""
    entered = [pair for pair in pairs if int(pair[0]["n"] or 0) + int(pair[1]["n"] or 0)]
    if len(entered) < 2:
        return
    entered.sort(key=lambda pair: (-pair[0]["n"] - pair[1]["n"], str(pair[1]["level"])))
    found = [_of_level(release, at, entered) for at in range(len(entered))]
    tested = [one for one in found if isinstance(one, _Tested)]
    if not tested:
        yield from found
        return
    pulled = iter(
        shrunken_effects(
            [one.shown.absolute_effect or 0.0 for one in tested],
            [one.standard_error for one in tested],
            None if whole is None else whole.absolute_effect,
        )
    )
    for one in found:
        if isinstance(one, _Tested):
            yield replace(one, shown=replace(one.shown, shrunken_effect=next(pulled)))
        else:
            yield one


def _of_level(
    release: Release, at: int, pairs: Sequence[tuple[Row, Row]]
) -> SegmentEffect | _Tested:
    control, treatment = pairs[at]
    others = [pair for index, pair in enumerate(pairs) if index != at]
    rest = [_added([pair[arm] for pair in others]) for arm in (0, 1)]
    known: dict[str, Any] = {
        "metric": str(control["metric"]),
        "treatment": str(treatment["variant"]),
        "segment": str(control["segment"]),
        "level": control["level"],
        "level_count": int(control["level_count"]),
        "n_control": int(control["n"] or 0),
        "n_treatment": int(treatment["n"] or 0),
        "confidence_level": CONFIDENCE_LEVEL,
    }
    if control.get("clusters") is not None:
        # a cluster can have units in several levels, whose effects are then not independent
        return _refused(known, f"an effect by segment {BY_UNIT_ONLY}")
    for where, arms in (("this level", (control, treatment)), ("the other levels", rest)):
        fewest = min(int(row["n"] or 0) for row in arms)
        if fewest < LEAST_UNITS:
            reason = f"{where} has {fewest} units in an arm, at least {LEAST_UNITS} are needed"
            return _refused(known, reason)
    found = _compared(release, control, treatment)
    against = _compared(release, *rest)
    if isinstance(found, NotEstimable):
        return _refused(known, found.reason)
    if isinstance(against, NotEstimable):
        return _refused(known, f"of the other levels: {against.reason}")
    test = interaction(found, against, CONFIDENCE_LEVEL)
    if isinstance(test, NotEstimable):
        return _refused(known, test.reason)
    shown = SegmentEffect(
        **known,
        status="estimated",
        reason=None,
        absolute_effect=found.absolute_effect,
        ci_lower=found.ci_lower,
        ci_upper=found.ci_upper,
        shrunken_effect=None,
        difference_from_rest=test.difference,
        p_adjusted=None,
        is_claimed=False,
        method=found.method,
    )
    return _Tested(shown, found.standard_error, test)


def _refused(known: Mapping[str, Any], reason: str) -> SegmentEffect:
    return SegmentEffect(
        **known,
        status="not_estimable",
        reason=reason,
        absolute_effect=None,
        ci_lower=None,
        ci_upper=None,
        shrunken_effect=None,
        difference_from_rest=None,
        p_adjusted=None,
        is_claimed=False,
        method=None,
    )


def _compared(release: Release, control: Row, treatment: Row) -> Difference | NotEstimable:
    adjust = release.adjustment == "pre_period"
    _, found, _ = compare(
        str(control["form"]), control, treatment, confidence_level=CONFIDENCE_LEVEL, adjust=adjust
    )
    return found


def _difference(release: Release, control: Any, treatment: Any) -> Difference | None:
    found = _compared(release, control, treatment)
    return found if isinstance(found, Difference) else None


def _added(rows: Sequence[Row]) -> Row:
    """Rows of one metric and variant as one: counts and sums add up at equal shifts."""
    first = dict(rows[0])
    for row in rows[1:]:
        for name, value in row.items():
            if name in _KEYS:
                continue
            if name.startswith("shift_"):
                if value != first[name]:
                    raise EstimationError(
                        f"{name} is {first[name]} and {value} in levels of one metric",
                        expected="one shift for all levels",
                    )
            elif value is not None and first[name] is not None:
                first[name] += value
    return first


def _claimed(
    found: Sequence[SegmentEffect | _Tested], *, is_final: bool
) -> tuple[SegmentEffect, ...]:
    """All of them, with the family's p-values where this is the last look."""
    tested = [one for one in found if isinstance(one, _Tested)]
    family = iter(false_discovery_p_values([one.test.p_value for one in tested]))
    shown: list[SegmentEffect] = []
    for one in found:
        if isinstance(one, SegmentEffect):
            shown.append(one)
            continue
        p_adjusted = next(family)
        if is_final:
            claimed = p_adjusted <= FALSE_DISCOVERY_SHARE
            shown.append(replace(one.shown, p_adjusted=p_adjusted, is_claimed=claimed))
        else:
            shown.append(one.shown)
    return tuple(shown)
