from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from landed.catalog import Catalog, load_catalog
from landed.gate import CheckResult, GateDecision
from landed.project import Home, Project
from landed.publish import Snapshot, publish_snapshot, snapshot_id
from landed.report import Report, build_notice, build_report
from landed.settings import Settings
from landed.warehouse import Engine

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
AS_OF = datetime(2026, 11, 22, tzinfo=UTC)

MODELS = """\
version: 2
models:
  - name: fct_events
    columns:
      - {name: event_id, data_type: varchar}
      - {name: event_name, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: properties, data_type: varchar}
      - {name: occurred_at, data_type: timestamp}
  - name: fct_exposures
    columns:
      - {name: release, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: variant, data_type: varchar}
      - {name: exposed_at, data_type: timestamp}
semantic_models:
  - name: events
    description: One row per accepted event.
    model: ref('fct_events')
    defaults: {agg_time_dimension: occurred_at}
    entities:
      - {name: event, type: primary, expr: event_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: occurred_at, type: time, type_params: {time_granularity: day}}
      - {name: event_name, type: categorical}
    measures:
      - {name: event_count, description: Events., agg: count, expr: event_id}
      - {name: active_units, description: Units with an event., agg: count_distinct, expr: unit_id}
      - name: amount_usd
        description: Money.
        agg: sum
        expr: cast(properties ->> 'amount' as double)
  - name: exposures
    description: One row per release and unit.
    model: ref('fct_exposures')
    defaults: {agg_time_dimension: exposed_at}
    entities:
      - {name: exposure, type: primary, expr: "release || ':' || unit_id"}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: exposed_at, type: time, type_params: {time_granularity: day}}
      - {name: release, type: categorical}
      - {name: variant, type: categorical}
    measures:
      - {name: exposed_units, description: Units exposed., agg: count_distinct, expr: unit_id}
"""

METRIC = """\
metrics:
  - name: {name}
    label: {label}
    description: Events of people, bots left out. Falls when fewer people come back.
    type: {type}
    type_params: {params}
    config:
      meta:
        owner: growth
        value: {value}
        direction: increase_is_good
        revisions:
          - {{date: 2026-11-22, change: first definition, by: growth}}
"""

METRICS = (
    ("events", "Events", "simple", "{measure: event_count}", "count"),
    ("active_users", "Active users", "simple", "{measure: active_units}", "count"),
    ("revenue", "Revenue", "simple", "{measure: amount_usd}", "usd"),
    ("exposed_units", "Exposed units", "simple", "{measure: exposed_units}", "count"),
    (
        "events_per_user",
        "Events per user",
        "ratio",
        "{numerator: events, denominator: active_users}",
        "count",
    ),
)

RELEASE = """\
release: {name}
shipped_at: 2026-11-03T09:00:00Z
owner: growth
hypothesis: More people come back.
rollout:
  kind: experiment
  exposure: {{event: seen, variant: arm}}
  control: control
  treatments: [checklist]
  allocation: {{control: 0.5, checklist: 0.5}}
horizon: {{exposure_ends_at: 2026-11-20T00:00:00Z}}
success: [{{metric: events, minimum_effect_of_interest: 0.1}}]
"""

BUILD = """\
create table fct_events as select * from (values
    ('e1', 'view', 'ada', '{"amount": 4.5, "email": "ada@example.org"}',
        timestamp '2026-11-04 10:00:00'),
    ('e2', 'view', 'ada', '{"amount": 0.5}', timestamp '2026-11-04 11:00:00'),
    ('e3', 'buy', 'bob', '{"note": "call me"}', timestamp '2026-11-05 10:00:00'),
    ('e4', 'buy', 'ada', null, timestamp '2026-11-05 12:00:00')
) as t (event_id, event_name, unit_id, properties, occurred_at);
create table fct_exposures as select * from (values
    ('good', 'ada', 'control', timestamp '2026-11-04 09:00:00', false, false),
    ('good', 'bob', 'checklist', timestamp '2026-11-04 09:00:00', false, false),
    ('bad', 'ada', 'checklist', timestamp '2026-11-04 09:00:00', false, false)
) as t (release, unit_id, variant, exposed_at, is_crossover, is_bot);
create table fct_feedback as select 'secret words' as text;
"""


