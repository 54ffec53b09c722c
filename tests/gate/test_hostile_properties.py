"""Odd properties that stay as they are block no release, and hide no fault beside them.

Rows of an event `order` are drawn over six weeks, profiled by the project's own model and judged by
the three checks of profiles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from gate.faults.models import compiled
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from profile_rows import read_amount

from landed.gate import judging, load_suites
from landed.gate.checks import CHECKS
from landed.gate.facts import Fact, NotApplicable, Subject

SHIPPED_ON = date(2026, 3, 2)
DAYS = [date(2026, 2, 2) + timedelta(days=n) for n in range(42)]
NONE = object()  # the row has no such property

Draw = Callable[[np.random.Generator, int, str], Any]


def _mixed(rng: np.random.Generator, *shares: tuple[float, Any]) -> Any:
    """One of some values, by their shares; the last takes the rest."""
    at = rng.random()
    for share, value in shares:
        if at < share:
            return value() if callable(value) else value
        at -= share
    return NONE


#: Value of one row of a property, by the day's number, 0 to 41, and the version that sent it.
#: What moves does so as in life: by itself, slowly, and the same before and after the release.
CLEAN: Mapping[str, Draw] = {
    "constant": lambda rng, day, version: 7,
    "zero": lambda rng, day, version: 0,
    "zero but rarely": lambda rng, day, version: _mixed(rng, (0.95, 0), (1, 40)),
    "steady": lambda rng, day, version: round(float(rng.lognormal(3, 0.5)), 2),
    "heavy tail": lambda rng, day, version: float(rng.lognormal(3, 3)),
    "endless tail": lambda rng, day, version: float(rng.pareto(0.5) + 1e-3),
    "no mean": lambda rng, day, version: float(rng.standard_cauchy()),
    "negative": lambda rng, day, version: -round(float(rng.lognormal(5, 1)), 2),
    "refunds among": lambda rng, day, version: _mixed(rng, (0.1, -50), (1, 50)),
    "free or team": lambda rng, day, version: _mixed(rng, (0.5, 1), (1, 1000)),
    "free or dear": lambda rng, day, version: _mixed(rng, (0.5, 1), (1, 10)),
    "types": lambda rng, day, version: _mixed(rng, (0.6, 12.5), (0.3, "n/a"), (1, True)),
    "rare type": lambda rng, day, version: _mixed(rng, (0.01, "n/a"), (1, 12.5)),
    "rarer type": lambda rng, day, version: _mixed(rng, (0.002, {"v": 1}), (1, 12.5)),
    "numbers in texts": lambda rng, day, version: str(int(rng.integers(1, 10**6))),
    "texts or numbers": lambda rng, day, version: _mixed(rng, (0.5, "12"), (1, 12)),
    "nulls": lambda rng, day, version: _mixed(rng, (0.3, None), (1, 5)),
    "always null": lambda rng, day, version: None,
    "rarely null": lambda rng, day, version: _mixed(rng, (0.01, None), (1, 5)),
    "few have it": lambda rng, day, version: _mixed(rng, (0.03, 90)),
    "few have one of two types": lambda rng, day, version: _mixed(rng, (0.02, 90), (0.02, "x")),
    "one in a thousand": lambda rng, day, version: _mixed(rng, (0.001, 90)),
    "half have it": lambda rng, day, version: _mixed(rng, (0.5, 90)),
    "huge": lambda rng, day, version: 9_007_199_254_740_993 + int(rng.integers(9)),
    "beyond a double": lambda rng, day, version: 10**320 + int(rng.integers(9)),
    "beyond a double at times": lambda rng, day, version: _mixed(rng, (0.4, 10**320), (1, 3)),
    "tiny": lambda rng, day, version: 5e-324,
    "epoch": lambda rng, day, version: 1_770_000_000_000 + 86_400_000 * day,
    "counter": lambda rng, day, version: 1 + 37 * day + int(rng.integers(37)),
    "grows a tenth a week": lambda rng, day, version: round(40 * 1.1 ** (day / 7), 2),
    "larger on weekends": lambda rng, day, version: 100 if _is_weekend(day) else 10,
    "other type on weekends": lambda rng, day, version: "closed" if _is_weekend(day) else 10,
    "seconds or milliseconds by platform": (
        lambda rng, day, version: (
            (1 if version.startswith("ios") else 1000) * int(rng.integers(2, 9))
        )
    ),
    "type by platform": lambda rng, day, version: "3" if version.startswith("ios") else 3,
    "only of one platform": lambda rng, day, version: 4 if version.startswith("ios") else NONE,
    "a new country's money, slowly": (
        lambda rng, day, version: _mixed(rng, (0.002 * day, 2500), (1, 25))
    ),
    "new countries, slowly": (
        lambda rng, day, version: _mixed(rng, (0.002 * day, f"C{rng.integers(day + 1)}"), (1, "DE"))
    ),
    "text of any length": lambda rng, day, version: "ü" * int(rng.integers(500)),
    "list": lambda rng, day, version: [1] * int(rng.integers(3)),
    "nested": lambda rng, day, version: {"amount": int(rng.integers(1, 9)), "x": None},
}
#: Their values are others after six weeks, which `value_drift` may say.
MOVING = {
    "counter", "grows a tenth a week", "a new country's money, slowly", "new countries, slowly",
}  # fmt: skip


def _since(other: Callable[[float], Any]) -> Draw:
    """A steady amount that is sent otherwise from the release on."""

    def draw(rng: np.random.Generator, day: int, version: str) -> Any:
        amount = round(float(rng.lognormal(3, 0.5)), 2)
        return other(amount) if DAYS[day] >= SHIPPED_ON else amount

    return draw


#: Check, its column, and the values of `amount`.
FAULTS: Mapping[str, tuple[str, str, Draw]] = {
    "cents": ("unit_change", "changed_units", _since(lambda amount: round(amount * 100))),
    "thousands": ("unit_change", "changed_units", _since(lambda amount: amount / 1000)),
    "a text": ("schema_drift", "broken_properties", _since(str)),
    "an object": ("schema_drift", "broken_properties", _since(lambda amount: {"value": amount})),
    "null": ("schema_drift", "broken_properties", _since(lambda amount: None)),
    "gone": ("schema_drift", "broken_properties", _since(lambda amount: NONE)),
}
NAMES = (
    "plain", "a.b", "$.amount", "with \"quotes\" and 'more'", "", " ", "naïve ☃", "line\nbreak",
    "<b>", "x" * 250, "y" * 5_000, "amount ", "Amount", "null", "*",
)  # fmt: skip
VOLUMES: Mapping[str, Callable[[int], int]] = {
    "even": lambda day: 40,
    "busy": lambda day: 320,
    "few": lambda day: 12,
    "ramp": lambda day: 2 + 4 * day,
    "weekdays": lambda day: 3 if _is_weekend(day) else 60,
    "sundays off": lambda day: 0 if DAYS[day].weekday() == 6 else 50,
    "from the second week on": lambda day: 0 if day < 12 else 40,
}


def _is_weekend(day: int) -> bool:
    return DAYS[day].weekday() >= 5


def _version(rng: np.random.Generator, day: int) -> str:
    """A third have a phone; versions of both come out every ten days."""
    return f"{'ios' if rng.random() < 1 / 3 else 'web'} {1 + day // 10}"


def drawn(
    shapes: Mapping[str, Draw], volume: Callable[[int], int], seed: int
) -> Iterator[tuple[date, str, str, str]]:
    """Day, id, version and properties of each row."""
    rng = np.random.default_rng(seed)
    for day, on in enumerate(DAYS):
        for nth in range(volume(day)):
            version = _version(rng, day)
            values = {name: draw(rng, day, version) for name, draw in shapes.items()}
            kept = {name: value for name, value in values.items() if value is not NONE}
            yield on, f"{seed}-{day}-{nth}", version, json.dumps(kept)


@cache
def _profiles() -> str:
    """The model of profiles as dbt compiles it, over the table `profiled`."""
    (model,) = [one for one in compiled().models if one.name == "int_property_days"]
    sql = model.sql.replace('"main"."fct_events"', "profiled")
    return sql.replace('"main"."stg_lake__touched_event_days"', "touched")


def judged(world: Any, rows: Any) -> dict[str, Fact | NotApplicable]:
    """What the three checks say of the rows."""
    columns = ["event_on", "event_id", "app_version", "properties"]
    frame = pd.DataFrame(list(rows), columns=columns)
    world.engine.register("drawn", frame)
    world.engine.execute(
        "create or replace table profiled as select event_on::date as event_on, event_id,"
        " app_version, properties, 'web' as source, 'order' as event_name,"
        " null::varchar as user_id, null::varchar as anonymous_id from drawn"
    )
    world.engine.execute("create or replace table touched as select event_on from profiled")
    world.engine.execute(f"create or replace table int_property_days as {_profiles()}")
    subject = Subject(world.engine, world.catalog, read_amount(world).release)
    suite = load_suites()["profiles"]
    return {
        check_id: CHECKS[check_id].find(subject, judging._parameters(suite.of_check(check_id)))
        for check_id in ("unit_change", "schema_drift", "value_drift")
    }


def columns(fact: Fact | NotApplicable, *names: str) -> float:
    return 0 if isinstance(fact, NotApplicable) else sum(fact.columns[name] for name in names)


def few(examples: int) -> Any:
    """So many drawn examples, always the same; a smaller one of a failure would cost minutes."""
    return settings(
        max_examples=examples,
        phases=[Phase.explicit, Phase.generate],
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


odd_properties = st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(sorted(CLEAN)), min_size=4, max_size=9
)
seeds = st.integers(0, 2**32 - 1)


def hold_clean(world: Any, shapes: Mapping[str, str], volume: str, seed: int) -> None:
    of = {name: CLEAN[shape] for name, shape in shapes.items()}

    found = judged(world, drawn(of, VOLUMES[volume], seed))

    assert columns(found["unit_change"], "changed_units", "changed_units_unread") == 0, found
    assert columns(found["schema_drift"], "broken_properties") == 0, found
    if not MOVING & set(shapes.values()):
        assert columns(found["value_drift"], "drifted_properties") == 0, found


@few(6)
@given(
    shapes=odd_properties,
    amount=st.sampled_from(sorted(CLEAN)),
    volume=st.sampled_from(sorted(VOLUMES)),
    seed=seeds,
)
@example(  # names too long for a profile are counted together, with their numbers
    shapes={"x" * 250: "steady"}, amount="beyond a double at times", volume="even", seed=1
)
def test_odd_properties_that_stay_as_they_are_are_neither_drift_nor_another_unit(
    world: Any, shapes: dict[str, str], amount: str, volume: str, seed: int
) -> None:
    hold_clean(world, {**shapes, "amount": amount}, volume, seed)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("volume", VOLUMES)
def test_every_odd_property_that_stays_as_it_is_passes(world: Any, volume: str, seed: int) -> None:
    hold_clean(world, {shape: shape for shape in CLEAN if shape not in MOVING}, volume, seed)
    hold_clean(world, {shape: shape for shape in MOVING}, volume, seed)


@few(4)
@given(
    shapes=odd_properties,
    fault=st.sampled_from(sorted(FAULTS)),
    volume=st.sampled_from(["even", "busy", "ramp", "weekdays"]),
    seed=seeds,
)
def test_a_fault_beside_odd_properties_is_seen_and_named_alone(
    world: Any, shapes: dict[str, str], fault: str, volume: str, seed: int
) -> None:
    check_id, column, change = FAULTS[fault]
    of = {name: CLEAN[shape] for name, shape in shapes.items()} | {"amount": change}

    found = judged(world, drawn(of, VOLUMES[volume], seed))

    fact = found[check_id]
    assert not isinstance(fact, NotApplicable)
    assert fact.columns[column] >= 1, fact
    assert {row["property"] for row in fact.details["changed"] if row.get("what") != "is new"} == {
        "amount"
    }
