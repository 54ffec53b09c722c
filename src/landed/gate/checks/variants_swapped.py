"""What only a treatment's units do is not done by control's units from some day on."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..passes.exposures import look_days
from ..passes.promised_events import read_promised


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    from ...stats import reversal  # scipy: reading the suites needs none

    release, control = subject.release, subject.release.control
    if control is None or not release.has_concurrent_control:
        return NotApplicable("the release has no control to compare with")
    sent = subject.once(read_promised).days
    if not sent:
        return NotApplicable("no promised event (`must_emit`) tells the variants apart")
    days = look_days(subject)
    place = {day: at for at, day in enumerate(days)}
    found = []
    for event in dict.fromkeys(cell.event for cell in sent):
        counts = {name: [[0.0, 0.0] for _ in days] for name in release.variants}
        for cell in sent:
            if cell.event == event and cell.variant in counts:
                counts[cell.variant][place[cell.day_at]] = [float(cell.units), float(cell.sent)]
        for treatment in release.treatments:
            turned = reversal(
                counts[control],
                counts[treatment],
                least_z=parameters["least_z"],
                least_difference=parameters["least_difference"],
            )
            if turned is not None:
                found.append(
                    f"`{event}` came from {_more(turned.before, treatment, control)} up to"
                    f" {days[turned.day - 1].date()}, and from"
                    f" {_more(turned.after, treatment, control)} since"
                )
    return Fact(
        # units of a cluster come and act together: one large account a day is no exchange
        {
            "variants_swapped": 0 if release.cluster is not None else len(found),
            "variants_swapped_of_clustered": 0 if release.cluster is None else len(found),
        },
        "; ".join(found) or "what the treatments send, they send on every day",
        "promised events from the same variant all along",
        details={"swapped": found},
    )


def _more(difference: float, treatment: str, control: str) -> str:
    more, less = (treatment, control) if difference > 0 else (control, treatment)
    return f"{share(abs(difference))} more units of {more} than of {less}"


CHECK = Check("data", ("variants_swapped", "variants_swapped_of_clustered"), _find)