@dataclass(frozen=True)
class Part:
    fields: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return dict(self.fields)


EXPOSURE = Part(
    {
        "unit": "user",
        "counts": {"control": 1, "checklist": 1},
        "allocation": {"control": 0.5, "checklist": 0.5},
        "sample_ratio_p_value": 1.0,
        "excluded_units": {},
    }
)

ESTIMATE = {
    "metric": "events", "label": "Events", "value": "count", "direction": "increase_is_good",
    "role": "success", "treatment": "checklist", "status": "estimated", "reason": None,
    "window_days": None, "margin": None, "mean_control": 3.0, "mean_treatment": 1.0,
    "n_control": 1, "n_treatment": 1, "n_missing_control": 0, "n_missing_treatment": 0,
    "absolute_effect": -2.0, "ci_lower": -3.0, "ci_upper": -1.0, "relative_effect": -0.66,
    "relative_ci_lower": -0.9, "relative_ci_upper": -0.4, "p_value": 0.01, "bound": 1.96,
    "confidence_level": 0.95, "method": "welch", "variance_reduction_share": 0.0,
    "conclusion": "worse", "definition": {"revision": "2026-11-22", "digest": "d" * 64},
}  # fmt: skip


@dataclass(frozen=True)
class Small:
    """A project of two releases with a built database, ready to publish."""

    project: Project
    home: Home
    catalog: Catalog

    def report(self, name: str, snapshot: str, *, blocked: bool = False) -> Report:
        check = CheckResult(
            "sample_ratio", "exposures", "critical", not blocked, "p = 0.5", "p of at least 0.001",
            "The arms must be comparable.", "Repair the assignment.",
        )  # fmt: skip
        release = self.catalog.releases[name]
        if blocked:
            return build_notice(
                release, GateDecision(name, "blocked", (check,)), EXPOSURE,
                snapshot=snapshot, as_of=AS_OF, provenance={},
            )  # fmt: skip
        verdict = {"decision": "harmed", "reason": "Events fell", "next_action": "roll_back",
                   "by_metric": {"events": "worse"}}  # fmt: skip
        return build_report(
            release, self.catalog, GateDecision(name, "pass", (check,)), EXPOSURE,
            [Part(ESTIMATE)], Part(verdict),
            snapshot=snapshot, as_of=AS_OF, provenance={},
        )  # fmt: skip

    def publish(
        self,
        state: str = "1",
        blocked: tuple[str, ...] = ("bad",),
        created_at: datetime = NOW,
        **given: Any,
    ) -> Snapshot:
        inputs = {"lake": state}
        name = snapshot_id(inputs)
        reports = [
            self.report(release, name, blocked=release in blocked)
            for release in self.catalog.releases
        ]
        return publish_snapshot(
            self.project, self.home, self.catalog, reports,
            inputs=inputs, settings=Settings(threads=1), created_at=created_at, **given,
        )  # fmt: skip


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def make_small(tmp_path: Path) -> Callable[..., Small]:
    def make(models: str = MODELS, build: str = BUILD) -> Small:
        core, root = tmp_path / "core", tmp_path / "project"
        write(core / "models" / "marts" / "_marts__models.yml", models)
        for name, label, kind, params, value in METRICS:
            text = METRIC.format(name=name, label=label, type=kind, params=params, value=value)
            write(core / "metrics" / "usage" / f"{name}.yml", text)
        for name in ("good", "bad"):
            write(root / "releases" / f"{name}.yml", RELEASE.format(name=name))
        project, home = Project(root, "small"), Home(tmp_path / "home")
        with Engine.open(home.build, settings=Settings(threads=1)) as engine:
            for statement in build.split(";"):
                if statement.strip():
                    engine.execute(statement)
        return Small(project, home, load_catalog(project, core=core))

    return make


@pytest.fixture
def small(make_small: Callable[..., Small]) -> Small:
    return make_small()


@pytest.fixture
def models() -> str:
    return MODELS
