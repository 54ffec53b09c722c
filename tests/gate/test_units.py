"""Single units and bots: told where they could carry a number."""

from __future__ import annotations


def _with_unit_days(world, most: int):
    return world.run(
        "create or replace table agg_unit_days as select format('p{}', i) as unit_id,"
        f" date '2026-03-05' as event_on, if(i = 0, {most}, 10) as event_count"
        " from range(2000) t(i)"
    )


def test_one_unit_dominance_warns_of_a_script_among_people(world, result_of):
    check = result_of(_with_unit_days(world, 400).data(), "one_unit_dominance")

    assert (check.severity, check.passed) == ("warning", False)
    assert check.observed == ("the busiest of 2,000 units sent 400 of 20,390 events (1.96 %)")


def test_one_unit_dominance_leaves_out_what_is_taken_for_a_bot(world, result_of):
    _with_unit_days(world, 400)
    world.run("insert into dim_units by name select 'p0' as unit_id, true as is_bot")

    assert result_of(world.data(), "one_unit_dominance").passed is True


def _with_bots(world, control: int, treatment: int):
    return world.run(
        "insert into fct_exposures by name select 'checklist' as release, format('x{:04d}', i) as"
        " unit_id, if(i % 2 = 0, 'control', 'checklist') as variant,"
        " timestamp '2026-03-04' as exposed_at, false as is_crossover,"
        f" i // 2 < if(i % 2 = 0, {control}, {treatment}) as is_bot from range(2000) t(i)"
    )


def test_bot_share_warns_of_a_variant_that_crawlers_met(world, result_of):
    check = result_of(_with_bots(world, 10, 60).data(), "bot_share")

    assert (check.severity, check.passed) == ("warning", False)
    assert "checklist 60 bots of 1,020 exposed units (5.88 %)" in check.observed


def test_bot_share_passes_as_many_bots_in_both(world, result_of):
    assert result_of(_with_bots(world, 30, 36).data(), "bot_share").passed is True
