"""A product with one 28-day release, made of the demo's people and visits: its clean lake.

The demo's own releases run at once and for three weeks; a fault has to be seen in one release of
28 daily looks, with sequence numbers, session ends and payments to break.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import pyarrow as pa

from landed.demo import design
from landed.demo.columns import KNOWN, NEVER, Bools, Ints, Labelled, Rows, Sessions
from landed.demo.people import People, draw_people, draw_sessions
from landed.demo.product import Product
from landed.warehouse import Engine

SHIPPED_AT = datetime(2026, 10, 1, tzinfo=UTC)
ENDS_AT = SHIPPED_AT + timedelta(days=28)
WINDOW_DAYS = 3
DECIDES_AT = ENDS_AT + timedelta(days=WINDOW_DAYS)
#: Nine hours into the day after the verdict is due: that day is not whole, so none of it counts.
NOW = DECIDES_AT + timedelta(hours=9)
#: Whole blocks of `draw_sessions`, in each of which everybody comes once: a block that is cut short
#: would be a rush. What comes after the verdict is left out.
DAYS = -(-((NOW - design.STARTED_AT).days + 1) // design.DIGEST_DAYS) * design.DIGEST_DAYS
FLAG, TREATMENT, RELEASE = "setup_guide", "guide", "setup-guide"

SMALL, USUAL, LARGE = 2_800, 11_200, 100_000
BASE_FOUND_SHARE, FOUND_EFFECT = 0.50, 0.24

EVENTS = """
create table lake.events (
    event_id varchar, event_name varchar, occurred_at timestamp, received_at timestamp,
    user_id varchar, anonymous_id varchar, session_id varchar, app_version varchar,
    properties varchar, clock_status varchar, source varchar, batch_id varchar,
    event_hash ubigint, event_on date)
"""


@dataclass(frozen=True)
class Drawn:
    """A clean product: the lake's events, and what is true of its people.

    Args:
        seed: Of everything that is random.
        people: Count.
        events: Rows of `lake.events`.
        truth: One row a person: user_id, is_treated, exposed_at, platform.
    """

    seed: int
    people: int
    events: pa.Table = field(repr=False)
    truth: pa.Table = field(repr=False)


@lru_cache(maxsize=2)
def draw(people: int, seed: int) -> Drawn:
    """Draw a clean product; the last two stay in memory, as a fault and its twin share one."""
    crowd = draw_people(people, seed, 0)
    # half the visits: a run of the gate costs what its events cost
    # most people were there before the first day, so that weekdays have a habit
    older = np.arange(people) % 8 > 0
    crowd = replace(
        crowd,
        visits_per_day=crowd.visits_per_day / 2,
        signed_up_at=crowd.signed_up_at - np.where(older, 30 * design.DAY_MS, 0),
    )
    product = Product(crowd, draw_sessions(crowd, DAYS, seed), seed)
    exposed_at = _first_visits(product)
    treated: Bools = product.rng("arms").random(people) < 0.5
    with Engine.open(None) as engine:
        engine.execute("create schema lake")
        engine.execute(EVENTS)
        engine.register("sessions", _sessions(product.sessions))
        for number, rows in enumerate(_kinds(product, exposed_at, treated)):
            engine.register("rows_of_kind", _table(rows))
            engine.execute(_INSERT.format(kind=number, own=_own(rows)), {"name": rows.name})
            engine.unregister("rows_of_kind")
        events = engine.arrow(_NUMBERED)
        engine.register("people", _people(crowd, exposed_at, treated))
        truth = engine.arrow(_TRUTH)
    return Drawn(seed, people, events, truth)


def _first_visits(product: Product) -> Ints:
    """When each person first came while the release took people in; NEVER for who did not."""
    at = product.sessions.at + 300
    inside = product.is_known() & (at >= _ms(SHIPPED_AT)) & (at < _ms(ENDS_AT))
    user, first = np.unique(product.sessions.user[inside], return_index=True)
    exposed_at: Ints = np.full(len(product.people), NEVER)
    exposed_at[user] = at[inside][first]
    return exposed_at


def _kinds(product: Product, exposed_at: Ints, treated: Bools) -> Iterator[Rows]:
    sessions = product.sessions
    known = np.flatnonzero(product.is_known())
    user = sessions.user[known]
    yield product.rows("session_started", known, sessions.at[known])
    length = (90_000 + product.rng("ends").exponential(6 * design.MINUTE_MS, len(known))).astype(
        np.int64
    )
    yield product.rows("session_ended", known, sessions.at[known] + 26 * design.MINUTE_MS + length)
    first = np.searchsorted(user, np.arange(len(product.people)))
    yield product.rows("signed_up", known[first], sessions.at[known[first]] + 120)

    at = sessions.at[known] + 300
    meets = (at >= exposed_at[user]) & (at < _ms(ENDS_AT))
    again = product.rng("evaluations").random(len(known)) < 0.05
    logged = known[meets & ((at == exposed_at[user]) | again)]
    arm = treated[sessions.user[logged]].astype(np.int64)
    yield product.rows(
        "feature_flag.evaluation",
        logged,
        sessions.at[logged] + 300,
        {
            "feature_flag.key": Labelled((FLAG,), np.zeros(len(logged), np.int64)),
            "feature_flag.result.variant": Labelled(("control", TREATMENT), arm),
        },
    )
    met = known[at >= exposed_at[user]]
    guided = treated[sessions.user[met]]
    yield product.rows("guide_shown", met[guided], sessions.at[met[guided]] + 1_200)
    yield product.rows("start_shown", known, sessions.at[known] + 1_100)
    yield from _work(product, exposed_at, treated)


def _work(product: Product, exposed_at: Ints, treated: Bools) -> Iterator[Rows]:
    rng = product.rng("guide searches")
    session, at = product.happen(rng, 0.55)
    user = product.sessions.user[session]
    helped = treated[user] & (at >= exposed_at[user])
    found: Bools = rng.random(len(at)) < BASE_FOUND_SHARE + FOUND_EFFECT * helped
    yield product.rows(
        "search_performed",
        session,
        at,
        {"has_click": found, "result_count": rng.poisson(9, len(at)) + found},
    )
    rng = product.rng("guide requests")
    session, at = product.happen(rng, 0.3)
    latency = 90 + rng.gamma(2.0, 70.0, len(at))
    status = np.where(rng.random(len(at)) < design.BASE_FAILURE_SHARE, 500, 200)
    endpoint = Labelled(("/sync", "/tasks", "/files"), rng.integers(0, 3, len(at)))
    yield product.rows(
        "request_served",
        session,
        at,
        {"endpoint": endpoint, "status": status, "latency_ms": np.round(latency, 1)},
    )
    session, at = product.happen(product.rng("guide tasks"), 0.15)
    assigned: Bools = product.rng("assigned").random(len(at)) < 0.6
    yield product.rows("task_created", session, at, {"is_assigned": assigned})
    rng = product.rng("guide payments")
    session, at = product.happen(rng, 0.08)
    amount = np.array([9.0, 19.0, 29.0, 49.0, 99.0])[rng.integers(0, 5, len(at))]
    yield product.rows("payment_succeeded", session, at, {"amount_usd": amount})


def _table(rows: Rows) -> pa.Table:
    columns = {"session": rows.session, "at_ms": rows.at, "is_known": rows.identity >= KNOWN}
    for name, values in rows.properties.items():
        if isinstance(values, Labelled):
            columns[f"own_{name}"] = pa.array(values.labels).take(pa.array(values.codes))
        else:
            columns[f"own_{name}"] = values
    return pa.table(columns)


def _own(rows: Rows) -> str:
    """SQL of a kind's own properties, as members of a JSON object with a comma before each."""
    if not rows.properties:
        return "''"
    packed = ", ".join(f'"{name}" := "own_{name}"' for name in rows.properties)
    return f"',' || rtrim(substr(cast(to_json(struct_pack({packed})) as varchar), 2), '}}')"


