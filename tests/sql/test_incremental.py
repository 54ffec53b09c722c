"""An incremental run leaves what a full refresh would: row for row, in every table."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from draws import History, units
from lake_rows import FLAG, RELEASES, Built, Event, at, event, make_built

from landed.errors import WarehouseError


def _first() -> Iterator[Event]:
    yield event("a1", "2026-11-01 10:00", user="amy")
    yield event("a2", "2026-11-01 10:50", user="amy")
    yield event("b1", "2026-11-01 23:40", anonymous="kiosk")
    yield event("b2", "2026-11-02 00:05", user="bob")
    yield event("b3", "2026-11-03 10:00", user="bob", anonymous="kiosk")
    yield event("c1", "2026-11-02 12:00", anonymous="laptop", properties={"plan": "free"})


def _second() -> Iterator[Event]:
    yield event("a3", "2026-11-01 10:25", user="amy")  # late: joins two sessions
    yield event("b4", "2026-11-04 09:00", user="eva", anonymous="kiosk")  # the kiosk is shared
    yield event("c2", "2026-11-04 10:00", user="cat", anonymous="laptop")  # late identity


def _crowd() -> tuple[list[Event], list[Event]]:
    """Three hundred events of twelve people who swap devices, in order of arrival."""
    draw = random.Random(7)  # noqa: S311
    arrivals: list[tuple[datetime, Event]] = []
    for number in range(300):
        person = draw.randrange(12)
        when = at("2026-11-01") + timedelta(minutes=draw.randrange(4 * 1440))
        device = person if draw.random() < 0.97 else draw.randrange(12)
        one = event(
            f"r{number}",
            when.isoformat(sep=" "),
            user=f"user{person}" if draw.random() < 0.15 else None,
            anonymous=f"device{device}" if draw.random() < 0.95 else None,
            session=f"s{person}" if draw.random() < 0.1 else None,
            name=draw.choice(["view", "open", "error"]),
            properties={"group": draw.choice("ab")} if draw.random() < 0.2 else {},
        )
        arrivals.append((when + timedelta(hours=draw.choice([0, 0, 0, 30])), one))
    ordered = [one for _, one in sorted(arrivals, key=lambda pair: pair[0])]
    return ordered[:220], ordered[220:]


def test_late_events_and_late_identities_end_as_in_a_full_refresh(empty: Built) -> None:
    crowd_first, crowd_second = _crowd()
    empty.execute(RELEASES)
    # another product counts its events from the same ids
    twins = [replace(one, source="app") for one in crowd_first[:40]]
    empty.land([*_first(), *crowd_first, *twins[:20]])
    empty.build()
    before = dict(empty.rows("select split_part(event_id, ':', 2), unit_id from fct_events"))

    empty.land([*_second(), *crowd_second, *twins[20:]])
    second = empty.build()
    incremental = empty.tables()
    # a model more: what an earlier definition wrote could stay, so all is rebuilt unasked
    (empty.project.root / "models").mkdir()
    (empty.project.root / "models" / "fct_own.sql").write_text("select 1 as one")
    changed = empty.build()
    full = empty.tables()

    after = dict(empty.rows("select split_part(event_id, ':', 2), unit_id from fct_events"))
    sessions = dict(empty.rows("select split_part(event_id, ':', 2), session_id from fct_events"))
    assert (second.full_refresh, changed.full_refresh) == (False, True)
    assert (before["b1"], after["b1"]) == ("bob", "kiosk")
    assert (before["c1"], after["c1"]) == ("laptop", "cat")
    assert sessions["a1"] == sessions["a3"] == sessions["a2"]
    assert full.pop("fct_own") == [(1,)]
    assert incremental == full
    landed = [*_first(), *_second(), *crowd_first, *crowd_second, *twins]
    assert len(incremental["fct_events"]) == len(landed)


def test_a_late_day_that_names_another_cluster_ends_as_in_a_full_refresh(empty: Built) -> None:
    def seen(event_id: str, day: str, **team: str) -> Event:
        met = {"feature_flag.key": "box", "feature_flag.variant": "big", **team}
        return event(event_id, f"{day} 10:00", user="amy", name=FLAG, properties=met)

    empty.execute(RELEASES)
    empty.execute("update lake.releases set exposure_ends_at = '2026-11-09'")
    empty.land([seen("c1", "2026-11-03"), seen("c2", "2026-11-05", team="blue")])
    empty.run()

    empty.land([seen("c3", "2026-11-04", team="red")])
    empty.run()

    of_amy = (
        "select cluster_id, is_in_two_clusters from fct_exposures where release = 'box'"
        " and unit_id = 'amy'"
    )
    added = empty.rows(of_amy)
    empty.run(full_refresh=True)
    assert added == empty.rows(of_amy) == [(None, True)]


def _ends_as_a_full_refresh(built: Built, seed: int, steps: int) -> None:
    history = History(random.Random(seed), built)  # noqa: S311
    history.begin()
    built.run()
    for _ in range(steps):
        history.step()
        built.run()
    incremental = built.tables()
    found = dict(built.rows("select split_part(event_id, ':', 2), unit_id from fct_events"))
    built.run(full_refresh=True)

    full = built.tables()
    assert found == dict(units(history.events))
    for model, rows in full.items():
        assert incremental[model] == rows, model


def test_rows_that_come_and_go_and_rules_that_change_end_as_in_a_full_refresh(
    empty: Built,
) -> None:
    _ends_as_a_full_refresh(empty, seed=3, steps=3)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 120))
def test_any_history_ends_as_in_a_full_refresh(seed: int, tmp_path: Path) -> None:
    _ends_as_a_full_refresh(make_built(tmp_path), seed, steps=6)


def test_a_fault_of_another_day_is_found_where_a_test_is_told_to_look_at_all_rows(
    empty: Built,
) -> None:
    twice = event("e1", "2026-11-01 10:00", user="amy")
    unique = "unique_fct_events_event_id"
    empty.land([twice, twice])
    first = empty.build()

    empty.land([event("e2", "2026-11-02 10:00", user="amy")])
    told = empty.build(tested_whole=[unique])
    left = empty.build()

    found = [{test.test for test in built.tests if not test.passed} for built in (first, told)]
    assert found == [{unique}, {unique}]
    assert [built.full_refresh for built in (first, told, left)] == [True, False, False]
    assert [test.test for test in left.tests if not test.passed] == []


def test_a_build_after_one_that_broke_off_is_whole(empty: Built) -> None:
    empty.land([event("e1", "2026-11-01 10:00", user="amy")])
    empty.run()
    empty.execute("alter table lake.feedback rename to lost")
    with pytest.raises(WarehouseError, match="`stg_lake__feedback` failed"):
        empty.build()
    empty.execute("alter table lake.lost rename to feedback")

    built = empty.build()

    assert built.full_refresh


def test_a_person_known_by_feedback_only_is_merged_and_parted_as_in_a_full_refresh(
    empty: Built,
) -> None:
    empty.execute(
        "insert into lake.feedback values ('w1', '2026-11-01 15:00', 'zed', 'review', 2, 'hm',"
        " null, '{}', 'store', 'b', 1, '2026-11-01')"
    )
    empty.execute("insert into lake.touched_days values ('2026-11-01', 'feedback')")
    empty.add([event("a1", "2026-11-01 10:00", user="amy")])
    empty.run()
    second = [
        event("z1", "2026-11-02 10:00", user="zed"),
        event("a2", "2026-11-02 10:01", user="amy", anonymous="zed", name="alias"),
    ]
    empty.land(second)
    empty.run()
    units_of_both = empty.rows("select unit_id from dim_units")
    empty.execute("delete from lake.touched_days")
    empty.remove(second)
    empty.run()
    incremental = empty.tables()

    empty.run(full_refresh=True)

    assert units_of_both == [("amy",)]
    assert sorted(empty.rows("select unit_id from dim_units")) == [("amy",), ("zed",)]
    assert incremental == empty.tables()


def test_a_device_that_identifies_several_users_makes_no_person_of_them(empty: Built) -> None:
    empty.execute(RELEASES)
    empty.land(
        [
            event("d1", "2026-11-01 09:00", user="dev-A"),  # a server took the device for a user
            event("x1", "2026-11-01 10:00", user="xena", anonymous="dev-A", name="$identify"),
            event("y1", "2026-11-02 10:00", user="yuri", anonymous="dev-A", name="$identify"),
            event("d2", "2026-11-01 09:00", user="dev-B"),
            event("w1", "2026-11-01 10:00", user="will", anonymous="dev-B", name="$identify"),
        ]
    )

    empty.run()

    found = dict(empty.rows("select split_part(event_id, ':', 2), unit_id from fct_events"))
    assert found == {"d1": "dev-A", "x1": "xena", "y1": "yuri", "d2": "dev-B", "w1": "dev-B"}
