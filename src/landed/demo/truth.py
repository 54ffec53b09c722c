"""What is true about a generated demo, for whoever wants to judge the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import design


@dataclass(frozen=True, slots=True)
class Written:
    """Counts of what went into the files.

    Args:
        event_kinds: Distinct events by name.
        duplicates: Lines sent again, on top of the distinct ones.
        broken: Lines that no reader should accept.
        late: Events that arrived six hours late or more.
        feedback: Texts.
        themes: Texts by theme.
    """

    event_kinds: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    broken: int = 0
    late: int = 0
    feedback: int = 0
    themes: Counter[str] = field(default_factory=Counter)

    @property
    def events(self) -> int:
        """Distinct events."""
        return self.event_kinds.total()

    @property
    def lines(self) -> int:
        """Lines of all event files."""
        return self.events + self.duplicates + self.broken

    def __add__(self, other: Written) -> Written:
        """Both together."""
        return Written(
            self.event_kinds + other.event_kinds,
            self.duplicates + other.duplicates,
            self.broken + other.broken,
            self.late + other.late,
            self.feedback + other.feedback,
            self.themes + other.themes,
        )


@dataclass(frozen=True, slots=True)
class ReleaseTruth:
    """What a correct report on one release says.

    Args:
        release: Its name.
        verdict: The decision.
        main_metric: Its success metric.
        true_effect: Absolute effect on the main metric, in the metric's unit of measure; None
            where there is no concurrent control.
        effects: Likewise for every metric the release moves.
        failing_check: The check that blocks it; None where nothing does.
    """

    release: str
    verdict: design.Verdict
    main_metric: str
    true_effect: float | None
    effects: Mapping[str, float | None]
    failing_check: str | None


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth about one generated demo.

    Args:
        seed: The seed.
        users: People.
        days: Days from 2026-09-01T00:00:00Z on.
        written: Counts of what went into the files.
        releases: What is true about each release.
    """

    seed: int
    users: int
    days: int
    written: Written
    releases: tuple[ReleaseTruth, ...]

    @property
    def events(self) -> int:
        """Distinct events in the files."""
        return self.written.events

    def document(self) -> dict[str, Any]:
        """The content of `truth.json`."""
        return {
            "seed": self.seed,
            "users": self.users,
            "days": self.days,
            "started_at": design.STARTED_AT.isoformat().replace("+00:00", "Z"),
            "verdicts_certain": self.users >= design.RELIABLE_FROM_USERS,
            "events": self.written.events,
            "lines": self.written.lines,
            "duplicate_lines": self.written.duplicates,
            "broken_lines": self.written.broken,
            "late_events": self.written.late,
            "event_kinds": dict(sorted(self.written.event_kinds.items())),
            "feedback": self.written.feedback,
            "feedback_themes": dict(sorted(self.written.themes.items())),
            "releases": {
                truth.release: {
                    "verdict": truth.verdict,
                    "main_metric": truth.main_metric,
                    "true_effect": truth.true_effect,
                    "effects": dict(truth.effects),
                    "failing_check": truth.failing_check,
                }
                for truth in self.releases
            },
        }


def truth_of(
    users: int, days: int, seed: int, written: Written, effects: Mapping[str, int]
) -> Truth:
    """Put the truth together.

    Args:
        users: People.
        days: Days.
        seed: The seed.
        written: Counts of what was written.
        effects: `<release> gained` and `<release> exposed`, for effects that depend on who came.
    """
    releases = []
    for change in design.CHANGES:
        known = dict(change.effects)
        exposed = effects.get(f"{change.release} exposed", 0)
        if exposed:
            known[change.main_metric] = effects[f"{change.release} gained"] / exposed
        main = known[change.main_metric]
        releases.append(
            ReleaseTruth(
                change.release,
                change.verdict,
                change.main_metric,
                main,
                known,
                change.failing_check,
            )
        )
    return Truth(seed, users, days, written, tuple(releases))
