"""Metrics of the demo and the core, followed from the number to fields of the sources."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest

from landed.catalog import Catalog, load_catalog
from landed.catalog.lineage import Lineage, NodeId, lineage_of
from landed.catalog.lineage_models import Models
from landed.catalog.lineage_sources import SourceMap
from landed.project import Home, Project, load_project
from landed.serve.cli import main
from landed.serve.lineage import trace

ROOT = Path(__file__).resolve().parents[4]
DEMO = ROOT / "examples" / "demo"
NO_HOME = Home(Path("/nonexistent"))
METRICS = sorted(
    path.stem
    for folder in (DEMO, ROOT)
    for path in (folder / "metrics").rglob("*.yml")
    if path.parent.name != "saved"
)


@functools.cache
def parts() -> tuple[Catalog, Models, SourceMap]:
    """The demo's definitions, models and sources, read once."""
    project = load_project(DEMO)
    models = Models((ROOT / "models", project.models))
    return load_catalog(project), models, SourceMap(project.sources, project.releases)


def demo(metric: str) -> Lineage:
    return lineage_of(metric, *parts())


def test_activation_rate_reaches_the_event_columns_of_the_source() -> None:
    found = demo("activation_rate")

    assert {
        NodeId("field", f"events: {name}") for name in ("event_name", "user_id", "occurred_at")
    } <= set(found.ends())
    assert {
        NodeId("column", "fct_onboarding.is_completion"),
        NodeId("column", "fct_events.event_name"),
        NodeId("column", "stg_lake__events.event_name"),
        NodeId("lake", "lake.events.event_name"),
    } <= set(found.nodes)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_of_the_demo_is_read_to_the_lake_without_dbt(metric: str) -> None:
    found = demo(metric)

    ends = found.ends()
    assert found.unread() == ()
    assert any(one.kind in ("lake", "field") for one in ends)
    # a column ends only where a model writes a constant, the calendar for one
    constants = {node.id for node in found.nodes.values() if node.said and not node.reads}
    assert {one for one in ends if one.kind == "column"} <= constants
    assert "dbt" not in json.dumps([one.name for one in ends])


def test_an_expression_on_the_way_is_shown() -> None:
    node = demo("revenue").nodes[NodeId("column", "fct_payments.amount_usd")]

    assert "amount_usd" in node.said
    assert [one.name for one in node.reads] == ["fct_events.properties"]
    assert node.file.endswith("fct_payments.sql")


def test_a_model_beyond_the_grammar_says_so_and_is_read_as_dbt_compiled_it(tmp_path: Path) -> None:
    project = write_shop(tmp_path / "shop", "select {{ dbt_utils.star(ref('fct_events')) }} as a")
    home = Home(tmp_path / "home")

    before = trace(project, home, "odd")
    compiled = home.dbt / "target" / "compiled" / "shop" / "models" / "fct_odd.sql"
    compiled.parent.mkdir(parents=True)
    compiled.write_text('select event_id as odd_id, occurred_at from "build"."main"."fct_events"')
    after = trace(project, home, "odd")

    assert {
        "the macro `dbt_utils.star` is known to dbt only" in one.id.name for one in before.unread()
    } == {True}
    assert after.unread() == ()
    assert NodeId("lake", "lake.events.event_id") in after.nodes


def test_a_selects_field_stands_for_the_lakes_column() -> None:
    course = load_project(ROOT / "examples" / "course_page")

    found = trace(course, NO_HOME, "people_enrolled")

    assert NodeId("field", "course_page: action") in found.nodes


@pytest.mark.parametrize("shape", ["text", "json", "mermaid"])
def test_the_command_prints_each_format(shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as finished:
        main(["lineage", "paid_conversion", "--project", str(DEMO), "--format", shape])
    out = capsys.readouterr().out

    assert finished.value.code == 0
    if shape == "json":
        facts = json.loads(out)
        assert facts["unread"] == []
        assert {"kind": "lake", "name": "lake.events.event_name"} in [
            {"kind": one["kind"], "name": one["name"]} for one in facts["nodes"]
        ]
    elif shape == "mermaid":
        lines = out.splitlines()
        assert lines[0] == "flowchart LR"
        named = {line.split("[")[0].strip() for line in lines if "[" in line}
        linked = {end for line in lines if "-->" in line for end in line.split(" --> ")}
        assert {one.strip() for one in linked} <= named
    else:
        assert out.startswith("metric paid_conversion: paying_users / exposed_units")


def write_shop(folder: Path, sql: str) -> Project:
    (folder / "models").mkdir(parents=True)
    (folder / "metrics").mkdir()
    (folder / "landed.toml").write_text('[project]\nname = "shop"\n', encoding="utf-8")
    (folder / "models" / "fct_odd.sql").write_text(sql, encoding="utf-8")
    (folder / "models" / "odd.yml").write_text(
        """
models:
  - name: fct_odd
    columns: [{name: odd_id, data_type: varchar}, {name: occurred_at, data_type: timestamp}]
semantic_models:
  - name: odds
    model: ref('fct_odd')
    defaults: {agg_time_dimension: occurred_at}
    entities: [{name: odd, type: primary, expr: odd_id}]
    dimensions: [{name: occurred_at, type: time, type_params: {time_granularity: day}}]
    measures: [{name: odd_count, agg: count, expr: odd_id}]
""",
        encoding="utf-8",
    )
    (folder / "metrics" / "odd.yml").write_text(
        """
metrics:
  - name: odd
    label: Odd things
    description: Whatever is odd about it, each counted once. Rises when more odd things happen.
    type: simple
    type_params: {measure: odd_count}
    config: {meta: {owner: web, value: count, direction: neutral}}
""",
        encoding="utf-8",
    )
    return load_project(folder)
