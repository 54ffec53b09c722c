"""A model that stumbles over a value says which model and what kind of error, and not the value."""

from __future__ import annotations

import pytest
from lake_rows import Built, event

from landed.errors import WarehouseError
from landed.project.engine_words import of_model


def test_a_model_that_fails_over_a_value_keeps_the_value_to_dbt_s_own_log(empty: Built) -> None:
    folder = empty.project.root / "models"
    folder.mkdir()
    (folder / "amounts.sql").write_text(
        "select cast(properties ->> '$.amount' as double) as amount from {{ ref('fct_events') }}"
    )
    (folder / "amounts.yml").write_text(
        "models:\n  - name: amounts\n    config: {materialized: table}\n"
    )
    empty.land(
        [event("e1", "2026-11-02 10:00", properties={"amount": "bob7761@x.example\nLINE 1"})]
    )

    with pytest.raises(WarehouseError) as refused:
        empty.build()

    assert "model `amounts` failed: Conversion Error: a text is not DOUBLE" in str(refused.value)
    assert "bob7761" not in str(refused.value)
    assert "bob7761" in (empty.home.root / "dbt" / "logs" / "dbt.log").read_text()


def test_what_dbt_says_of_a_statement_is_kept() -> None:
    said = (
        'Runtime Error in model m (models/m.sql)\n  Binder Error: Referenced column "x" not found'
    )

    assert of_model(said) == said
    assert of_model("Compilation Error in model m\n  'nope' is undefined") == (
        "Compilation Error in model m\n  'nope' is undefined"
    )
