"""How much of a source was refused, in all and since the release shipped."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject
from ..refused_shares import fact_of_refused

_COLUMNS = ("quarantine_share", "quarantine_share_of_any")


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    return fact_of_refused(
        subject,
        parameters,
        _COLUMNS,
        lambda life: life.quarantined - life.left_out,
        lambda day: day.refused,
        "in quarantine",
        "at most {limit} of each source's rows in quarantine",
    )


CHECK = Check("data", _COLUMNS, _find)
