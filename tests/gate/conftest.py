"""A tiny product with one clean release: forty units, two arms. Each test breaks one thing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from gate.account import Account

from landed.catalog import Catalog, load_catalog
from landed.catalog.releases import Release
from landed.gate import (
    CheckResult,
    GateDecision,
    ModelTest,
    Suite,
    judge_data,
    judge_results,
    load_suites,
)
from landed.impact import estimate_release, measure
from landed.impact.calendar import Calendar
from landed.project import Project, load_project
from landed.report.assess import Assessment, assess_release
from landed.warehouse import Engine

sys.path.insert(0, str(Path(__file__).parent))  # profile_rows.py, beside this file

AS_OF = datetime(2026, 3, 20, 9, tzinfo=UTC)
CUTOFF_AT = datetime(2026, 3, 16, tzinfo=UTC)

MODELS = """
semantic_models:
  - name: exposures
    description: One row per release and unit.
    model: ref('fct_exposures')
    defaults: {agg_time_dimension: exposed_at}
    entities:
      - {name: exposure, type: primary, expr: release}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: exposed_at, type: time, type_params: {time_granularity: day}}
    measures:
      - {name: exposed_units, agg: count_distinct, expr: unit_id}
  - name: events
    description: One row per event.
    model: ref('fct_events')
    defaults: {agg_time_dimension: occurred_at}
    entities:
      - {name: event, type: primary, expr: event_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: event_name, type: categorical}
      - {name: occurred_at, type: time, type_params: {time_granularity: day}}
    measures:
      - {name: event_count, agg: count, expr: event_id}
      - {name: event_units, agg: count_distinct, expr: unit_id}
      - name: amount_sum
        agg: sum
        expr: cast(json_extract_string(properties, '$.amount') as double)
  - name: views
    description: One row per view.
    model: ref('fct_views')
    defaults: {agg_time_dimension: viewed_at}
    entities:
      - {name: view, type: primary, expr: view_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: viewed_at, type: time, type_params: {time_granularity: day}}
    measures:
      - {name: view_seconds, agg: average, expr: seconds}
      - {name: seconds_sum, agg: sum, expr: seconds}
      - {name: seconds_count, agg: count, expr: seconds}
  - name: feedback
    description: One row per item.
    model: ref('fct_feedback')
    defaults: {agg_time_dimension: given_at}
    entities:
      - {name: item, type: primary, expr: feedback_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: given_at, type: time, type_params: {time_granularity: day}}
    measures:
      - {name: feedback_count, agg: count, expr: feedback_id}
  - name: units
    description: One row per unit.
    model: ref('dim_units')
    defaults: {agg_time_dimension: first_seen_at}
    entities:
      - {name: unit, type: primary, expr: unit_id}
    dimensions:
      - {name: plan, type: categorical}
      - {name: first_seen_at, type: time, type_params: {time_granularity: day}}
"""

META = """
    config:
      meta:
        owner: growth
        value: {value}
        direction: increase_is_good
        tier: team
        {window}
        minimum_effect_of_interest: 0.01
        non_inferiority_margin: 0.01
        revisions: [{{date: 2026-03-01, change: first definition, by: growth}}]
"""


def metric(
    name: str, body: str, value: str = "count", window: str = "", root: str = "metrics"
) -> str:
    head = f"{root}:\n  - name: {name}\n    label: {name}\n    description: What {name} counts.\n"
    return head + body.rstrip() + META.format(value=value, window=window)


METRICS = {
    "order_amount": metric(
        "order_amount",
        "    type: simple\n    type_params: {measure: amount_sum}\n"
        "    filter: \"{{ Dimension('event__event_name') }} = 'order'\"\n",
    ),
    "exposed_units": metric(
        "exposed_units", "    type: simple\n    type_params: {measure: exposed_units}\n"
    ),
    "signed_up_units": metric(
        "signed_up_units",
        "    type: simple\n    type_params: {measure: event_units}\n"
        "    filter: \"{{ Dimension('event__event_name') }} = 'signup'\"\n",
    ),
    "signup_rate": metric(
        "signup_rate",
        "    type: ratio\n"
        "    type_params: {numerator: signed_up_units, denominator: exposed_units}\n",
        value="share",
        window="window_days: 7",
    ),
    "event_count": metric(
        "event_count", "    type: simple\n    type_params: {measure: event_count}\n"
    ),
    "team_events": metric(
        "team_events",
        "    type: simple\n    type_params: {measure: event_count}\n"
        "    filter: \"{{ Dimension('unit__plan') }} = 'team'\"\n",
    ),
    "seconds_per_unit": metric(
        "seconds_per_unit",
        "    type: simple\n    type_params: {measure: seconds_sum}\n",
        value="seconds",
    ),
    "seconds_summed": metric(
        "seconds_summed",
        "    type: simple\n    type_params: {measure: seconds_sum}\n",
        value="seconds",
    ),
    "views_timed": metric(
        "views_timed", "    type: simple\n    type_params: {measure: seconds_count}\n"
    ),
    "seconds_per_view": metric(
        "seconds_per_view",
        "    type: ratio\n    type_params: {numerator: seconds_summed, denominator: views_timed}\n",
        value="seconds",
    ),
    "mean_view_seconds": metric(
        "mean_view_seconds",
        "    type: unit_mean\n    type_params: {measure: view_seconds}\n",
        value="seconds",
        root="product_metrics",
    ),
    "average_seconds": metric(
        "average_seconds",
        "    type: simple\n    type_params: {measure: view_seconds}\n",
        value="seconds",
    ),
    "events_per_unit": metric(
        "events_per_unit",
        "    type: ratio\n    type_params: {numerator: event_count, denominator: exposed_units}\n",
    ),
    "feedback_count": metric(
        "feedback_count", "    type: simple\n    type_params: {measure: feedback_count}\n"
    ),
}

RELEASE = """
release: checklist
shipped_at: 2026-03-02T00:00:00Z
owner: growth
hypothesis: A checklist helps.
rollout:
  kind: experiment
  exposure: {event: checklist_seen, variant: arm}
  control: control
  treatments: [checklist]
  allocation: {control: 0.5, checklist: 0.5}
