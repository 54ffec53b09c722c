"""A lake of literal rows, and the product whose rows they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from landed.project import Home, Project, compose, load_project
from landed.project.build_database import database_released
from landed.project.dbt import DbtResult, build
from landed.settings import Settings

SETTINGS = Settings(threads=2, memory_limit_mb=512)

LAKE = """
create schema lake;
create table lake.events (
    event_id varchar, event_name varchar, occurred_at timestamp, received_at timestamp,
    user_id varchar, anonymous_id varchar, session_id varchar, app_version varchar,
    properties varchar, clock_status varchar, source varchar, batch_id varchar,
    event_hash ubigint, event_on date);
create table lake.feedback (
    feedback_id varchar, given_at timestamp, user_id varchar, channel varchar, rating double,
    text varchar, app_version varchar, properties varchar, source varchar, batch_id varchar,
    event_hash ubigint, given_on date);
create table lake.exposures (
    exposure_id varchar, exposed_at timestamp, flag varchar, variant varchar, user_id varchar,
    anonymous_id varchar, properties varchar, source varchar, batch_id varchar,
    event_hash ubigint, exposed_on date);
create table lake.release_events (
    release_id varchar, name varchar, version varchar, released_at timestamp,
    environment varchar, status varchar, url varchar, notes varchar, properties varchar,
    source varchar, batch_id varchar, event_hash ubigint, released_on date);
create table lake.releases (
    release varchar, shipped_at timestamp, owner varchar, hypothesis varchar, unit varchar,
    kind varchar, app_version varchar, exposure_event varchar, exposure_flag varchar,
    variant_property varchar, cluster_property varchar, control varchar,
    treatments varchar[], variants varchar[], exposure_ends_at timestamp,
    decides_at timestamp, cutoff_at timestamp);
create table lake.touched_days (day date, kind varchar);
create view lake.touched_events as
    select * from lake.events
    where event_on in (select day from lake.touched_days where kind = 'events');
"""


@dataclass(frozen=True)
class Event:
    """One event of the lake; what a test does not care about stays empty."""

    event_id: str
    at: str
    name: str = "opened"
    user: str | None = None
    anonymous: str | None = None
    session: str | None = None
    version: str | None = None
    properties: str = "{}"
    source: str = "web"
    clock: str | None = None

    @property
    def day(self) -> date:
        return datetime.fromisoformat(self.at).date()

    def who(self) -> list[str | None]:
        return [self.user, self.anonymous, self.session, self.version]


def event(event_id: str, at: str, *, properties: Any = None, **given: Any) -> Event:
    return Event(event_id, at, properties=json.dumps(properties or {}), **given)


@dataclass(frozen=True)
class Built:
    """A project and a home whose build database a test may fill, build and read."""

    project: Project
    home: Home

    def execute(self, sql: str, params: list[Any] | None = None) -> None:
        with duckdb.connect(str(self.home.build)) as connection:
            connection.execute(sql, params)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home.build), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def land(self, events: Iterable[Event]) -> None:
        """Add events as one more batch; their days are the touched ones."""
        self.execute("delete from lake.touched_days")
        self.add(events)

    def add(self, events: Iterable[Event]) -> None:
        """Add events; their days are touched beside those that are already."""
        with duckdb.connect(str(self.home.build)) as connection:
            connection.execute("begin")  # one commit: each costs a sync of the disk
            for one in events:
                connection.execute(
                    "insert into lake.events values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'b', 1, ?)",
                    [
                        one.event_id,
                        one.name,
                        one.at,
                        one.at,
                        *one.who(),
                        one.properties,
                        one.clock,
                        one.source,
                        one.day,
                    ],
                )
                connection.execute("insert into lake.touched_days values (?, 'events')", [one.day])
            connection.execute("commit")

    def remove(self, events: Iterable[Event]) -> None:
        """Take events out of the lake; their days are touched."""
        with duckdb.connect(str(self.home.build)) as connection:
            connection.execute("begin")
            for one in events:
                connection.execute("delete from lake.events where event_id = ?", [one.event_id])
                connection.execute("insert into lake.touched_days values (?, 'events')", [one.day])
            connection.execute("commit")

    def build(self, **how: Any) -> DbtResult:
        return build(self.project, self.home, SETTINGS, **how)

    def run(self, *, full_refresh: bool = False) -> None:
        """The models without their tests, which judge rows and not how they came about."""
        from dbt.cli.main import dbtRunner

        folder = str(compose(self.project, self.home, SETTINGS))
        where = ["--project-dir", folder, "--profiles-dir", folder, "--log-level", "none"]
        with database_released():
            done = dbtRunner().invoke(["run", *where, *["--full-refresh"] * full_refresh])
        failed = [one for one in getattr(done.result, "results", ()) if one.status == "error"]
        assert done.success, (done.exception, [(one.node.name, one.message) for one in failed])

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every mart and what they are built from, sorted whole rows."""
        names = self.rows(
            "select table_name from information_schema.tables where table_schema = 'main'"
            " and table_name not like 'stg_%'"
        )
        return {
            name: self.rows(f'select * from main."{name}" order by all')
            for (name,) in names
            if name not in ONE_BUILD
        }


