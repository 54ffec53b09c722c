"""How many rows of a source came under the id of another row, with other content."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject
from ..refused_shares import fact_of_refused

_COLUMNS = ("conflict_share", "conflict_share_of_any")


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    return fact_of_refused(
        subject,
        parameters,
        _COLUMNS,
        lambda life: life.conflict,
        lambda day: day.conflict,
        "under the id of another row, with other content",
        "at most {limit} of each source's rows under the id of another row",
    )


CHECK = Check("data", _COLUMNS, _find)
