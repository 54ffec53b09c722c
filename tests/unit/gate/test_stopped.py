"""When an event has stopped: since a day or a version, beyond chance, and under which new name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import numpy as np
import pytest

from landed.gate.passes.event_counts import SourceCounts, VersionCount
from landed.gate.stopped import Stop, Window, stop_of

FIRST = date(2026, 1, 5)  # a Monday
Rows = Callable[[int], int]


def window(after: int = 56, until: int = 70) -> Window:
    return Window(
        after_on=FIRST + timedelta(days=after),
        until_on=FIRST + timedelta(days=until),
        alpha=1e-6,
        min_days=2,
        min_days_before=3,
        version_share=0.5,
        rename_ratio=2.0,
    )


def source(
    events: Mapping[str, Rows], versions: Mapping[tuple[str, str], Rows] | None = None
) -> SourceCounts:
    """Seventy days of events; the versions' rows stand beside them."""
    days = [FIRST + timedelta(days=n) for n in range(70)]
    by_day = {
        name: {day: rows(n) for n, day in enumerate(days) if rows(n)}
        for name, rows in events.items()
    }
    by_version: dict[str, dict[str, VersionCount]] = {}
    version_days: dict[str, dict[date, int]] = {}
    for (version, name), rows in (versions or {}).items():
        seen = [n for n in range(70) if rows(n)]
        if seen:
            by_version.setdefault(version, {})[name] = VersionCount(
                sum(rows(n) for n in seen), days[seen[0]], days[seen[-1]]
            )
        for n in seen:
            of = version_days.setdefault(version, {})
            of[days[n]] = of.get(days[n], 0) + rows(n)
    total = {day: sum(rows.get(day, 0) for rows in by_day.values()) for day in days}
    return SourceCounts(
        {name: rows for name, rows in by_day.items() if rows},
        {day: rows for day, rows in total.items() if rows},
        by_version,
        version_days,
    )


def found(counts: SourceCounts, event: str = "paid", **more: int) -> Stop | None:
    return stop_of(counts, "web", event, window(**more))


def test_an_event_that_ends_is_stopped_from_the_first_day_without_it() -> None:
    stop = found(source({"paid": lambda n: 20 if n < 60 else 0, "view": lambda n: 500}))

    assert stop is not None
    assert (stop.since, stop.is_version, stop.days) == ("2026-03-06", False, 10)
    assert stop.last_on == date(2026, 3, 5)
    assert stop.expected == pytest.approx(200)
    assert stop.renamed is None


def test_one_silent_day_is_no_stop() -> None:
    assert found(source({"paid": lambda n: 20 if n < 69 else 0, "view": lambda n: 500})) is None


def test_a_sparse_event_may_be_absent_for_days() -> None:
    assert (
        found(source({"paid": lambda n: int(n % 3 == 0 and n < 60), "view": lambda n: 500})) is None
    )


def test_a_weekend_without_an_event_of_working_days_is_no_stop() -> None:
    working = {"paid": lambda n: 0 if n % 7 > 4 else 40, "view": lambda n: 500}

    assert found(source(working), until=70) is None


def test_a_source_that_is_silent_or_a_holiday_stops_no_event() -> None:
    silent = {"paid": lambda n: 20 if n < 60 else 0, "view": lambda n: 500 if n < 60 else 0}
    holiday = {"paid": lambda n: 20 if n < 60 else 0, "view": lambda n: 500 if n < 60 else 5}

    assert found(source(silent)) is None
    assert found(source(holiday)) is None


def test_an_event_of_bursts_is_no_stop_before_it_is_silent_for_longer_than_they_are() -> None:
    bursts = {"paid": lambda n: 20_000 if n % 5 < 2 else 0, "view": lambda n: 500}
    ended = {"paid": lambda n: 20_000 if n % 5 < 2 and n < 62 else 0, "view": lambda n: 500}

    assert found(source(bursts)) is None
    assert found(source(ended)) is not None


def test_an_event_that_dwindles_after_its_launch_does_not_stop() -> None:
    launched = {
        "paid": lambda n: 0 if n < 42 else int(400 * 0.7 ** (n - 42)),
        "view": lambda n: 500,
    }

    assert found(source(launched)) is None