#: What changed in one build: nothing that a whole build would have to leave the same.
ONE_BUILD = {
    "time_spine",
    "int_changed_ids",
    "int_moved_units",
    "int_moved_events",
    "int_event_units",
    "int_event_sessions",
    "int_changed_unit_days",
    "int_changed_sessions",
    "int_changed_releases",
    "int_exposure_days",
    "int_exposure_attributes",
}


def make_built(folder: Path) -> Built:
    root = folder / "product"
    root.mkdir(parents=True)
    (root / "landed.toml").write_text('[project]\nname = "product"\n')
    home = Home(folder / "home")
    home.warehouse.mkdir(parents=True)
    built = Built(load_project(root), home)
    built.execute(LAKE)
    return built


FLAG = "feature_flag.evaluation"


def product_events() -> Iterator[Event]:
    """A phone of Ann's, a tablet that Ben and Cem share, a crawler, and three releases."""
    yield event("e01", "2026-11-01 23:50", anonymous="phone", version="1.0")
    yield event("e02", "2026-11-02 00:10", anonymous="phone", properties={"country": "de"})
    yield event("e03", "2026-11-02 00:40", user="ann", anonymous="phone", name="signed_up")
    yield event("e04", "2026-11-02 01:11", user="ann", properties={"plan": "pro"})
    yield event("e05", "2026-11-02 10:00", anonymous="tablet", session="s1", name="error")
    yield event("e06", "2026-11-02 10:01", user="ben", anonymous="tablet", session="s1")
    yield event("e07", "2026-11-02 10:02", user="cem", anonymous="tablet", session="s1")
    yield event("e08", "2026-11-02 11:00", user="bot1", properties={"userAgent": "GoogleBot/2"})
    yield event("e09", "2026-11-02 11:00", name="heartbeat")
    flag = {"feature_flag.key": "box"}
    new = {**flag, "feature_flag.result.variant": "big"}
    old = {**flag, "feature_flag.variant": "small"}
    red, blue = {"team": "red"}, {"team": "blue"}
    yield event("f01", "2026-11-02 23:59:59", user="ann", name=FLAG, properties=old)
    yield event("f02", "2026-11-03 09:00", user="ann", name=FLAG, properties={**new, **red})
    yield event("f03", "2026-11-03 09:30", user="ann", name=FLAG, properties={**new, **blue})
    yield event("f04", "2026-11-03 10:00", user="ben", name=FLAG, properties=old)
    yield event("f05", "2026-11-03 11:00", user="ben", name=FLAG, properties=new)
    yield event("f06", "2026-11-03 12:00", user="cem", name=FLAG, properties={**old, **new, **red})
    yield event(
        "f07",
        "2026-11-03 13:00",
        user="dee",
        name=FLAG,
        properties={**flag, "feature_flag.variant": "unnamed"},
    )
    yield event("f08", "2026-11-05 00:00", user="eve", name=FLAG, properties=new)
    yield event("f09", "2026-11-03 12:30", user="bot1", name=FLAG, properties=new)
    yield event("g01", "2026-11-03 14:00", user="fay", name="view", properties={"group": "a"})
    yield event("g02", "2026-11-03 14:05", user="gus", name="enroll", properties={"group": "b"})
    yield event("v01", "2026-11-04 08:00", user="hal", version="2.0")


