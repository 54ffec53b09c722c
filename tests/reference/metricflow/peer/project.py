"""The marts and drawn definitions of the brute-force oracle as a dbt project of their own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kinds.definitions import Definition, as_yaml, inputs_of, measures_of
from kinds.marts import MEASURES, MODELS

#: What dbt calls a metric.
KNOWN_TO_DBT = ("simple", "ratio", "derived", "cumulative", "conversion")
_PROJECT = {
    "name": "oracle",
    "version": "1.0",
    "config-version": 2,
    "profile": "oracle",
    "model-paths": ["models", "metrics"],
    "flags": {"send_anonymous_usage_stats": False},
    "models": {"oracle": {"+materialized": "table"}},
}
_SPINE = """
select cast(unnest(range(date '2022-01-01', date '2030-01-01', interval 1 day)) as date) as date_day
"""
_SPINE_YAML = """
models:
  - name: time_spine
    time_spine: {standard_granularity_column: date_day}
    columns:
      - {name: date_day, granularity: day}
"""


def is_known_to_dbt(metrics: Mapping[str, Definition], name: str) -> bool:
    """Whether dbt has the kinds of a metric and of all its inputs, and takes what they say."""
    metric = metrics[name]
    conversion = metric["type_params"].get("conversion_type_params")
    versions = [*_versions(metrics, name)]
    return (
        metric["type"] in KNOWN_TO_DBT
        and (conversion is None or _is_known_conversion(conversion))
        # dbt wants an alias for each of several versions of one measure
        and len({measure for measure, _ in versions}) == len(set(versions))
        and all(is_known_to_dbt(metrics, one["name"]) for one in inputs_of(metric))
    )


def with_inputs(metrics: Mapping[str, Definition], names: list[str]) -> dict[str, Definition]:
    """Some definitions and all that they are made of, as dbt spells them."""
    found: dict[str, Definition] = {}
    for name in names:
        inputs = [one["name"] for one in inputs_of(metrics[name])]
        found |= with_inputs(metrics, inputs) | {name: _as_dbt_says(metrics[name])}
    return found


def _is_known_conversion(params: Mapping[str, Any]) -> bool:
    """Last touch, of rows that are counted, with constant properties of one model."""
    measures = [
        MEASURES[one["name"] if isinstance(one, dict) else one]
        for one in (params["base_measure"], params["conversion_measure"])
    ]
    words = [word for one in params.get("constant_properties", ()) for word in one.values()]
    return (
        params.get("touch", "last") == "last"
        and all(one.agg in ("count", "count_distinct") for one in measures)
        and not any("__" in word for word in words)
    )


def _versions(metrics: Mapping[str, Definition], name: str) -> Iterator[tuple[str, str]]:
    """Every measure below a metric, with the conditions on its rows alone."""
    metric = metrics[name]
    for one in measures_of(metric):
        given = one if isinstance(one, dict) else {"name": one}
        yield given["name"], repr(given.get("filter"))
    for one in inputs_of(metric):
        yield from _versions(metrics, one["name"])


def _as_dbt_says(metric: Definition) -> Definition:
    """`touch` unsaid, since dbt knows the last one only; no alias of a single letter."""
    params = dict(metric["type_params"])
    if "conversion_type_params" in params:
        said = params["conversion_type_params"]
        kept = {key: value for key, value in said.items() if key != "touch"}
        params["conversion_type_params"] = kept
    if "metrics" in params:
        params["metrics"] = [{**one, "alias": one["alias"] * 2} for one in params["metrics"]]
        params["text"] = re.sub(r"\b([ab])\b", r"\1\1", params["text"])
        made = params["expr"]
        params["expr"] = lambda of: made({"a": of["aa"], "b": of["bb"]})
    return {**metric, "type_params": params}


def write_dbt_project(
    root: Path, metrics: Mapping[str, Definition] | str, models: str = MODELS
) -> Path:
    """A dbt project with these definitions, whose models are tables that exist already.

    Args:
        root: A new folder.
        metrics: Definitions, or the text of their file.
        models: The text of the file with the semantic models.
    """
    text = metrics if isinstance(metrics, str) else as_yaml(metrics)
    described = yaml.safe_load(models)
    files = {
        "dbt_project.yml": yaml.safe_dump(_PROJECT),
        "profiles.yml": yaml.safe_dump(_profile(root)),
        "models/all.yml": models,
        "models/time_spine.yml": _SPINE_YAML,
        "models/time_spine.sql": _SPINE,
        "metrics/all.yml": text,
    }
    read = {_read_by(one) for one in described["semantic_models"]}
    files |= {f"models/{name}.sql": "select 1 as one\n" for name in read}
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return root


def parsed(root: Path) -> Path:
    """Path of the `semantic_manifest.json` that dbt makes of a project."""
    from dbt.cli.main import dbtRunner

    with _without_colours():
        folders = ["--project-dir", str(root), "--profiles-dir", str(root)]
        done = dbtRunner().invoke(["--quiet", "--no-partial-parse", "parse", *folders])
    assert done.success, done.exception
    return root / "target" / "semantic_manifest.json"


def _profile(root: Path) -> dict[str, Any]:
    target = {"type": "duckdb", "path": str(root / "oracle.duckdb"), "schema": "main"}
    return {"oracle": {"target": "all", "outputs": {"all": target}}}


def _read_by(model: Mapping[str, Any]) -> str:
    return str(model["model"]).split("'")[1]


@contextmanager
def _without_colours() -> Iterator[None]:
    before = os.environ.get("DBT_USE_COLORS")
    os.environ["DBT_USE_COLORS"] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ["DBT_USE_COLORS"]
        else:
            os.environ["DBT_USE_COLORS"] = before
