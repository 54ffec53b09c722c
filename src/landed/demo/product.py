"""What people do in the demo product: one function a group of events, all column arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from . import design
from .columns import (
    ANONYMOUS,
    BOTH,
    KNOWN,
    NEVER,
    Bools,
    Floats,
    Ints,
    Labelled,
    Property,
    Rows,
    Sessions,
    stream,
)
from .people import People

_SEEN_AFTER_MS = 300  # the flag is evaluated this long after a session starts
_LONGEST_SESSION_MS = 25 * design.MINUTE_MS
_STEPS = ("profile", "workspace", "first_project", "first_task")
_PRICES_USD = np.array([9.0, 19.0, 29.0, 49.0, 99.0], np.float64)


@dataclass(frozen=True, slots=True)
class Product:
    """What all events of one batch draw on.

    Args:
        people: The users.
        sessions: Their visits, and the visitors'.
        seed: The demo's seed.
        exposure: When each person could first meet each release, logged or not. Milliseconds
            since the epoch; NEVER where not at all.
        treated: Who is in the treatment arm, by release.
    """

    people: People
    sessions: Sessions
    seed: int
    exposure: dict[str, Ints] = field(default_factory=dict)
    treated: dict[str, Bools] = field(default_factory=dict)

    def rng(self, name: str) -> np.random.Generator:
        """The generator of one part."""
        return stream(self.seed, self.people.first, name)

    def is_known(self) -> Bools:
        """Whether a session is a person's, not a visitor's; (sessions,)."""
        known: Bools = self.sessions.user >= 0
        return known

    def is_treated(self, change: design.Change, user: Ints, at: Ints) -> Bools:
        """Whether the treatment of a release is in force for a user at an instant.

        Args:
            change: A release with a flag.
            user: Index into the people; (n,).
            at: Milliseconds since the epoch; (n,).
        """
        arm = self.treated[change.release][user]
        since = self.exposure[change.release][user]
        treated: Bools = arm & (at >= since) & (at < change.decides_ms)
        return treated

    def rows(
        self,
        name: str,
        session: Ints,
        at: Ints,
        properties: dict[str, Property] | None = None,
        identity: int = KNOWN,
    ) -> Rows:
        """Events of sessions."""
        user = self.sessions.user[session]
        return Rows(name, session, user, at, np.full(len(at), identity), properties or {})

    def happen(
        self, rng: np.random.Generator, mean: Floats | float, *, diligent: bool = False
    ) -> tuple[Ints, Ints]:
        """Draw how often something happens in each session, and when.

        Args:
            rng: Where randomness comes from.
            mean: Mean count a session; one number or (sessions,).
            diligent: Whether the person's diligence scales the mean.

        Returns:
            Session and instant of every occurrence.
        """
        people, sessions = self.people, self.sessions
        factor = np.where(self.is_known(), mean, 0.0)
        if diligent:
            factor = factor * people.diligence[sessions.user]
        session = np.repeat(np.arange(len(sessions)), rng.poisson(factor))
        return session, sessions.at[session] + _offset(rng, len(session))


def _offset(rng: np.random.Generator, count: int) -> Ints:
    wait = 2_000 + rng.exponential(4 * design.MINUTE_MS, count)
    return np.minimum(wait, _LONGEST_SESSION_MS).astype(np.int64)


def first_exposures(product: Product) -> None:
    """Note each person's first session inside each experiment's exposure window."""
    for change in design.EXPERIMENTS:
        inside = _inside(product, change)
        user, first = np.unique(product.sessions.user[inside], return_index=True)
        at = np.full(len(product.people), NEVER)
        at[user] = (product.sessions.at[inside] + _SEEN_AFTER_MS)[first]
        product.exposure[change.release] = at


def _inside(product: Product, change: design.Change) -> Bools:
    at = product.sessions.at + _SEEN_AFTER_MS
    return product.is_known() & (at >= change.shipped_ms) & (at < change.ends_ms)


def flag_evaluations(product: Product) -> Iterator[Rows]:
    """Evaluations of the experiments' flags, and what only a treatment or everybody sees."""
    keys = tuple(change.flag for change in design.EXPERIMENTS)
    variants = ("control", *(change.treatment for change in design.EXPERIMENTS))
    sessions = product.sessions
    ios = design.PLATFORMS.index(design.BROKEN_PLATFORM)
    broken = (sessions.platform == ios) & (
        sessions.version == design.VERSIONS.index(design.BROKEN_VERSION)
    )
    parts: list[tuple[Ints, Ints, Ints, Ints]] = []
    for number, change in enumerate(design.EXPERIMENTS):
        rng = product.rng(f"flag {change.release}")
        session = np.flatnonzero(_inside(product, change))
        treated = product.treated[change.release][sessions.user[session]]
        if change is design.SEARCH:
            logged = ~(treated & broken[session])
            session, treated = session[logged], treated[logged]
        user = sessions.user[session]
        is_first = np.diff(user, prepend=-1) != 0
        kept = is_first | (rng.random(len(user)) < 0.05)  # SDKs seldom log an arm again
        session, treated = session[kept], treated[kept]
        at = sessions.at[session] + _SEEN_AFTER_MS
        parts.append((session, at, np.full(len(at), number), np.where(treated, number + 1, 0)))
        if change is design.CHECKLIST:
            shown = treated & is_first[kept]
            yield product.rows("checklist_shown", session[shown], at[shown] + 900)
            # A shared computer hands a few people the other arm a little later.
            twice = is_first[kept] & (user[kept] % 2000 == 500)
            other = np.where(treated[twice], 0, number + 1)
            again = at[twice] + 2 * design.MINUTE_MS
            parts.append((session[twice], again, np.full(len(other), number), other))
    session, at, key, variant = (np.concatenate(column) for column in zip(*parts, strict=True))
    properties: dict[str, Property] = {
        "feature_flag.key": Labelled(keys, key),
        "feature_flag.result.variant": Labelled(variants, variant),
    }
    yield product.rows("feature_flag.evaluation", session, at, properties)
    late_enough = sessions.at >= design.DARK_MODE.shipped_ms
    session, at = product.happen(product.rng("dark mode"), np.where(late_enough, 0.12, 0.0))
    yield product.rows("dark_mode_enabled", session, at)


