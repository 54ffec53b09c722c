"""Who uses the demo product, and when they come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import design
from .columns import NEVER, Bools, Floats, Ints, Sessions, stream

_WEEKEND_SHARE = 0.6  # a team app rests on Saturdays and Sundays
_VISITORS_PER_USER = 0.15  # people who look at the first page and never sign up


@dataclass(frozen=True, slots=True)
class People:
    """The users of one batch. Every column is (n,).

    Args:
        first: Number of the first user.
        signed_up_at: Milliseconds since the epoch.
        device: Number of the device; a few tablets are shared by two people.
        platform: Code into `design.PLATFORMS`.
        country: Code into `design.COUNTRIES`.
        visits_per_day: Mean sessions on a working day.
        diligence: Factor on what a session creates; mean 1.
        slowness_ms: What the person's connection adds to a request. Milliseconds.
        pays_from: First instant at which the person would pay; NEVER for most.
        paid_plan: Code into `design.PLANS` once paying.
        updates_after_ms: How long after its release the person installs a version.
        is_bot: Uptime monitors that say what they are.
    """

    first: int
    signed_up_at: Ints
    device: Ints
    platform: Ints
    country: Ints
    visits_per_day: Floats
    diligence: Floats
    slowness_ms: Floats
    pays_from: Ints
    paid_plan: Ints
    updates_after_ms: Ints
    is_bot: Bools

    def __len__(self) -> int:
        """Count of people."""
        return len(self.signed_up_at)


def draw_people(count: int, seed: int, first: int) -> People:
    """Draw the users `first` to `first + count - 1`.

    Args:
        count: People; >= 1.
        seed: The demo's seed; >= 0.
        first: Number of the first user; >= 0.
    """
    rng = stream(seed, first, "people")
    number = np.arange(first, first + count)
    share = np.exp(-np.arange(design.SIGNUP_DAYS) / 14)  # interest fades after the opening
    day = rng.choice(design.SIGNUP_DAYS, count, p=share / share.sum())
    within = (0.01 + 0.98 * rng.beta(2.2, 1.8, count)) * design.DAY_MS
    signed_up_at = design.START_MS + day * design.DAY_MS + within.astype(np.int64)
    platform = rng.choice(3, count, p=design.PLATFORM_SHARES)
    country = rng.choice(8, count, p=design.COUNTRY_SHARES)
    is_bot = number % 1600 == 799
    pays = (rng.random(count) < 0.45) & ~is_bot
    wait = rng.exponential(4 * design.DAY_MS, count).astype(np.int64)
    lag = rng.exponential(1.5 * design.DAY_MS, count).astype(np.int64)
    return People(
        first=first,
        signed_up_at=signed_up_at,
        device=np.where(number % 2000 == 101, number - 1, number),
        platform=np.where(is_bot, 0, platform),
        country=np.where(is_bot, 0, country),
        visits_per_day=0.035 + rng.gamma(2.0, 0.032, count),
        diligence=np.where(is_bot, 0.0, rng.gamma(3.0, 1 / 3, count)),
        slowness_ms=rng.gamma(4.0, 8.0, count),
        pays_from=np.where(pays, signed_up_at + wait, NEVER),
        paid_plan=np.where(rng.random(count) < 0.25, 2, 1),
        updates_after_ms=np.where(platform == 0, 0, lag),
        is_bot=is_bot,
    )


def draw_sessions(people: People, days: int, seed: int) -> Sessions:
    """Draw the sessions of the people, and of visitors who never sign up.

    Everybody has a first session at sign-up and at least one in each ten-day block after it.

    Args:
        people: The users.
        days: Length of the simulation. Days; >= 1.
        seed: The demo's seed; >= 0.
    """
    rng = stream(seed, people.first, "sessions")
    count = len(people)
    signup_day = (people.signed_up_at - design.START_MS) // design.DAY_MS
    weekday = (np.arange(days) + design.STARTED_AT.weekday()) % 7
    busy = np.where(weekday >= 5, _WEEKEND_SHARE, 1.0)
    visits = rng.poisson(people.visits_per_day[:, None] * busy[None, :]).astype(np.int16)
    visits[np.arange(days)[None, :] <= signup_day[:, None]] = 0
    for block in range(0, days, design.DIGEST_DAYS):
        width = min(design.DIGEST_DAYS, days - block)
        digest_day = block + rng.integers(0, width, count)
        idle = (visits[:, block : block + width].sum(axis=1) == 0) & (signup_day < block)
        visits[idle, digest_day[idle]] = 1
    cell = np.repeat(np.arange(count * days), visits.ravel())
    within = (rng.beta(2.2, 1.8, len(cell)) * design.DAY_MS).astype(np.int64)
    at = design.START_MS + (cell % days) * design.DAY_MS + within
    user = np.concatenate([np.arange(count), cell // days])
    at = np.concatenate([people.signed_up_at, at])
    order = np.lexsort((at, user))
    user, at = user[order], at[order]
    return _with_visitors(_describe(people, user, at), people, days, rng)


def _describe(people: People, user: Ints, at: Ints) -> Sessions:
    released = design.START_MS + np.array(design.VERSION_DAYS) * design.DAY_MS
    updated = np.searchsorted(released, at - people.updates_after_ms[user], side="right") - 1
    installed = np.searchsorted(released, people.signed_up_at, side="right") - 1
    return Sessions(
        user=user,
        device=people.device[user],
        at=at,
        platform=people.platform[user],
        country=people.country[user],
        plan=np.where(at >= people.pays_from[user], people.paid_plan[user], 0),
        version=np.maximum(updated, installed[user]),
        is_bot=people.is_bot[user],
    )


def _with_visitors(
    sessions: Sessions, people: People, days: int, rng: np.random.Generator
) -> Sessions:
    count = int(len(people) * _VISITORS_PER_USER)
    at = np.sort(design.START_MS + rng.integers(0, days * design.DAY_MS, count))
    released = design.START_MS + np.array(design.VERSION_DAYS) * design.DAY_MS
    more = Sessions(
        user=np.full(count, -1),
        device=-1 - people.first - np.arange(count),  # below zero: no user's device
        at=at,
        platform=np.zeros(count, np.int64),
        country=rng.choice(8, count, p=design.COUNTRY_SHARES),
        plan=np.zeros(count, np.int64),
        version=np.searchsorted(released, at, side="right") - 1,
        is_bot=rng.random(count) < 0.02,  # crawlers
    )
    return Sessions(
        **{
            name: np.concatenate([getattr(sessions, name), getattr(more, name)])
            for name in Sessions.__slots__
        }
    )