def test_a_new_event_may_be_absent_on_its_first_weekend() -> None:
    new = {"paid": lambda n: 40 if 63 <= n < 68 else 0, "view": lambda n: 500}

    assert found(source(new)) is None


def test_a_silence_that_ended_before_the_release_is_not_looked_at() -> None:
    gap = {"paid": lambda n: 0 if 40 <= n < 50 else 20, "view": lambda n: 500}

    assert found(source(gap)) is None
    stop = found(source(gap), after=45)
    assert stop is not None
    assert stop.days == 10


def test_an_outage_does_not_excuse_the_next_one() -> None:
    twice = {"paid": lambda n: 0 if 40 <= n < 45 or n >= 66 else 50, "view": lambda n: 500}

    stop = found(source(twice))

    assert stop is not None
    assert stop.days == 4


def test_the_event_that_came_as_it_went_is_the_likely_new_name() -> None:
    renamed = {
        "paid": lambda n: 20 if n < 60 else 0,
        "payment_done": lambda n: 19 if n >= 60 else 0,
        "banner_seen": lambda n: 300 if n >= 60 else 0,
        "view": lambda n: 500,
    }

    stop = found(source(renamed))

    assert stop is not None
    assert stop.renamed == "payment_done"


def test_an_event_that_no_newer_version_has_is_stopped_since_that_version() -> None:
    events = {"paid": lambda n: 20 if n < 60 else 4, "view": lambda n: 500}
    versions = {
        ("4.1.0", "view"): lambda n: 500 if n < 60 else 100,
        ("4.1.0", "paid"): lambda n: 20 if n < 60 else 4,
        ("4.2.0", "view"): lambda n: 400 if n >= 60 else 0,
        ("4.2.0", "payment_done"): lambda n: 17 if n >= 60 else 0,
        ("canary", "view"): lambda n: 5,
    }

    stop = found(source(events, versions))

    assert stop is not None
    assert (stop.since, stop.is_version) == ("4.2.0", True)
    assert stop.renamed == "payment_done"


def test_another_product_with_higher_numbers_stops_no_event() -> None:
    events = {"paid": lambda n: 20, "view": lambda n: 500 if n < 60 else 900}
    versions = {
        ("1.9", "view"): lambda n: 500,
        ("1.9", "paid"): lambda n: 20,
        ("4.0", "view"): lambda n: 400 if n >= 60 else 0,
    }

    assert found(source(events, versions)) is None


def test_a_version_that_took_over_is_told_from_a_product_beside_it_with_higher_numbers() -> None:
    events = {"paid": lambda n: 20 if n < 60 else 0, "view": lambda n: 900}
    versions = {
        ("4.1", "view"): lambda n: 500 if n < 60 else 0,
        ("4.1", "paid"): lambda n: 20 if n < 60 else 0,
        ("4.2", "view"): lambda n: 500 if n >= 60 else 0,
        ("2024.1", "view"): lambda n: 400,
    }

    stop = found(source(events, versions))

    assert stop is not None
    assert (stop.since, stop.days) == ("4.2", 10)


def test_a_new_version_that_hardly_anybody_has_yet_stops_no_event() -> None:
    events = {"paid": lambda n: 20, "view": lambda n: 500}
    versions = {
        ("4.1.0", "view"): lambda n: 500 if n < 60 else 480,
        ("4.1.0", "paid"): lambda n: 20,
        ("4.2.0", "view"): lambda n: 20 if n >= 60 else 0,
    }

    assert found(source(events, versions)) is None


def test_clean_products_have_no_stop_at_any_look() -> None:
    rng = np.random.default_rng(20261128)
    rates = [0.3, 1.0, 3.0, 10.0, 40.0]  # events a day
    stopped = 0
    for _ in range(60):
        drawn = {
            f"e{index}": rng.negative_binomial(3.0, 3.0 / (3.0 + rate), size=70)
            for index, rate in enumerate(rates)
        }
        drawn["view"] = rng.poisson(400.0, size=70)
        events = {name: (lambda n, rows=rows: int(rows[n])) for name, rows in drawn.items()}
        counts = source(events)
        stopped += sum(
            found(counts, name, until=until) is not None
            for name in events
            for until in range(58, 71)
        )

    assert stopped == 0