RELEASES = """
insert into lake.releases values
('box', '2026-11-03', 'growth', 'h', 'user', 'experiment', null, 'feature_flag.evaluation', 'box',
 null, 'team', 'small', ['big'], ['small', 'big'], '2026-11-05', '2026-11-05', '2026-11-05'),
('page', '2026-11-03', 'growth', 'h', 'user', 'experiment', null, 'view', null, 'group',
 null, 'a', ['b'], ['a', 'b'], '2026-11-05', '2026-11-05', '2026-11-05'),
('mail', '2026-11-03', 'growth', 'h', 'user', 'experiment', null, 'sent', null, 'arm',
 'team', 'x', ['y'], ['x', 'y'], '2026-11-05', '2026-11-05', '2026-11-05'),
('everybody', '2026-11-04', 'growth', 'h', 'user', 'everyone', null, null, null, null,
 null, null, ['released'], ['released'], null, null, '2026-11-05'),
('two', '2026-11-01', 'growth', 'h', 'user', 'version', '2.0', null, null, null,
 null, null, ['released'], ['released'], null, null, '2026-11-05');
insert into lake.exposures values
('x1', '2026-11-03 08:00', 'mail', 'x', null, 'phone', '{}', 'crm', 'b', 1, '2026-11-03'),
('x2', '2026-11-03 08:00', 'mail', 'y', 'zoe', null, '{"team": "red"}', 'crm', 'b', 1,
 '2026-11-03'),
('x3', '2026-11-02 08:00', 'mail', 'y', 'yan', null, '{}', 'crm', 'b', 1, '2026-11-02');
insert into lake.feedback values
('w1', '2026-11-03 15:00', 'ann', 'review', 2, 'hm', '1.0', '{"product": "app", "type": "bug"}',
 'store', 'b', 1, '2026-11-03'),
('w2', '2026-11-03 16:00', null, 'review', null, 'ok', null, '{}', 'store', 'b', 1, '2026-11-03');
insert into lake.release_events values
('1', 'Two', 'v2.0-rc1', '2026-10-30 10:00', null, 'prerelease', null, null, '{}', 'github', 'b',
 1, '2026-10-30'),
('2', 'Two', 'v2.0', '2026-11-01 10:00', null, 'released', null, 'Faster.',
 '{"product": "octo/app"}', 'github', 'b', 1, '2026-11-01'),
('7', 'octo/app', 'v2.0', '2026-11-01 08:00', 'staging', 'success', null, null, '{}', 'ops', 'b',
 1, '2026-11-01'),
('7:1', 'octo/app', 'v2.0', '2026-11-01 08:30', 'production', 'failure', null, null, '{}', 'ops',
 'b', 1, '2026-11-01'),
('7:2', 'octo/app', 'v2.0', '2026-11-01 09:00', 'Production', 'success', null, null, '{}', 'ops',
 'b', 1, '2026-11-01'),
('8', 'octo/app', '3.0', '2026-11-02 09:00', 'production', 'deployed', null, null, '{}', 'ops',
 'b', 1, '2026-11-02');
"""


def day(text: str) -> date:
    return date.fromisoformat(text)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
