from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from worlds import CUTOFF_AT, DAY, VARIANTS, World, count_moments, equal, make_world, outcomes

from landed.catalog import Catalog
from landed.compiler import MOMENT_COLUMNS, Compiled, Relations, compile_unit_moments
from landed.errors import ContractError, PlanError

CUTOFF = CUTOFF_AT.replace(tzinfo=UTC)
NAMES = sorted(outcomes({}))


def compiled(catalog: Catalog, names: list[str], cutoff: datetime = CUTOFF) -> Compiled:
    return compile_unit_moments(catalog, catalog.releases["new-start"], names, cutoff_at=cutoff)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(1)


@pytest.mark.parametrize("seed", range(6))
def test_moments_equal_those_counted_a_row_at_a_time(catalog: Catalog, seed: int) -> None:
    world = make_world(seed)
    expected = outcomes(world.units)

    rows = world.rows(compiled(catalog, NAMES).sql)

    assert len(rows) == len(NAMES) * len(VARIANTS)
    for row in rows:
        outcome = expected[row["metric"]]
        counted = count_moments(world, outcome, row["variant"], CUTOFF_AT, row)
        assert row["form"] == outcome.form
        assert equal(row, counted), (row, counted)


def test_the_worlds_hold_every_case_that_the_rules_speak_of(world: World) -> None:
    """Guards the comparison above against passing for want of cases."""
    kept = [row for row in world.exposures if row["release"] == "new-start"]

    assert any(row["is_bot"] for row in kept)
    assert any(row["is_crossover"] for row in kept)
    assert any(row["is_bot"] is None for row in kept)
    assert any(row["exposed_at"] >= CUTOFF_AT for row in kept)
    week = outcomes(world.units)["view_seconds_7d"]
    moments = [count_moments(world, week, variant, CUTOFF_AT) for variant in VARIANTS]
    for count in ("n", "n_missing", "n_immature"):
        assert sum(one[count] for one in moments) > 0
    assert any(row["exposed_at"] + 7 * DAY == CUTOFF_AT for row in kept)


@pytest.mark.parametrize("seed", range(3))
def test_metrics_with_windows_only_are_not_cut_at_the_shortest(catalog: Catalog, seed: int) -> None:
    world = make_world(seed)

    rows = world.rows(compiled(catalog, ["signup_rate", "events_7d", "view_seconds_7d"]).sql)

    for row in rows:
        outcome = outcomes(world.units)[row["metric"]]
        counted = count_moments(world, outcome, row["variant"], CUTOFF_AT, row)
        assert equal(row, counted), (row, counted)


def test_an_early_cutoff_leaves_later_rows_and_units_out(catalog: Catalog, world: World) -> None:
    cutoff = datetime(2026, 3, 9, 12)  # noqa: DTZ001 - marts hold naive UTC

    rows = world.rows(compiled(catalog, ["events", "events_7d"], cutoff.replace(tzinfo=UTC)).sql)

    for row in rows:
        outcome = outcomes(world.units)[row["metric"]]
        counted = count_moments(world, outcome, row["variant"], cutoff, row)
        assert equal(row, counted), (row, counted)


def test_units_of_a_variant_are_the_same_in_every_metric(catalog: Catalog, world: World) -> None:
    rows = world.rows(compiled(catalog, NAMES).sql)

    for variant in VARIANTS:
        units = {
            row["n"] + row["n_missing"] + row["n_immature"]
            for row in rows
            if row["variant"] == variant
        }
        assert len(units) == 1


def test_a_variant_nobody_met_has_a_row_of_zeros(catalog: Catalog, world: World) -> None:
    rows = world.rows(compiled(catalog, ["error_share"]).sql)

    never_met = next(row for row in rows if row["variant"] == "never_met")
    assert never_met["n"] == 0
    assert never_met["sum_y"] == 0.0
    assert never_met["sum_yd"] == 0.0


def test_a_metric_has_the_same_moments_alone_and_in_company(catalog: Catalog, world: World) -> None:
    together = world.rows(compiled(catalog, NAMES).sql)

    alone = world.rows(compiled(catalog, ["signup_rate"]).sql)

    assert alone == [row for row in together if row["metric"] == "signup_rate"]


def test_each_fact_is_scanned_once(catalog: Catalog) -> None:
    sql = compiled(catalog, NAMES).sql

    assert sql.count('"fct_events"') == 1
    assert sql.count('"fct_feedback"') == 1
    assert sql.count('"fct_exposures"') == 1


def test_a_population_of_nobody_gives_zeros(catalog: Catalog) -> None:
    world = make_world(1)
    world.engine.execute("delete from fct_exposures")

    rows = world.rows(compiled(catalog, NAMES).sql)

    assert len(rows) == len(NAMES) * len(VARIANTS)
    assert {row["n"] for row in rows} == {0}


def test_columns_are_those_of_the_contract(catalog: Catalog, world: World) -> None:
    found = compiled(catalog, ["events"])

    assert tuple(world.rows(found.sql)[0]) == MOMENT_COLUMNS
    assert tuple(column.name for column in found.columns) == MOMENT_COLUMNS
    assert found.models == {"fct_events", "fct_exposures"}


def test_marts_may_be_attached_as_another_database(
    catalog: Catalog, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "snapshot.duckdb"
    world.engine.execute(f"attach '{path}' as pub; copy from database memory to pub;")
    release = catalog.releases["new-start"]

    found = compile_unit_moments(
        catalog, release, ["events"], cutoff_at=CUTOFF, relations=Relations(database="pub")
    )

    assert '"pub"."main"."fct_events"' in found.sql
    assert world.rows(found.sql) == world.rows(compiled(catalog, ["events"]).sql)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("other_events", "derived metric has no value"),
        ("exposed_units", "counts the population itself"),
        ("amount_max", "maximum over units needs a quantile"),
    ],
)
def test_a_metric_without_unit_form_is_refused(catalog: Catalog, name: str, reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        compiled(catalog, ["events", name])


def test_an_unknown_metric_is_refused_with_the_nearest_name(catalog: Catalog) -> None:
    with pytest.raises(ContractError, match="did you mean `signup_rate`"):
        compiled(catalog, ["signup_rat"])


def test_a_cutoff_without_zone_is_refused(catalog: Catalog) -> None:
    with pytest.raises(PlanError, match="no time zone"):
        compiled(catalog, ["events"], CUTOFF_AT)


def test_no_metric_at_all_is_refused(catalog: Catalog) -> None:
    with pytest.raises(PlanError, match="no metric is named"):
        compiled(catalog, [])


def test_a_release_name_with_a_quote_stays_a_literal(catalog: Catalog, world: World) -> None:
    hostile = replace(catalog.releases["new-start"], release="x' or '1'='1")

    found = compile_unit_moments(catalog, hostile, ["events"], cutoff_at=CUTOFF)

    assert "'x'' or ''1''=''1'" in found.sql
    assert {row["n"] for row in world.rows(found.sql)} == {0}
