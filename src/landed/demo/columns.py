"""The shape of simulated data: column batches, one a kind of event, never a row at a time."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: An instant after all data: "never happened".
NEVER = 1 << 62

#: Which ids an event carries.
ANONYMOUS, KNOWN, BOTH = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text column as codes into a few labels. Codes: (n,), 0 <= code < len(labels)."""

    labels: tuple[str, ...]
    codes: Ints


Property = Ints | Floats | Bools | Labelled


@dataclass(frozen=True, slots=True)
class Rows:
    """All events of one kind. Every column is (n,).

    Args:
        name: The event's name.
        session: Index into the sessions; -1 for an event of the server's own.
        user: Index into the people; -1 for a visitor who never signs up.
        at: When it happened. Milliseconds since the epoch, UTC.
        identity: ANONYMOUS, KNOWN or BOTH: the ids the event carries.
        properties: The kind's own properties by name.
    """

    name: str
    session: Ints
    user: Ints
    at: Ints
    identity: Ints
    properties: Mapping[str, Property] = field(default_factory=dict)

    def __len__(self) -> int:
        """Count of events."""
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Sessions:
    """Visits, sorted by user, then start. Visitors who never sign up come last.

    Args:
        user: Index into the people; -1 for a visitor.
        device: Number of the device, which gives the anonymous id.
        at: Start. Milliseconds since the epoch.
        platform: Code into `design.PLATFORMS`.
        country: Code into `design.COUNTRIES`.
        plan: Code into `design.PLANS`, as of the start.
        version: Code into `design.VERSIONS`.
        is_bot: Whether a machine made the visit and says so.
    """

    user: Ints
    device: Ints
    at: Ints
    platform: Ints
    country: Ints
    plan: Ints
    version: Ints
    is_bot: Bools

    def __len__(self) -> int:
        """Count of sessions."""
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Feedback:
    """Texts that people gave. Every column is (n,).

    Args:
        session: Index into the sessions.
        at: When it was given. Milliseconds since the epoch.
        theme: Code into `voices.THEMES`: the truth about the text, never written to a file.
        channel: Code into `voices.CHANNELS`.
        rating: 1 to 5; 0 where the channel takes none.
        wording: Which of the theme's texts; 0 <= wording.
    """

    session: Ints
    at: Ints
    theme: Ints
    channel: Ints
    rating: Ints
    wording: Ints

    def __len__(self) -> int:
        """Count of texts."""
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Columns:
    """What happened in the product, before any of it was sent, lost, doubled or broken.

    Args:
        first_user: Number of the first user; the others follow.
        users: Count of people, bots included.
        sessions: The visits.
        kinds: The events by kind.
        feedback: The texts.
        true_exposure: When each person could first meet each release, logged or not, by release.
            Milliseconds since the epoch, NEVER where not at all; (users,).
        treated: Whether each person is in the treatment arm, by release; (users,).
        effects: Sums and counts behind effects that depend on who came, by release:
            (sum over exposed people of the outcome's difference, exposed people).
    """

    first_user: int
    users: int
    sessions: Sessions
    kinds: Mapping[str, Rows]
    feedback: Feedback
    true_exposure: Mapping[str, Ints]
    treated: Mapping[str, Bools]
    effects: Mapping[str, tuple[float, int]]


def stream(seed: int, first_user: int, name: str) -> np.random.Generator:
    """A generator of its own for each part, so that adding a part changes no other.

    Args:
        seed: The demo's seed; >= 0.
        first_user: Number of the batch's first user; >= 0.
        name: The part.
    """
    return np.random.default_rng(
        np.random.SeedSequence([seed, first_user, zlib.crc32(name.encode())])
    )


def mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit numbers, one to one (the finaliser of splitmix64), so ids look like ids."""
    with np.errstate(over="ignore"):
        z = numbers + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed
