"""What is exported says what it said here, or is named as left out."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from kinds.compare import catalog_of, same
from kinds.generate import Drawing
from kinds.marts import make_engine, make_rows
from peer.project import is_known_to_dbt, parsed, with_inputs, write_dbt_project
from peer.readings import by_dbt, by_landed

from landed.catalog import Catalog, load_catalog
from landed.catalog.dbt_form import as_dbt
from landed.compiler import MetricQuery, compile_query
from landed.compiler.osi_form import as_osi
from landed.project import Project, core_root, load_project
from landed.serve.interchange import dbt, osi

SCHEMA = json.loads(Path(__file__).with_name("osi.schema.json").read_text(encoding="utf-8"))
SEED = 20260404


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Drawing, Catalog]:
    drawing = Drawing(SEED)
    drawing.draw(90)
    return drawing, catalog_of(tmp_path_factory.mktemp("drawn"), drawing.metrics)


def expressions(document: dict[str, Any]) -> dict[str, str]:
    """The expression of each metric."""
    (model,) = document["semantic_model"]
    return {one["name"]: one["expression"]["dialects"][0]["expression"] for one in model["metrics"]}


def test_each_osi_expression_gives_the_number_that_its_metric_has(
    drawn: tuple[Drawing, Catalog],
) -> None:
    _, catalog = drawn
    document = as_osi(catalog, "oracle").data
    rows, units = make_rows(random.Random(SEED))  # noqa: S311
    engine = make_engine(rows, units)
    (model,) = document["semantic_model"]
    sources = {one["name"]: one["source"] for one in model["datasets"]}
    joins = {one["from"]: one for one in model["relationships"]}
    found = expressions(document)

    for name, text in found.items():
        (fact,) = set(re.findall(r'"(\w+)"\.', text)) - {"units"} or {"events"}
        join = joins[fact]
        sql = (
            f'select {text} from {sources[fact]} as "{fact}" left join {sources["units"]} as '
            f'"units" on "{fact}".{join["from_columns"][0]} = "units".{join["to_columns"][0]}'
        )
        theirs = engine.execute(sql).fetchall()[0][0]
        ours = engine.execute(compile_query(catalog, MetricQuery((name,))).sql).fetchall()[0][0]
        assert same(theirs, ours), (name, sql)

    assert len(found) > 20


def test_osi_leaves_out_every_metric_that_no_expression_of_rows_can_say(
    drawn: tuple[Drawing, Catalog],
) -> None:
    drawing, catalog = drawn
    exported = as_osi(catalog, "oracle")

    kinds = {name: metric["type"] for name, metric in drawing.metrics.items()}
    never = {"cumulative", "conversion", "funnel", "retention", "rolling_distinct", "unit_mean"}
    assert {name for name, kind in kinds.items() if kind in never} <= set(exported.unsupported)
    assert expressions(exported.data).keys() | exported.unsupported.keys() == kinds.keys()
    assert not expressions(exported.data).keys() & exported.unsupported.keys()


def test_the_demo_in_osi_is_valid_and_tells_what_it_lacks() -> None:
    text, notes = osi(load_project(core_root() / "examples" / "demo"))
    document = yaml.safe_load(text)

    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    (extension,) = document["semantic_model"][0]["custom_extensions"]
    unsupported = json.loads(extension["data"])["unsupported"]
    assert "activation_rate" in unsupported
    assert {f"not carried: {name}: {why}" for name, why in unsupported.items()} <= set(notes)


def test_dbt_reads_of_the_export_what_landed_reads_of_the_original(
    drawn: tuple[Drawing, Catalog], tmp_path: Path
) -> None:
    drawing, _ = drawn
    chosen = [name for name in drawing.metrics if is_known_to_dbt(drawing.metrics, name)]
    metrics = with_inputs(drawing.metrics, chosen)
    catalog = catalog_of(tmp_path / "landed", metrics)
    exported = as_dbt(catalog)
    models = {"version": 2, "semantic_models": exported.data["semantic_models"]}
    path = parsed(
        write_dbt_project(
            tmp_path / "dbt",
            yaml.safe_dump({"metrics": exported.data["metrics"]}),
            yaml.safe_dump(models),
        )
    )

    theirs = by_dbt(json.loads(path.read_text(encoding="utf-8")))

    ours = by_landed(catalog)
    for facts in theirs.values():  # it is written where nothing was said
        if facts.get("meta", {}).get("tier") == "draft":
            facts["meta"]["tier"] = None
    assert not exported.unsupported
    assert theirs == ours


def test_dbt_is_told_of_no_metric_that_it_would_refuse_or_count_otherwise(
    drawn: tuple[Drawing, Catalog],
) -> None:
    drawing, catalog = drawn
    exported = as_dbt(catalog)
    carried = {one["name"] for one in exported.data["metrics"]}
    touched = {
        name
        for name, metric in drawing.metrics.items()
        if metric["type_params"].get("conversion_type_params", {}).get("touch", "last") != "last"
    }

    assert touched
    assert touched <= set(exported.unsupported)
    assert carried | exported.unsupported.keys() == drawing.metrics.keys()
    for name in carried:
        inputs = {one.metric for one in catalog.metrics[name].inputs}
        assert inputs <= carried


def test_the_demo_for_dbt_is_read_again_as_the_same_catalog(tmp_path: Path) -> None:
    project = load_project(core_root() / "examples" / "demo")
    text, _ = dbt(project)
    for folder in ("metrics", "models"):
        (tmp_path / folder).mkdir()
    document = yaml.safe_load(text)
    assert isinstance(document, dict)
    (tmp_path / "metrics" / "all.yml").write_text(text, encoding="utf-8")

    again = load_catalog(Project(tmp_path, "again"), core=tmp_path / "no_core").metrics

    original = load_catalog(project).metrics
    carried = {one["name"] for one in document["metrics"]}
    assert again.keys() == carried
    assert {name: one.digest for name, one in again.items()} == {
        name: original[name].digest for name in carried
    }