def _sessions(sessions: Sessions) -> pa.Table:
    codes = {
        "platform": (design.PLATFORMS, sessions.platform),
        "country": (design.COUNTRIES, sessions.country),
        "plan": (design.PLANS, sessions.plan),
        "app_version": (design.VERSIONS, np.maximum(sessions.version, 0)),
    }
    columns = {name: pa.array(of).take(pa.array(at)) for name, (of, at) in codes.items()}
    numbers = {"session": np.arange(len(sessions)), "person": sessions.user}
    return pa.table({**numbers, "is_bot": sessions.is_bot, **columns})


def _people(people: People, exposed_at: Ints, treated: Bools) -> pa.Table:
    platform = pa.array(design.PLATFORMS).take(pa.array(people.platform))
    return pa.table(
        {
            "person": np.arange(len(people)),
            "is_treated": treated,
            "exposed_ms": exposed_at,
            "platform": platform,
        }
    )


def _ms(instant: datetime) -> int:
    return design.to_ms(instant)


_INSERT = """
insert into lake.events
select
    format('e{kind}-{{:07d}}', row_number() over () - 1) as event_id,
    $name as event_name,
    epoch_ms(at_ms) as occurred_at,
    epoch_ms(at_ms + 150 + cast(hash(at_ms, session) % 4000 as bigint)) as received_at,
    format('u-{{:07d}}', person) as user_id,
    format('a-{{:07d}}', person) as anonymous_id,
    format('s-{{:07d}}', session) as session_id,
    app_version,
    '"platform":"' || platform || '","country":"' || country || '","plan":"' || plan || '"'
        || case when is_bot then ',"is_bot":true' else '' end || {own} as properties,
    null as clock_status,
    'app' as source,
    'b' as batch_id,
    0 as event_hash,
    cast(epoch_ms(at_ms) as date) as event_on
from rows_of_kind inner join sessions using (session)
"""

_NUMBERED = f"""
select
    * replace (
        '{{"sequence":'
            || row_number() over (partition by session_id order by occurred_at, event_id)
            || ',' || properties || '}}' as properties,
        hash(event_id) as event_hash
    )
from lake.events
where occurred_at >= timestamp '{design.STARTED_AT:%Y-%m-%d}'
    and received_at < timestamp '{NOW:%Y-%m-%d %H:%M}'
order by occurred_at
"""

_TRUTH = f"""
select
    format('u-{{:07d}}', person) as user_id,
    is_treated,
    case when exposed_ms < {NEVER} then epoch_ms(exposed_ms) end as exposed_at,
    platform
from people
"""