horizon: {exposure_ends_at: 2026-03-09T00:00:00Z, looks: once}
success:
  - {metric: signup_rate}
  - {metric: mean_view_seconds}
must_emit: [checklist_shown]
"""

TABLES = """
create schema lake;

create table dim_releases as
select 'checklist' as release, timestamp '2026-03-02' as shipped_at,
    timestamp '2026-03-09' as exposure_ends_at, timestamp '2026-03-16' as decides_at,
    timestamp '2026-03-16' as cutoff_at;

create table fct_exposures as
select 'checklist' as release, format('u{:02d}', i) as unit_id,
    if(i % 2 = 0, 'control', 'checklist') as variant,
    timestamp '2026-03-03' + to_hours(i) as exposed_at,
    false as is_crossover, false as is_bot,
    '1.0' as first_app_version, 'DE' as country, 'web' as platform, 'free' as plan,
    1 as exposure_count
from range(40) as units(i);

create table int_assigned_units as select release, unit_id, variant from fct_exposures;

create table int_exposure_events as
select release, unit_id, variant, exposed_at from fct_exposures;

create table int_labels as
select release, unit_id, variant, exposed_at as labelled_at from fct_exposures;

create table int_telemetry_days (
    unit_id varchar, event_on date, signal varchar, expected_count bigint, seen_count bigint
);

create table agg_unit_days as
select unit_id, cast(exposed_at as date) - 1 - n::integer as event_on, 3 as event_count
from fct_exposures, range(2) as days(n);

create table dim_units as
select unit_id, false as is_bot, if(unit_id < 'u20', 'team', 'free') as plan,
    timestamp '2026-03-01' as first_seen_at, timestamp '2026-03-17' as last_seen_at
from fct_exposures;

create table fct_events (
    event_id bigint, event_name varchar, unit_id varchar, occurred_at timestamp,
    event_on date generated always as (occurred_at::date),
    source varchar generated always as ('web'),
    properties varchar generated always as ('{}'),
    app_version varchar generated always as ('1.0.0')
);

insert into fct_events
select row_number() over () as event_id, * from (
    select 'checklist_seen' as event_name, unit_id, exposed_at as occurred_at from fct_exposures
    union all
    select 'checklist_shown', unit_id, exposed_at + interval 1 minute
    from fct_exposures where variant = 'checklist'
    union all
    select 'signup', unit_id, exposed_at + interval 1 hour
    from fct_exposures where unit_id[2:]::integer % 5 = 0
    union all
    select 'view', 'u00', timestamp '2026-03-17 12:00'
);

create table fct_views as
select row_number() over () as view_id, unit_id,
    10.5 + unit_id[2:]::double + nth as seconds, exposed_at + to_hours(nth::integer) as viewed_at
from fct_exposures, range(3) as views(nth);

create table fct_feedback as
select unit_id as feedback_id, unit_id, exposed_at as given_at from fct_exposures;

create view int_event_hours as
select event_on, source, event_name, app_version, date_trunc('hour', occurred_at) as hour_at,
    count(*) as event_count, 0 as ahead_count, 0 as corrected_count,
    count(*) - count(distinct hash(unit_id, occurred_at)) as copied_count,
    null::map(integer, bigint) as copied_groups, 0 as late_count, 0 as local_count,
    min(occurred_at) as first_at, max(occurred_at) as last_at
