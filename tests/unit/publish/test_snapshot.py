from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from landed.errors import PlanError, WarehouseError
from landed.publish import current, open_snapshot, snapshot_id
from landed.publish.readers import list_ids

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


def test_publish_shows_a_whole_read_only_snapshot(small: Any) -> None:
    published = small.publish()

    assert current(small.home) == published
    assert published.id == snapshot_id({"lake": "1"})
    assert sorted(path.name for path in published.path.iterdir()) == [
        "catalog.json",
        "landed.duckdb",
        "manifest.json",
    ]
    assert all(stat.S_IMODE(p.stat().st_mode) == 0o444 for p in published.path.iterdir())
    listed = published.manifest["files"]["landed.duckdb"]
    assert listed["sha256"] == hashlib.sha256(published.duckdb.read_bytes()).hexdigest()
    assert published.manifest["parent"] is None
    assert published.manifest["releases"] == {"bad": "blocked", "good": "harmed"}
    assert published.overview.read_text().count("<tr class=") == 2


def test_the_same_inputs_give_the_same_snapshot_without_work(small: Any) -> None:
    first = small.publish()
    before = first.duckdb.stat().st_mtime_ns

    second = small.publish(created_at=NOW + timedelta(days=1))

    assert second == first
    assert second.duckdb.stat().st_mtime_ns == before


def test_a_snapshot_holds_no_id_no_property_and_no_text_of_a_person(small: Any) -> None:
    published = small.publish()

    raw = published.duckdb.read_bytes()
    assert b"ada" not in raw
    assert b"example.org" not in raw
    assert b"call me" not in raw
    assert b"secret words" not in raw
    assert small.home.secret_key.read_bytes() not in raw
    assert small.home.secret_key.read_bytes().hex().encode() not in raw


def test_digests_stay_distinct_and_the_same_over_snapshots_and_tables(small: Any) -> None:
    small.publish()
    query = """
        select count(distinct events.unit_id), count(distinct exposures.unit_id),
            min(length(events.unit_id)), min(length(event_id))
        from fct_events as events
        inner join fct_exposures as exposures on events.unit_id = exposures.unit_id
    """

    with open_snapshot(small.home) as engine:
        found = engine.one(query)
        ids = engine.rows("select distinct unit_id from fct_events order by all")
    small.publish("2")
    with open_snapshot(small.home) as engine:
        later = engine.rows("select distinct unit_id from fct_events order by all")

    assert found == (2, 2, 32, 0)
    assert ids == later


def test_definitions_still_compute_on_the_snapshot(small: Any) -> None:
    published = small.publish()
    daily = {entry["metric"]: entry["daily"] for entry in published.catalog["metrics"]}

    with open_snapshot(small.home) as engine:
        revenue = engine.rows(daily["revenue"]["sql"])
        per_user = engine.rows(daily["events_per_user"]["sql"])

    assert [row[1] for row in revenue] == [5.0, None]
    assert daily["events_per_user"]["columns"] == [
        "metric_time", "events", "active_users", "events_per_user",
    ]  # fmt: skip
    assert [row[1:] for row in per_user] == [(2, 1, 2.0), (2, 2, 1.0)]


def test_exposures_of_a_blocked_release_are_not_published(small: Any) -> None:
    small.publish(blocked=("bad",))

    with open_snapshot(small.home) as engine:
        releases = engine.rows("select distinct release from fct_exposures")
        estimates = engine.rows("select release, metric, mean_control from estimates")
        verdicts = engine.rows("select release, verdict, gate from releases order by release")

    assert releases == [("good",)]
    assert estimates == [("good", "events", 3.0)]
    assert verdicts == [("bad", "blocked", "blocked"), ("good", "harmed", "pass")]


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '/tmp/landed-should-not-exist.csv'",
        "select * from read_text('/etc/hostname')",
        "attach '/tmp/landed-should-not-exist.duckdb' as other",
        "create table more (x int)",
        "set memory_limit = '1TB'",
        "set disabled_filesystems = ''",
    ],
)
def test_an_open_snapshot_is_locked_down(small: Any, sql: str) -> None:
    small.publish()

    with open_snapshot(small.home) as engine, pytest.raises(WarehouseError):
        engine.execute(sql)


def test_a_reader_keeps_its_snapshot_while_another_is_published(small: Any) -> None:
    small.publish("1")
    with open_snapshot(small.home) as engine:
        small.publish("2", keep=1)

        assert engine.one("select count(*) from fct_events") == (4,)


def test_old_snapshots_go_but_those_that_reports_name_stay(small: Any) -> None:
    good = small.publish("1", blocked=())
    for day, state in enumerate(("2", "3", "4"), start=1):
        small.publish(state, blocked=("good", "bad"), created_at=NOW + timedelta(days=day), keep=1)

    kept = list_ids(small.home)

    assert sorted(kept) == sorted([good.id, snapshot_id({"lake": "4"})])


def test_half_built_snapshots_of_dead_publishers_are_swept(small: Any) -> None:
    dead = small.home.snapshots / ".tmp-0123456789abcdef-999999999"
    dead.mkdir(parents=True)
    (dead / "landed.duckdb").write_bytes(b"half")

    small.publish()

    assert not dead.exists()


def test_a_publisher_that_was_overtaken_leaves_the_pointer_alone(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = small.publish("1")
    seen = iter(["f" * 16, first.id, first.id])
    monkeypatch.setattr("landed.publish.snapshot.pointer_id", lambda home: next(seen))

    with pytest.raises(WarehouseError, match="as when this run began to publish"):
        small.publish("2")

    assert current(small.home) == first


def test_a_damaged_snapshot_is_refused_and_published_again(small: Any) -> None:
    published = small.publish()
    published.duckdb.chmod(0o644)
    published.duckdb.write_bytes(b"cut")

    with pytest.raises(WarehouseError, match="as its manifest says"):
        open_snapshot(small.home)
    again = small.publish()

    with open_snapshot(small.home, again.id) as engine:
        assert engine.one("select count(*) from fct_events") == (4,)


def test_a_definition_over_all_properties_is_refused(
    make_small: Callable[..., Any], models: str
) -> None:
    amount = "cast(properties ->> 'amount' as double)"
    small = make_small(models.replace(amount, "length(properties)"))

    with pytest.raises(PlanError, match="all of `properties` is read"):
        small.publish()

    assert current(small.home) is None


def test_a_mart_that_was_not_built_is_named(make_small: Callable[..., Any]) -> None:
    small = make_small(build="create table fct_events as select 1 as event_id")

    with pytest.raises(WarehouseError, match="`fct_events` has no column"):
        small.publish()


def test_the_key_is_made_once_for_its_owner_only(small: Any) -> None:
    small.publish("1")
    key = small.home.secret_key.read_bytes()
    small.publish("2")

    assert small.home.secret_key.read_bytes() == key
    assert len(key) == 32
    assert stat.S_IMODE(small.home.secret_key.stat().st_mode) == 0o600


def test_a_key_that_others_may_read_is_refused(small: Any) -> None:
    small.publish("1")
    small.home.secret_key.chmod(0o644)

    with pytest.raises(WarehouseError, match="mode 644"):
        small.publish("2")


def test_the_pointer_and_manifest_are_plain_json(small: Any) -> None:
    published = small.publish()

    pointer = orjson.loads((small.home.snapshots / "current").read_bytes())

    assert pointer["id"] == published.id
    assert published.manifest["tables"]["fct_events"] == 4
