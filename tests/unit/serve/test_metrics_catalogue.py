from __future__ import annotations

from pathlib import Path

from landed.project import Project
from landed.serve.queries import metrics

MODELS = """
models:
  - name: fct_visits
    columns: [{name: visit_id, data_type: varchar}, {name: visited_at, data_type: timestamp}]
semantic_models:
  - name: visits
    model: ref('fct_visits')
    defaults: {agg_time_dimension: visited_at}
    entities: [{name: visit, type: primary, expr: visit_id}]
    dimensions: [{name: visited_at, type: time, type_params: {time_granularity: second}}]
    measures:
      - {name: visit_count, agg: count, expr: visit_id}
      - name: visit_sketch
        agg: count_distinct
        expr: visit_id
        config: {meta: {sketch: hyperloglog}}
"""
METRIC = """
  - name: {name}
    label: {name}
    description: Whoever came to the page, everybody in, bots too.
    type: simple
    type_params: {{measure: {name}}}
    config: {{meta: {{owner: growth, value: count, direction: increase_is_good}}}}
"""


def test_the_catalogue_says_how_far_off_a_sketched_metric_may_be(tmp_path: Path) -> None:
    for folder, text in (
        ("models", MODELS),
        (
            "metrics",
            "metrics:" + "".join(METRIC.format(name=f"visit_{x}") for x in ("count", "sketch")),
        ),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "visits.yml").write_text(text, encoding="utf-8")
    project = Project(tmp_path, "visits")

    assert metrics(project, "visit_count")[0]["relative_error"] is None
    assert metrics(project, "visit_sketch")[0]["relative_error"] == 1.04 / 64
