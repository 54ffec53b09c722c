"""Small projects written to a folder, and what loading them says."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from landed.catalog import Catalog, load_catalog
from landed.errors import ContractError
from landed.project import Project

MARTS = """
    models:
      - name: fct_events
        columns:
          - {name: event_id, data_type: varchar}
          - {name: event_name, data_type: varchar}
          - {name: unit_id, data_type: varchar}
          - {name: amount, data_type: double}
          - {name: occurred_at, data_type: timestamp}
      - name: fct_exposures
        columns:
          - {name: unit_id, data_type: varchar}
          - {name: plan, data_type: varchar}
          - {name: exposed_at, data_type: timestamp}
      - name: dim_units
        columns:
          - {name: unit_id, data_type: varchar}
          - {name: plan, data_type: varchar}
          - {name: city, data_type: varchar}
    semantic_models:
      - name: events
        model: ref('fct_events')
        defaults: {agg_time_dimension: occurred_at}
        entities:
          - {name: event, type: primary, expr: event_id}
          - {name: unit, type: foreign, expr: unit_id}
        dimensions:
          - {name: event_name, type: categorical}
          - {name: occurred_at, type: time, type_params: {time_granularity: second}}
        measures:
          - {name: event_count, agg: count, expr: event_id}
          - {name: event_units, agg: count_distinct, expr: unit_id}
          - {name: amount_sum, agg: sum, expr: amount}
          - {name: amount_most, agg: max, expr: amount}
      - name: exposures
        model: ref('fct_exposures')
        defaults: {agg_time_dimension: exposed_at}
        primary_entity: exposure
        entities: [{name: unit, type: foreign, expr: unit_id}]
        dimensions: [{name: exposed_at, type: time, type_params: {time_granularity: second}}]
        measures: [{name: exposed_unit_count, agg: count_distinct, expr: unit_id}]
      - name: units
        model: ref('dim_units')
        entities: [{name: unit, type: primary, expr: unit_id}]
        dimensions: [{name: plan, type: categorical}, {name: city, type: categorical}]
"""


def metric(
    name: str = "events",
    *,
    kind: str = "simple",
    params: str = "{measure: event_count}",
    meta: str = "owner: growth, value: count, direction: increase_is_good",
    about: str = "Everything that the product wrote down, bots left in.",
    more: str = "",
) -> str:
    return textwrap.dedent(f"""
        - name: {name}
          label: {name.replace("_", " ")}
          description: "{about}"
          type: {kind}
          type_params: {params}
          config: {{meta: {{{meta}}}}}
          {more}
    """)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")


def load(tmp_path: Path, *metrics: str, product: str = "", **files: str) -> Catalog:
    """A catalog of a project without core: marts, these metrics, and more files by name."""
    text = "metrics:\n" + textwrap.indent("".join(metrics), "  ") if metrics else ""
    if product:
        text += "product_metrics:\n" + textwrap.indent(product, "  ")
    given = {"models/marts.yml": MARTS, "metrics/all.yml": text}
    given |= {name.replace("__", "/") + ".yml": body for name, body in files.items()}
    write(tmp_path / "project", given)
    return load_catalog(Project(tmp_path / "project", "x"), core=tmp_path / "core")


def faults(tmp_path: Path, *metrics: str, product: str = "", **files: str) -> list[str]:
    with pytest.raises(ContractError) as error:
        load(tmp_path, *metrics, product=product, **files)
    return [str(fault) for fault in error.value.faults]


def one_fault(tmp_path: Path, *metrics: str, product: str = "", **files: str) -> str:
    found = faults(tmp_path, *metrics, product=product, **files)
    assert len(found) == 1, found
    return found[0]