def visits(product: Product) -> Iterator[Rows]:
    """Sessions, sign-ups and pages; before the login an event knows the device only."""
    sessions, people = product.sessions, product.people
    known = np.flatnonzero(product.is_known())
    yield product.rows("session_started", known, sessions.at[known], identity=BOTH)
    first = np.searchsorted(sessions.user[known], np.arange(len(people)))
    referrer = product.rng("referrer").choice(4, len(first), p=(0.4, 0.3, 0.2, 0.1))
    found_by: dict[str, Property] = {
        "referrer": Labelled(("search", "friend", "newsletter", "ad"), referrer)
    }
    yield product.rows("signed_up", first, sessions.at[first] + 120, found_by, BOTH)
    invited = first[product.rng("invited").random(len(first)) < 0.2]
    yield product.rows("invite_accepted", invited, sessions.at[invited] + 1_500)

    rng = product.rng("pages")
    session, at = product.happen(rng, 0.35)
    page = 2 + rng.choice(5, len(session), p=(0.4, 0.25, 0.15, 0.12, 0.08))
    login = known[rng.random(len(known)) < 0.06]
    visitor = np.flatnonzero(~product.is_known())
    visitor = np.repeat(visitor, 1 + rng.poisson(0.4, len(visitor)))
    stay = sessions.at[visitor] + rng.integers(0, 3 * design.MINUTE_MS, len(visitor))
    before = np.concatenate([first, login, visitor])
    before_at = np.concatenate([sessions.at[first] - 20_000, sessions.at[login] - 4_000, stay])
    before_page = np.repeat((0, 1, 0), (len(first), len(login), len(visitor)))
    paths = ("/", "/login", "/board", "/inbox", "/calendar", "/reports", "/settings")
    session = np.concatenate([session, before])
    identity = np.repeat((KNOWN, ANONYMOUS), (len(at), len(before)))
    yield Rows(
        "page_viewed",
        session,
        sessions.user[session],
        np.concatenate([at, before_at]),
        identity,
        {"path": Labelled(paths, np.concatenate([page, before_page]))},
    )


def onboarding(product: Product, effects: dict[str, tuple[float, int]]) -> Iterator[Rows]:
    """Set-up steps and completion, at sign-up or in the next session.

    Args:
        product: The batch.
        effects: Receives the checklist's difference, summed over the people exposed.
    """
    rng = product.rng("onboarding")
    sessions, people = product.sessions, product.people
    count, change = len(people), design.CHECKLIST
    known_users = sessions.user[: int(product.is_known().sum())]
    first = np.searchsorted(known_users, np.arange(count))
    last = np.searchsorted(known_users, np.arange(count), side="right") - 1
    session = np.where(rng.random(count) < 0.25, np.minimum(first + 1, last), first)
    at = sessions.at[session] + _offset(rng, count)

    meets_checklist = people.signed_up_at >= change.shipped_ms
    luck = rng.random(count)
    by_control = (luck < design.BASE_ACTIVATION_SHARE) & ~people.is_bot
    more = design.BASE_ACTIVATION_SHARE + design.CHECKLIST_EFFECT
    by_treatment = np.where(meets_checklist, luck < more, by_control) & ~people.is_bot
    completes = np.where(product.treated[change.release], by_treatment, by_control)

    exposed_at = product.exposure[change.release]
    counted = (exposed_at < NEVER) & ~people.is_bot
    window = design.ACTIVATION_WINDOW_DAYS * design.DAY_MS
    in_time = counted & (at >= exposed_at) & (at < exposed_at + window)
    gained = in_time & (by_treatment ^ by_control)
    effects[change.release] = (float(gained.sum()), int(counted.sum()))

    steps = np.where(completes, 4, rng.choice(4, count, p=(0.35, 0.3, 0.2, 0.15)))
    steps = np.where(people.is_bot, 0, steps)
    who = np.repeat(np.arange(count), steps)
    step = np.arange(len(who)) - np.repeat(np.cumsum(steps) - steps, steps)
    when = at[who] - (4 - step) * 400  # the last steps come right before completion
    yield product.rows(
        "onboarding_step_completed", session[who], when, {"step": Labelled(_STEPS, step)}
    )
    yield product.rows("onboarding_completed", session[completes], at[completes])
    starts = completes | (rng.random(count) < 0.2) & ~people.is_bot
    yield product.rows("project_created", session[starts], at[starts] + 5_000)