from fct_events group by all;

create table int_property_days (
    event_on date, source varchar, event_name varchar, app_version varchar, property varchar,
    type varchar, row_count bigint, name_count bigint, log10_median double,
    places map(integer, ubigint), place_persons map(integer, ubigint),
    person_groups map(integer, ubigint));

create view int_unit_days as
select unit_id, event_on, min_by(app_version, occurred_at) as first_app_version
from fct_events group by all;

create view lake.events as select 'web' as source, occurred_at from fct_events;

create table lake.sources (source varchar, kind varchar, complete_through timestamp);
insert into lake.sources values ('web', 'events', null);
"""


@dataclass(frozen=True)
class Arrivals:
    """Row account of a source on a day of arrival."""

    day: date
    rows_in: int
    duplicate: int = 0
    refused: int = 0
    conflict: int = 0


@dataclass
class World:
    """The product, its clean release, and the gate over both."""

    engine: Engine
    catalog: Catalog
    release: Release
    accounts: list[Account] = field(
        default_factory=lambda: [Account("web", "events", 1_000_000, 999_996, 2, 1, 1)]
    )
    model_tests: list[ModelTest] = field(
        default_factory=lambda: [ModelTest("fct_exposures", "unique_together", True)]
    )
    as_of: datetime = AS_OF
    suites: Mapping[str, Suite] | None = None

    def run(self, sql: str) -> World:
        self.engine.execute(sql)
        return self

    def change(self, **changes: Any) -> World:
        self.release = replace(self.release, **changes)
        return self

    def assess(self, calendar: Calendar, **more: Any) -> Assessment:
        return assess_release(
            self.engine,
            self.catalog,
            self.release,
            calendar,
            suites=load_suites(),
            accounts=self.accounts,
            model_tests=self.model_tests,
            now=self.as_of,
            snapshot="0" * 16,
            provenance={"lake": "0"},
            **more,
        )

    def data(self, **more: Any) -> GateDecision:
        return judge_data(
            self.engine,
            self.catalog,
            self.release,
            accounts=self.accounts,
            model_tests=self.model_tests,
            as_of=self.as_of,
            exposure=more.pop("exposure", None),
            suites=self.suites,
            **more,
        )

    def until(self, stage: str) -> GateDecision:
        """The decision of the step that holds a check of this stage."""
        return self.data() if stage == "data" else self.results()

    def results(
        self,
        spoil_moments: Callable[[list[dict[str, Any]]], Any] | None = None,
        spoil_estimates: Callable[[list[Any]], list[Any]] | None = None,
    ) -> GateDecision:
        moments = measure(self.engine, self.catalog, self.release, cutoff_at=CUTOFF_AT)
        if spoil_moments:
            spoil_moments(moments)
        estimates = list(estimate_release(self.release, self.catalog, moments))
        if spoil_estimates:
            estimates = spoil_estimates(estimates)
        return judge_results(
            self.data(),
            self.engine,
            self.catalog,
            self.release,
            moments,
            estimates,
            cutoff_at=CUTOFF_AT,
            suites=self.suites,
        )


def write_project(root: Path) -> Project:
    """A project whose definitions are all its own, so no change of the core moves these tests."""
    (root / "landed.toml").write_text('[project]\nname = "tiny"\n')
    for folder in ("models", "metrics", "releases"):
        (root / folder).mkdir()
    (root / "models" / "_models.yml").write_text(MODELS)
    for name, text in METRICS.items():
        (root / "metrics" / f"{name}.yml").write_text(text)
    (root / "releases" / "checklist.yml").write_text(RELEASE)
    return load_project(root)


@pytest.fixture
def tiny_project() -> Callable[[Path], Project]:
    return write_project


@pytest.fixture(scope="session")
def tiny_catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    root = tmp_path_factory.mktemp("tiny")
    empty = tmp_path_factory.mktemp("no-core")
    return load_catalog(write_project(root), core=empty)


@pytest.fixture
def world(tiny_catalog: Catalog) -> Iterator[World]:
    with Engine.open(None) as engine:
        engine.execute(TABLES)
        yield World(engine, tiny_catalog, tiny_catalog.releases["checklist"])


@pytest.fixture
def arrivals() -> type[Arrivals]:
    return Arrivals


@pytest.fixture
def account() -> type[Account]:
    return Account


@pytest.fixture
def result_of() -> Callable[[GateDecision, str], CheckResult]:
    def find(decision: GateDecision, check_id: str) -> CheckResult:
        named = {check.check_id: check for check in decision.checks}
        assert check_id in named, (sorted(named), decision.skipped, decision.failed)
        return named[check_id]

    return find
