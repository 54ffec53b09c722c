"""The gate as a whole: what it cannot judge it blocks, and who may be let through."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest

from landed.catalog.releases import Exemption
from landed.errors import GateRefused, WarehouseError
from landed.gate import judge_results, load_suites
from landed.gate.checks import CHECKS
from landed.gate.expectations import Judge

CROSSED = "update fct_exposures set is_crossover = true where unit_id < 'u04'"
OFF = "delete from fct_exposures where variant = 'control' and unit_id <> 'u00'"


@pytest.mark.parametrize("check_id", sorted(CHECKS))
def test_a_check_that_raises_blocks(world, result_of, monkeypatch, check_id):
    def fails(subject, parameters):
        raise WarehouseError("the disk is gone")

    broken = {**CHECKS, check_id: replace(CHECKS[check_id], find=fails)}
    monkeypatch.setattr("landed.gate.judging.CHECKS", broken)

    decision = world.until(CHECKS[check_id].stage)

    assert decision.decision == "blocked"
    assert f"check `{check_id}`: the disk is gone" in result_of(decision, "gate_error").observed


@pytest.mark.parametrize("check_id", sorted(CHECKS))
def test_a_check_that_no_suite_makes_blocks(world, result_of, check_id):
    world.suites = {
        name: replace(
            suite,
            expectations=tuple(e for e in suite.expectations if e.check_id != check_id),
        )
        for name, suite in load_suites().items()
    }

    decision = world.until(CHECKS[check_id].stage)

    assert decision.decision == "blocked"
    assert f"no suite makes the check `{check_id}`" in result_of(decision, "gate_error").observed


def test_an_empty_suite_blocks(world, result_of):
    suites = load_suites()
    world.suites = {**suites, "more": replace(suites["models"], name="more", expectations=())}

    decision = world.data()

    assert result_of(decision, "gate_error").observed == "the suite `more` asks nothing"


def test_no_suite_at_all_blocks(world):
    world.suites = {}

    assert world.data().decision == "blocked"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_fact_that_is_no_number_blocks_instead_of_passing_every_range(
    world, result_of, monkeypatch, value
):
    find = CHECKS["sample_ratio"].find

    def null(subject, parameters):
        return replace(find(subject, parameters), columns={"sample_ratio_excess": value})

    broken = {**CHECKS, "sample_ratio": replace(CHECKS["sample_ratio"], find=null)}
    monkeypatch.setattr("landed.gate.judging.CHECKS", broken)

    decision = world.data()

    assert decision.decision == "blocked"
    assert "its fact `sample_ratio_excess` is" in result_of(decision, "gate_error").observed


def test_an_expectation_that_the_judge_does_not_know_blocks(world, result_of):
    suites = load_suites()
    odd = replace(suites["models"].expectations[0], type="expect_the_unexpected")
    world.suites = {**suites, "models": replace(suites["models"], expectations=(odd,))}

    decision = world.data()

    assert decision.decision == "blocked"
    assert "suite `models`" in result_of(decision, "gate_error").observed


def test_an_expectation_over_a_column_that_is_not_there_blocks(world, result_of):
    suites = load_suites()
    odd = replace(suites["models"].expectations[0], kwargs={"column": "nothing", "max_value": 0})
    world.suites = {**suites, "models": replace(suites["models"], expectations=(odd,))}

    decision = world.data()

    assert decision.decision == "blocked"
    assert "there is no column `nothing` in its facts" in (
        result_of(decision, "gate_error").observed
    )


def test_a_missing_result_blocks(world, result_of, monkeypatch):
    from landed.gate import expectations

    matched = expectations.match_answers
    monkeypatch.setattr(
        expectations, "match_answers", lambda suite, found, asked: matched(suite, found[:-1], asked)
    )

    decision = world.data()

    assert decision.decision == "blocked"
    observed = result_of(decision, "gate_error").observed
    found = re.search(r"the suite `accounting` got (\d+) results; expected (\d+)", observed)
    assert found, observed
    assert int(found[1]) == int(found[2]) - 1


def test_a_judge_that_cannot_start_blocks(world, result_of, monkeypatch):
    def fails():
        raise ModuleNotFoundError("gone", name="great_expectations")

    monkeypatch.setattr("landed.gate.judging.judge_of_process", fails)

    assert result_of(world.data(), "gate_error").observed == (
        "the gate cannot start: ModuleNotFoundError: no module `great_expectations`"
    )


def test_a_check_that_hangs_blocks(world, result_of, monkeypatch):
    asleep = threading.Event()

    def hangs(subject, parameters):
        asleep.wait(20)

    broken = {**CHECKS, "row_accounting": replace(CHECKS["row_accounting"], find=hangs)}
    monkeypatch.setattr("landed.gate.judging.CHECKS", broken)

    decision = world.data(timeout_seconds=0.2)
    asleep.set()

    assert decision.decision == "blocked"
    assert result_of(decision, "gate_error").observed == "no answer within 0.2 seconds"


def test_a_judgement_given_up_does_not_go_on_to_judge(world, monkeypatch):
    asleep, answered = threading.Event(), []
    answers = Judge.answers

    def hangs(subject, parameters):
        asleep.wait(20)
        raise RuntimeError("too late")

    def counted(self, suite, frame, expectations):
        answered.append(suite)
        return answers(self, suite, frame, expectations)

    broken = {**CHECKS, "row_accounting": replace(CHECKS["row_accounting"], find=hangs)}
    monkeypatch.setattr("landed.gate.judging.CHECKS", broken)
    monkeypatch.setattr(Judge, "answers", counted)
    before = set(threading.enumerate())
    world.data(timeout_seconds=0.2)
    (thread,) = set(threading.enumerate()) - before
    asleep.set()
    thread.join(20)

    assert answered == []


def test_releases_judged_at_once_do_not_see_each_others_facts(world, result_of):
    suite = load_suites()["models"]
    judge = Judge()
    seen = {}

    def ask(failed):
        frame = pd.DataFrame([{"failed_model_tests": failed, "model_tests_run": 1}])
        answers = [judge.answers("models", frame, suite.expectations) for _ in range(5)]
        seen[failed] = {answer[0].success for answer in answers}

    threads = [threading.Thread(target=ask, args=(failed,)) for failed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == {0: {True}, 1: {False}}


def test_a_release_that_the_marts_do_not_know_is_blocked(world, result_of):
    world.run("delete from dim_releases")

    assert "dim_releases has no row of `checklist`" in (
        result_of(world.data(), "gate_error").observed
    )


def test_a_mart_that_is_not_there_blocks(world):
    world.run("drop table fct_views")

    assert [check.check_id for check in world.data().failed] == ["gate_error"]


def test_the_gates_own_failure_stands_before_what_it_found(world):
    world.run(CROSSED).run("drop table int_exposure_events")

    assert [check.check_id for check in world.data().failed] == ["gate_error", "crossover_share"]


def exemption(check: str, expires_at: datetime) -> Exemption:
    return Exemption(check, "shared tablets in shops", "growth", expires_at)


def test_an_exemption_in_force_turns_a_failed_check_into_a_caveat(world, result_of):
    until = datetime(2026, 4, 1, tzinfo=UTC)
    world.run(CROSSED).change(exemptions=(exemption("crossover_share", until),))

    decision = world.data()

    check = result_of(decision, "crossover_share")
    assert decision.decision == "pass"
    assert [each.check_id for each in decision.warnings] == ["crossover_share"]
    assert check.because.endswith(
        "Exempted until 2026-04-01T00:00:00Z by growth: shared tablets in shops"
    )
    assert check.details["exemption"]["severity"] == "critical"


def test_an_exemption_from_one_check_exempts_from_no_other(world):
    until = datetime(2026, 4, 1, tzinfo=UTC)
    world.run(CROSSED).change(
        exemptions=(exemption("crossover_share", until),), must_emit=("never_sent",)
    )

    assert [check.check_id for check in world.data().failed] == ["must_emit"]


def test_an_exemption_that_ran_out_blocks_though_its_check_passes(world, result_of):
    world.change(exemptions=(exemption("crossover_share", world.as_of),))

    decision = world.data()

    assert [check.check_id for check in decision.failed] == ["exemption_expired"]
    assert result_of(decision, "exemption_expired").observed == (
        "exempted from `crossover_share` until 2026-03-20T09:00:00Z (growth)"
    )


def test_nobody_is_exempted_from_a_gate_that_cannot_judge(world):
    until = datetime(2026, 4, 1, tzinfo=UTC)
    world.change(exemptions=(exemption("gate_error", until),)).run("drop table fct_views")

    assert world.data().decision == "blocked"


def test_an_exemption_from_a_check_of_the_results_holds_at_the_instant_of_the_run(world):
    until = datetime(2026, 3, 18, tzinfo=UTC)  # after the cutoff, before the run
    world.change(exemptions=(exemption("independent_recount", until),))

    assert world.results().decision == "blocked"


def test_a_decision_about_another_release_is_refused(world):
    with pytest.raises(GateRefused, match="about `checklist`"):
        judge_results(
            world.data(),
            world.engine,
            world.catalog,
            replace(world.release, release="other"),
            (),
            (),
            cutoff_at=world.as_of,
        )


def test_the_same_data_give_the_same_decision(world):
    assert world.data() == world.data()


def test_judging_a_release_is_quick_once_the_judge_is_there(world):
    world.data()

    start = time.process_time()
    world.data()

    assert time.process_time() - start < 1.0  # measured 0.17 s; a judge made anew costs 4 s


PROJECT_SUITE = """
name: spend
facts: |
  select variant, count(*) as units, avg(is_bot::integer) as bot_share
  from fct_exposures
  where release = $release and exposed_at >= $shipped_at
  group by variant
