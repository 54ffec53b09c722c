"""The shares of the variants stay what the plan says, from day to day."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..passes.exposures import look_days, look_fractions, read_assigned


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    from ...stats import change_in_allocation  # scipy: reading the suites needs none

    plan, days = subject.stages, look_days(subject)
    if not plan:
        return NotApplicable("the release plans no allocation")
    variants = subject.release.variants
    tested = variants[1:] if len(variants) == 2 else variants  # of two each is the other's mirror
    place = {day: at for at, day in enumerate(days)}
    planned_looks = max(sum(1 for part in look_fractions(subject) if part < 1) + 1, len(days), 2)
    found, greatest = [], 0.0
    for variant in tested:
        rows = [[0.0] * len(days) for _ in range(4)]
        for cell in subject.once(read_assigned).days:
            at, planned = place[cell.day_at], plan[cell.stage].shares.get(variant, 0.0)
            rows[0][at] += cell.units * (cell.variant == variant)
            rows[1][at] += cell.units * planned
            rows[2][at] += cell.units * planned * (1 - planned)
            rows[3][at] += cell.units
        change = change_in_allocation(
            *rows,
            alpha=parameters["alpha"] / len(tested),
            planned_looks=planned_looks,
            least_units=parameters["least_units"],
            least_difference=parameters["least_difference"],
        )
        if change is not None:
            greatest = max(greatest, abs(change.difference))
            found.append(
                f"{variant} was {_points(change.before)} off its plan up to"
                f" {days[change.day - 1].date()} and {_points(change.after)} from then to"
                f" {days[change.look].date()} (z = {abs(change.z):.2f} against a bound of"
                f" {change.bound:.2f})"
            )
    return Fact(
        {"allocation_change": greatest},
        "; ".join(found) or "no day from which on the shares were others",
        "the planned shares on every day, to {limit} or within the bound;"
        " a change that was meant stands in the release file as a stage",
        limit_as="share",
        details={"changes": found},
    )


def _points(off: float) -> str:
    return f"{100 * off:+.1f} points" if off else share(off)


CHECK = Check("data", ("allocation_change",), _find)
