"""A project adds to the core, or replaces a part of it by name."""

from __future__ import annotations

import json

import pytest
from lake_rows import RELEASES, Built, event

from landed.errors import ContractError, WarehouseError
from landed.project.dbt import manifest

REPLACEMENT = """
select
    feedback_id,
    user_id as unit_id,
    'phone' as channel,
    text,
    rating,
    given_at
from {{ ref('stg_lake__feedback') }}
"""

METRIC = """
metrics:
  - name: mean_rating
    label: Our mean rating
    description: The mean of what people of the phone team were told.
    type: simple
    type_params: {measure: our_rating}
    config: {meta: {owner: phone, value: rating, direction: increase_is_good}}
"""

SEMANTIC = """
semantic_models:
  - name: feedback
    description: One row per feedback item of ours.
    model: ref('fct_feedback')
    defaults: {agg_time_dimension: given_at}
    entities: [{name: feedback_item, type: primary, expr: feedback_id}]
    dimensions:
      - {name: given_at, type: time, type_params: {time_granularity: day}}
    measures:
      - {name: our_rating, agg: average, expr: rating}
      - {name: feedback_count, agg: count, expr: feedback_id}
      - {name: rating_count, agg: count, expr: rating}
      - {name: low_rating_count, agg: sum, expr: case when rating <= 2 then 1 else 0 end}

models:
  - name: fct_feedback
    description: One row per feedback item of ours.
    columns:
      - name: channel
        data_tests:
          - accepted_values:
              arguments: {values: [paper]}
"""


def test_a_project_replaces_a_model_a_metric_and_a_semantic_model(empty: Built) -> None:
    root = empty.project.root
    (root / "models/feedback").mkdir(parents=True)
    (root / "models/feedback/fct_feedback.sql").write_text(REPLACEMENT)
    (root / "models/feedback/_models.yml").write_text(SEMANTIC)
    (root / "metrics").mkdir()
    (root / "metrics/mean_rating.yml").write_text(METRIC)
    empty.land([event("e1", "2026-11-01 10:00", user="amy")] * 2)
    empty.execute(RELEASES)

    built = empty.build()

    known = json.loads(manifest(empty.project, empty.home).read_text())
    ratings = [m["label"] for m in known["metrics"].values() if m["name"] == "mean_rating"]
    failed = {(test.model, test.test): test for test in built.tests if not test.passed}
    assert empty.rows("select distinct channel from fct_feedback") == [("phone",)]
    assert ratings == ["Our mean rating"]
    assert "model.landed_core.fct_feedback" not in known["nodes"]
    # the event landed twice and the channel is not paper: both are told, and no mart is missing
    assert failed[("fct_events", "unique_fct_events_event_id")].failures == 1
    assert ("fct_feedback", "accepted_values_fct_feedback_channel__paper") in failed
    assert {"dim_units", "fct_exposures"} <= {model.name for model in built.models}


def test_a_replacement_without_a_description_stays_under_the_contract_of_the_core(
    empty: Built,
) -> None:
    (empty.project.root / "models").mkdir()
    (empty.project.root / "models/fct_feedback.sql").write_text(REPLACEMENT)

    known = json.loads(manifest(empty.project, empty.home).read_text())["nodes"]

    ours = known["model.product.fct_feedback"]
    tested = [node for node in known.values() if ours["unique_id"] in node["depends_on"]["nodes"]]
    assert ours["config"]["contract"]["enforced"]
    assert "unique_fct_feedback_feedback_id" in [node["name"] for node in tested]


def test_where_a_core_model_is_replaced_every_build_is_whole_and_looks_at_all_rows(
    empty: Built,
) -> None:
    (empty.project.root / "models").mkdir()
    spine = "select date '2026-11-01' as date_day"
    (empty.project.root / "models/time_spine.sql").write_text(spine)
    empty.execute(RELEASES)
    empty.land([event("e1", "2026-11-01 10:00", user="amy")] * 2)
    empty.build()
    empty.land([event("e2", "2026-11-02 10:00", user="amy")])

    second = empty.build()

    twice = [one for one in second.tests if one.test == "unique_fct_events_event_id"]
    assert second.full_refresh
    assert [one.failures for one in twice] == [1]  # of a day that this build did not touch


def test_a_failing_model_is_named_with_its_file(empty: Built) -> None:
    models = empty.project.root / "models"
    models.mkdir()
    (models / "fct_broken.sql").write_text("select nothing from {{ ref('time_spine') }}")

    with pytest.raises(WarehouseError, match="`fct_broken` failed") as caught:
        empty.build(select=["time_spine", "fct_broken"])

    assert str(models / "fct_broken.sql") in str(caught.value)
    assert 'Referenced column "nothing" not found' in str(caught.value)


def test_a_model_that_names_nothing_known_is_refused_before_anything_runs(empty: Built) -> None:
    models = empty.project.root / "models"
    models.mkdir()
    (models / "fct_lost.sql").write_text("select * from {{ ref('fct_nowhere') }}")

    with pytest.raises(ContractError, match="fct_nowhere"):
        empty.build()


def test_a_model_cannot_read_the_environment(empty: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_PASSWORD", "hunter2")
    models = empty.project.root / "models"
    models.mkdir()
    (models / "fct_spy.sql").write_text('select \'{{ env_var("SERVICE_PASSWORD", "none") }}\' as x')

    empty.build(select="fct_spy")

    assert empty.rows("select x from fct_spy") == [("none",)]