def tasks(product: Product) -> Rows:
    """Tasks; no release moves them, least of all new icons."""
    rng = product.rng("tasks")
    session, at = product.happen(rng, 0.42, diligent=True)
    assigned: Bools = rng.random(len(at)) < 0.6
    return product.rows("task_created", session, at, {"is_assigned": assigned})


def collaboration(product: Product) -> Iterator[Rows]:
    """Comments and invitations; no release moves them."""
    rng = product.rng("comments")
    session, at = product.happen(rng, 0.27, diligent=True)
    words = 1 + rng.poisson(12, len(at))
    yield product.rows("comment_posted", session, at, {"word_count": words})
    rng = product.rng("invites")
    session, at = product.happen(rng, 0.07, diligent=True)
    channel = Labelled(("email", "link"), rng.integers(0, 2, len(at)))
    yield product.rows("invite_sent", session, at, {"channel": channel})


def searches(product: Product) -> Iterator[Rows]:
    """Searches; the new ranking finds more, though half of its exposures are not to be trusted."""
    rng = product.rng("searches")
    session, at = product.happen(rng, 0.2, diligent=True)
    treated = product.is_treated(design.SEARCH, product.sessions.user[session], at)
    effect = design.SEARCH.effects["search_success_rate"] or 0.0
    found: Bools = rng.random(len(at)) < design.BASE_SEARCH_SUCCESS_SHARE + effect * treated
    yield product.rows(
        "search_performed",
        session,
        at,
        {"has_click": found, "result_count": rng.poisson(9, len(at)) + found},
    )


def requests(product: Product) -> Iterator[Rows]:
    """Requests served, and the errors that people see; instant-sync is faster and fails more."""
    rng = product.rng("requests")
    session, at = product.happen(rng, 1.0)
    user = product.sessions.user[session]
    treated = product.is_treated(design.SYNC, user, at)
    faster = design.SYNC.effects["mean_latency_ms"] or 0.0
    fails_more = design.SYNC.effects["error_rate"] or 0.0
    latency: Floats = 90 + rng.gamma(2.0, 70.0, len(at)) + product.people.slowness_ms[user]
    latency = np.round(latency + np.where(treated, faster, 0.0), 1)
    failed: Bools = rng.random(len(at)) < design.BASE_FAILURE_SHARE + fails_more * treated
    status = np.where(failed, rng.integers(0, 2, len(at)), 2)
    endpoint = rng.choice(4, len(at), p=(0.45, 0.3, 0.15, 0.1))
    yield product.rows(
        "request_served",
        session,
        at,
        {
            "endpoint": Labelled(("/sync", "/tasks", "/search", "/files"), endpoint),
            "status": np.array([500, 503, 200])[status],
            "latency_ms": latency,
        },
    )
    shown = failed & (rng.random(len(at)) < 0.7)
    kinds = Labelled(("sync_conflict", "time_out", "bad_gateway"), endpoint[shown] % 3)
    yield product.rows("app_error", session[shown], at[shown] + 150, {"kind": kinds})


def payments(product: Product) -> Iterator[Rows]:
    """Payments in a session, and refunds days later from the back office, outside any session."""
    rng = product.rng("payments")
    sessions, people = product.sessions, product.people
    known = product.is_known()
    paying = known & (sessions.at >= people.pays_from[np.where(known, sessions.user, 0)])
    session = np.flatnonzero(paying & (rng.random(len(sessions)) < 0.55))
    at = sessions.at[session] + _offset(rng, len(session))
    amount = _PRICES_USD[rng.choice(5, len(at), p=(0.3, 0.3, 0.2, 0.15, 0.05))]
    yield product.rows("payment_succeeded", session, at, {"amount_usd": amount})
    back = rng.random(len(at)) < design.REFUND_SHARE
    wait = rng.integers(design.DAY_MS // 4, 4 * design.DAY_MS, int(back.sum()))
    user = sessions.user[session[back]]
    yield Rows(
        "refund_issued",
        np.full(len(user), -1),
        user,
        at[back] + wait,
        np.full(len(user), KNOWN),
        {"amount_usd": amount[back]},
    )