expectations:
  - type: expect_column_values_to_be_between
    severity: critical
    kwargs: {column: units, min_value: %d}
    meta:
      check_id: enough_units
      refuses: A release with tiny arms.
      because: We agreed on it.
      fix: Wait.
"""


@pytest.fixture
def own_suites(tmp_path):
    def load(text):
        from landed.project import load_project

        (tmp_path / "landed.toml").write_text('[project]\nname = "own"\n')
        (tmp_path / "expectations").mkdir(exist_ok=True)
        (tmp_path / "expectations" / "spend.yml").write_text(text)
        return load_suites(load_project(tmp_path))

    return load


def test_a_projects_own_check_refuses_by_its_own_facts(world, result_of, own_suites):
    world.suites = own_suites(PROJECT_SUITE % 21)

    decision = world.data()

    check = result_of(decision, "enough_units")
    assert [each.check_id for each in decision.failed] == ["enough_units"]
    assert (check.suite, check.observed) == ("spend", "units = 20, 20")
    assert check.expected == "column values to be between (column units, min_value 21)"


def test_a_projects_own_check_passes_by_its_own_facts(world, result_of, own_suites):
    world.suites = own_suites(PROJECT_SUITE % 20)

    assert result_of(world.data(), "enough_units").passed is True


def test_own_facts_with_a_null_block(world, result_of, own_suites):
    world.suites = own_suites(PROJECT_SUITE.replace("count(*)", "nullif(count(*), 20)") % 20)

    assert "its fact `units` has a null" in result_of(world.data(), "gate_error").observed


def test_own_facts_without_a_row_block(world, result_of, own_suites):
    world.suites = own_suites(PROJECT_SUITE.replace("= $release", "= 'none' || $release") % 1)

    assert "its facts have 0 rows" in result_of(world.data(), "gate_error").observed


def test_own_facts_that_do_not_run_block(world, result_of, own_suites):
    world.suites = own_suites(PROJECT_SUITE.replace("fct_exposures", "fct_nothing") % 1)

    assert "suite `spend`" in result_of(world.data(), "gate_error").observed


def test_the_judge_writes_no_file(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    Judge()
    world.data()

    assert list(tmp_path.iterdir()) == []
