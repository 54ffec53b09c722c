from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import pyarrow
import pytest

from landed.compiler.clock import hour_of, local, minutes_past, offsets
from landed.compiler.syntax import column
from landed.project.zones import is_zone

ZONES = sorted(zone for zone in available_timezones() if is_zone(zone))
TOLD = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/Havana",
    "Europe/Dublin",
    "Asia/Pyongyang",
)


def instants(zone: str) -> list[datetime]:
    """Around every change of a zone's clocks, and at random, from 2015 to 2037."""
    chance = random.Random(zone)  # noqa: S311
    first = datetime.fromisoformat("2015-01-01")
    found = [first + timedelta(seconds=chance.randrange(23 * 365 * 86400)) for _ in range(300)]
    for stretches in offsets(zone)[1].values():
        for change in (end for stretch in stretches for end in stretch):
            apart = (-3600, -1800, -1, 0, 1, 1799, 1800, 3600)
            found += [change + timedelta(seconds=one) for one in apart]
    return [one for one in found if first <= one < datetime.fromisoformat("2038-01-01")]


def shown(at: datetime, zone: str) -> datetime:
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def wrong(zone: str, engine: duckdb.DuckDBPyConnection) -> list[datetime]:
    """Instants of which the engine says another time, or another hour, than the zone's rules."""
    moments = instants(zone)
    engine.register(
        "moments", pyarrow.table({"t": pyarrow.array(moments, pyarrow.timestamp("us"))})
    )
    wall, hour = local(column("t"), zone).sql("duckdb"), hour_of(column("t"), zone).sql("duckdb")
    rows = engine.execute(f"select t, {wall}, {hour} from moments").fetchall()
    engine.unregister("moments")
    assert len(rows) == len(moments)
    found = []
    for at, wall_, hour_ in rows:
        here = shown(at, zone)
        began = at - timedelta(minutes=here.minute, seconds=here.second)
        if wall_ != here or hour_ != began.replace(microsecond=0):
            found.append(at)
    return found


@pytest.mark.parametrize("zone", TOLD)
def test_a_clock_shows_what_the_rules_of_its_zone_say(zone: str) -> None:
    engine = duckdb.connect(":memory:")

    assert wrong(zone, engine) == []


@pytest.mark.full
def test_the_clock_of_every_zone_shows_what_its_rules_say() -> None:
    engine = duckdb.connect(":memory:")

    found = {zone: bad for zone in ZONES if (bad := wrong(zone, engine))}

    assert found == {}
    assert len(ZONES) > 400


def test_before_and_behind_the_years_written_out_the_engine_converts() -> None:
    engine = duckdb.connect(":memory:")
    sql = local(column("t"), "Europe/Berlin").sql("duckdb")
    moments = "(values (timestamp '1999-07-01'), (timestamp '2040-01-01'), (null)) as m (t)"

    found = engine.execute(f"select {sql} from {moments}").fetchall()

    expected = ["1999-07-01 02:00", "2040-01-01 01:00"]
    assert found == [*((datetime.fromisoformat(one),) for one in expected), (None,)]


def test_minutes_past_the_hour_are_those_of_all_offsets() -> None:
    found = {zone: minutes_past(zone) for zone in ("UTC", "Asia/Kathmandu", "America/St_Johns")}

    assert found == {"UTC": (0,), "Asia/Kathmandu": (30, 45), "America/St_Johns": (30,)}
