"""Failed data tests block the releases that read the model, and no other."""

from __future__ import annotations

from landed.gate import ModelTest


def test_model_tests_refuses_a_failed_test_of_a_model_the_metrics_read(world, result_of):
    world.model_tests.append(ModelTest("fct_views", "not_null_viewed_at", False, 3))

    decision = world.data()

    check = result_of(decision, "model_tests")
    assert [each.check_id for each in decision.failed] == ["model_tests"]
    assert check.observed == "failed: `fct_views.not_null_viewed_at` (3 rows)"


def test_model_tests_refuses_a_failed_test_of_the_exposures(world, result_of):
    world.model_tests = [ModelTest("fct_exposures", "unique_together", False, 1)]

    assert result_of(world.data(), "model_tests").blocks


def test_model_tests_refuses_a_failed_test_upstream_of_a_model_that_is_read(world, result_of):
    world.model_tests.append(
        ModelTest("stg_lake__events", "unique", False, 2, frozenset({"fct_events", "fct_views"}))
    )

    assert result_of(world.data(), "model_tests").blocks


def test_model_tests_passes_when_only_a_model_nobody_here_reads_failed(world, result_of):
    world.model_tests.append(
        ModelTest("fct_feedback", "unique", False, 7, frozenset({"agg_feedback"}))
    )

    check = result_of(world.data(), "model_tests")

    assert check.passed is True
    assert check.details["run"] == 1


def test_model_tests_refuses_models_that_were_not_tested(world, result_of):
    world.model_tests = [ModelTest("fct_feedback", "unique", True)]

    check = result_of(world.data(), "model_tests")

    assert check.blocks
    assert check.observed.startswith("no test of `dim_releases`, `fct_events`")
    assert check.because == "A test that was not run proves nothing."


def test_model_tests_refuses_a_test_that_could_not_run(world, result_of):
    world.model_tests.append(ModelTest("fct_events", "unique", False, 0))

    assert result_of(world.data(), "model_tests").observed == "failed: `fct_events.unique`"
