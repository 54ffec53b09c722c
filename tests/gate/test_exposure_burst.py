"""Crowds within an hour: machines are refused; launches, Mondays, ramps and newsletters are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from landed.gate.bursts import bursts

START = datetime(2026, 3, 2, tzinfo=UTC).replace(tzinfo=None)
ALPHA = 3e-7


def found(counts, *, judged_days=None):
    """Bursts in a series of counts by hour since START."""
    until = START + timedelta(hours=len(counts))
    by_hour = {START + timedelta(hours=at): int(n) for at, n in enumerate(counts) if n}
    judged = until if judged_days is None else START + timedelta(days=judged_days)
    return list(bursts(by_hour, START, until, judged, ratio=5, alpha=ALPHA))


def a_day(level):
    """A day's hours, fullest at two in the afternoon."""
    return level * np.exp(1.2 * np.cos((np.arange(24) - 14) / 24 * 2 * np.pi))


def days(level, number, seed=7):
    return np.random.default_rng(seed).poisson(np.tile(a_day(level), number))


def test_an_hour_with_a_hundred_times_the_usual_is_a_burst():
    counts = days(4, 10)
    counts[5 * 24 + 3] += 500

    (one,) = found(counts)

    assert one.hour_at == START + timedelta(days=5, hours=3)
    assert one.observed >= 500
    assert one.expected < 15


def test_a_burst_across_the_end_of_an_hour_is_two_hours():
    counts = days(4, 10)
    counts[5 * 24 + 3 : 5 * 24 + 5] += 250

    assert [one.hour_at.hour for one in found(counts)] == [3, 4]


def test_a_burst_among_people_who_come_in_hundreds_is_found():
    counts = days(200, 10)
    counts[5 * 24 + 14] += 4_000

    assert len(found(counts)) == 1


def test_a_launch_that_calms_down_within_a_day_is_none():
    counts = days(40, 10) + (400 * np.exp(-np.arange(240) / 6)).astype(int)

    assert found(counts) == []


def test_a_launch_hour_of_machines_is_a_burst():
    counts = days(4, 3)
    counts[0] += 500

    assert [one.hour_at for one in found(counts)] == [START]


def test_a_ramp_to_fifty_times_the_traffic_is_none():
    counts = np.concatenate([days(2, 3), days(100, 7)])

    assert found(counts) == []


def test_a_monday_morning_after_an_empty_weekend_is_none():
    week = np.concatenate([days(80, 5), np.zeros(48, int)])

    assert found(np.concatenate([week, week, week])) == []


def test_a_peak_that_comes_every_day_is_none():
    counts = days(4, 10)
    counts[9::24] += 400

    assert found(counts) == []


def test_an_hour_that_is_not_closed_is_not_judged():
    counts = days(4, 10)
    counts[9 * 24 + 3] += 500

    assert found(counts, judged_days=9) == []
    assert len(found(counts)) == 1


MACHINES = """
insert into fct_exposures by name
select 'checklist' as release, 'm' || i as unit_id,
    if(i % 2 = 0, 'control', 'checklist') as variant,
    timestamp '2026-03-05 10:00' + to_seconds(i * 10) as exposed_at,
    false as is_crossover, false as is_bot, '1.0' as first_app_version, 'DE' as country,
    'web' as platform, 'free' as plan, 1 as exposure_count
from range({number}) as machines(i);

insert into dim_units by name
select unit_id, false as is_bot, 'free' as plan, exposed_at as first_seen_at,
    exposed_at + interval {stay} as last_seen_at
from fct_exposures where unit_id like 'm%';

insert into agg_unit_days by name
select unit_id, cast(exposed_at as date) as event_on, {events} as event_count
from fct_exposures where unit_id like 'm%';
"""


@pytest.fixture
def crowd(world):
    """The product with hundreds of units exposed over five days, and a crowd in one hour."""

    def made(number=200, stay="2 second", events="3", others=600):
        world.run(
            "insert into fct_exposures by name"
            " select known.* replace ('p' || n as unit_id,"
            f"    timestamp '2026-03-02' + to_seconds(n * 400000 // {others}) as exposed_at)"
            f" from fct_exposures as known, range({others}) as more(n) where known.unit_id = 'u00'"
        )
        world.run(
            "insert into dim_units by name select unit_id, false as is_bot, 'free' as plan,"
            " timestamp '2026-03-01' as first_seen_at, timestamp '2026-03-17' as last_seen_at"
            " from fct_exposures where unit_id like 'p%'"
        )
        return world.run(MACHINES.format(number=number, stay=stay, events=events))

    return made


def test_exposure_burst_refuses_a_crowd_of_machines_in_both_arms(crowd, result_of):
    check = result_of(crowd().data(), "exposure_burst")

    assert check.blocks
    assert check.observed == (
        "200 units that came for an hour only were exposed in the hour 2026-03-05 10:00Z, 5 usual:"
        " 23.2 % of all exposed; 100 % of them sent as many events as each other, 0 % of such units"
        " at other hours"
    )
    assert list(check.sample) == [{"hour": "2026-03-05T10:00Z", "units": 200, "usual": 5.0}]


def test_exposure_burst_only_warns_of_a_crowd_whose_units_differ(crowd, result_of):
    check = result_of(crowd(events="1 + hash(unit_id) % 12").data(), "exposure_burst")

    assert (check.severity, check.passed) == ("warning", False)


def test_exposure_burst_only_warns_of_a_few_machines(crowd, result_of):
    check = result_of(crowd(number=120, others=3_000).data(), "exposure_burst")

    assert (check.severity, check.passed) == ("warning", False)


def test_exposure_burst_passes_a_crowd_that_comes_back(crowd, result_of):
    check = result_of(crowd(stay="3 hour").data(), "exposure_burst")

    assert check.passed is True


def test_exposure_burst_passes_machines_that_are_known_as_bots(crowd, result_of):
    world = crowd().run("update fct_exposures set is_bot = true where unit_id like 'm%'")

    assert result_of(world.data(), "exposure_burst").passed is True
