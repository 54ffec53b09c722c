from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from worlds import (
    CUTOFF_AT,
    DAY,
    Row,
    World,
    count_moments,
    errors,
    is_bad,
    is_signup,
    make_world,
    outcomes,
    total,
)
from worlds import mean as mean_of

from landed.catalog import Catalog
from landed.compiler import (
    MetricQuery,
    OrderBy,
    OutputColumn,
    Relations,
    compile_query,
    parse_metric_sql,
)

Key = Callable[[Row, str], Any]


@pytest.fixture(scope="module", params=[3, 4])
def world(request: pytest.FixtureRequest) -> World:
    return make_world(request.param)


def ask(catalog: Catalog, world: World, sql: str) -> list[Row]:
    return world.rows(compile_query(catalog, parse_metric_sql(sql, catalog)).sql)


def same(found: Any, expected: Any) -> bool:
    if found is None or expected is None or isinstance(expected, str):
        return bool(found == expected)
    return bool(found == pytest.approx(expected, rel=1e-9, abs=1e-9))


def divided(top: float | None, bottom: float | None) -> float | None:
    return None if top is None or not bottom else top / bottom


def total_or_none(rows: list[Row], name: str) -> float | None:
    return total(rows, name) if any(row[name] is not None for row in rows) else None


def of_values(pick: Callable[[Iterable[float]], float], rows: list[Row], name: str) -> float | None:
    values = [row[name] for row in rows if row[name] is not None]
    return pick(values) if values else None


def mean_of_units(rows: list[Row]) -> float | None:
    units = {row["unit_id"] for row in rows} - {None}
    means = [mean_of([row for row in rows if row["unit_id"] == unit], "seconds") for unit in units]
    values = [value for value in means if value is not None]
    return sum(values) / len(values) if values else None


def plan_of(world: World, row: Row) -> str | None:
    return world.units.get(row["unit_id"], {}).get("plan")


def by_hand(world: World, e: list[Row], f: list[Row], x: list[Row]) -> dict[str, Any]:
    """Every metric of the project over some events, feedback and exposures."""
    signups = [row for row in e if is_signup(row)]

    def units(rows: list[Row]) -> int:
        return len({row["unit_id"] for row in rows} - {None})

    def pro(rows: list[Row]) -> list[Row]:
        return [row for row in rows if plan_of(world, row) == "pro"]

    return {
        "events": len(e),
        "signups": len(signups),
        "amount": total_or_none(e, "amount"),
        "amount_mean": mean_of(e, "amount"),
        "amount_min": of_values(min, e, "amount"),
        "amount_max": of_values(max, e, "amount"),
        "errors": errors(e),
        "sessions": len({row["session_id"] for row in e} - {None}),
        "active_units": units(e),
        "signed_up_units": units(signups),
        "erring": units(list(filter(is_bad, e))),
        "erring_share": divided(units(list(filter(is_bad, e))), units(x)),
        "exposed_units": units(x),
        "feedback_items": len(f),
        "pro_feedback_items": len(pro(f)),
        "rating": mean_of(f, "rating"),
        "signup_rate": divided(units(signups), units(x)),
        "error_share": divided(errors(e), len(e)),
        "feedback_per_event": divided(len(f), len(e)),
        "pro_event_share": divided(len(pro(e)), len(e)),
        "other_events": len(e) - len(signups),
        "errors_per_signup": divided(errors(e), len(signups)),
        "view_seconds": mean_of_units(e),
    }


NAMES = sorted(by_hand(make_world(0, event_count=8), [], [], []))
MEASURES = ", ".join(f"measure({name})" for name in NAMES)


def check(world: World, rows: list[Row], key_name: str, key: Key, keep: Key | None = None) -> None:
    """Every group that any fact has is there once, with the values counted by hand."""
    facts = [
        [(row, time) for row in rows_ if keep is None or keep(row, time)]
        for rows_, time in (
            (world.events, "occurred_at"),
            (world.feedback, "given_at"),
            (world.exposures, "exposed_at"),
        )
    ]
    groups = {key(row, time) for fact in facts for row, time in fact}
    assert {row[key_name] for row in rows} == groups
    assert len(rows) == len(groups)
    for found in rows:
        mine = [[row for row, time in fact if key(row, time) == found[key_name]] for fact in facts]
        expected = by_hand(world, *mine)
        for name, value in expected.items():
            assert same(found[name], value), (found[key_name], name, found[name], value)


def test_all_metrics_without_groups(catalog: Catalog, world: World) -> None:
    rows = ask(catalog, world, f"select {MEASURES} from metrics")

    expected = by_hand(world, world.events, world.feedback, world.exposures)
    assert len(rows) == 1
    for name, value in expected.items():
        assert same(rows[0][name], value), name


def test_all_metrics_by_an_attribute_of_the_unit(catalog: Catalog, world: World) -> None:
    rows = ask(catalog, world, f"select plan, {MEASURES} from metrics group by plan")

    check(world, rows, "plan", lambda row, time: plan_of(world, row))


def test_all_metrics_by_week_starting_on_monday(catalog: Catalog, world: World) -> None:
    sql = f"select date_trunc('week', metric_time) as w, {MEASURES} from metrics group by 1"

    rows = ask(catalog, world, sql)

    assert {row["w"].isoweekday() for row in rows} == {1}
    check(
        world,
        rows,
        "w",
        lambda row, time: (row[time] - timedelta(days=row[time].weekday())).date(),
    )


def test_all_metrics_by_month_under_a_condition(catalog: Catalog, world: World) -> None:
    rows = ask(
        catalog,
        world,
        f"select date_trunc('month', metric_time) as m, {MEASURES} from metrics "
        "where unit__country = 'DE' and metric_time >= '2026-03-04' group by m",
    )

    def kept(row: Row, time: str) -> bool:
        country = world.units.get(row["unit_id"], {}).get("country")
        return country == "DE" and str(row[time]) >= "2026-03-04"

    check(world, rows, "m", lambda row, time: row[time].date().replace(day=1), kept)


def test_a_group_shows_up_only_if_a_metric_has_rows_there(catalog: Catalog, world: World) -> None:
    rows = ask(
        catalog, world, "select event_name, measure(signups) from metrics group by event_name"
    )

    assert [row["event_name"] for row in rows] == ["signup"]


def test_filters_of_several_kinds_agree_with_python(catalog: Catalog, world: World) -> None:
    rows = ask(
        catalog,
        world,
        "select app_version, measure(events) as n from metrics where (event_name in ('view') or "
        "is_error is null) and not app_version = '1.1' and metric_time between '2026-03-02' and "
        "'2026-03-19' group by app_version",
    )

    expected = sum(
        (row["event_name"] == "view" or row["is_error"] is None)
        and row["app_version"] != "1.1"
        and "2026-03-02" <= str(row["occurred_at"]) <= "2026-03-19 00:00:00"
        for row in world.events
    )
    assert rows == [{"app_version": "1.0", "n": expected}]


def test_having_order_and_limit_cut_the_answer(catalog: Catalog, world: World) -> None:
    sql = (
        "select date_trunc('day', metric_time) as d, measure(events) as n from metrics group by d "
        "having measure(signups) > 2 order by n desc, d limit 4"
    )

    rows = ask(catalog, world, sql)

    days: dict[Any, list[Row]] = {}
    for row in world.events:
        days.setdefault(row["occurred_at"].date(), []).append(row)
    kept = [(d, len(found)) for d, found in days.items() if sum(map(is_signup, found)) > 2]
    kept.sort(key=lambda one: (-one[1], one[0]))
    assert [(row["d"], row["n"]) for row in rows] == kept[:4]
    assert len(kept) > 4


def test_a_query_object_and_its_sql_give_the_same_statement(catalog: Catalog) -> None:
    query = MetricQuery(
        metrics=("events",),
        group_by=("plan",),
        where=("unit__country = 'DE'",),
        order_by=(OrderBy("events", descending=True),),
        columns=(OutputColumn("events", "n"), OutputColumn("plan", "plan")),
    )

    sql = (
        "SELECT MEASURE(Events) AS n, Plan FROM Metrics WHERE unit__country = 'DE' "
        "GROUP BY plan ORDER BY 1 DESC"
    )

    assert compile_query(catalog, query) == compile_query(catalog, parse_metric_sql(sql, catalog))


def test_templates_and_names_mean_the_same_in_where(catalog: Catalog) -> None:
    by_name = MetricQuery(("events",), where=("unit__plan = 'pro'",))
    by_template = MetricQuery(("events",), where=("{{ Dimension('unit__plan') }} = 'pro'",))

    assert compile_query(catalog, by_name) == compile_query(catalog, by_template)


def test_the_same_aggregate_is_computed_once_in_one_scan(catalog: Catalog) -> None:
    query = parse_metric_sql(
        "select measure(error_share), measure(errors), measure(events) from metrics", catalog
    )

    sql = compile_query(catalog, query).sql

    assert sql.count('"fct_events"') == 1
    assert sql.count("COUNT(") == 2


def test_relations_of_another_database_are_used(catalog: Catalog) -> None:
    query = MetricQuery(("events",), group_by=("plan",))

    sql = compile_query(catalog, query, relations=Relations("marts", "pub")).sql

    assert '"pub"."marts"."fct_events"' in sql
    assert '"pub"."marts"."dim_units"' in sql
    assert '"main"' not in sql


def test_no_rows_at_all_give_zero_counts_and_null_sums(catalog: Catalog) -> None:
    world = make_world(1, event_count=8)
    world.engine.execute("delete from fct_events; delete from fct_feedback")

    rows = ask(
        catalog,
        world,
        "select measure(events), measure(amount), measure(error_share), measure(view_seconds), "
        "measure(feedback_items) from metrics",
    )

    assert rows == [
        {
            "events": 0,
            "amount": None,
            "error_share": None,
            "view_seconds": None,
            "feedback_items": 0,
        }
    ]


def test_a_group_that_only_the_second_fact_has_is_there(catalog: Catalog) -> None:
    world = make_world(1)
    world.engine.execute("delete from fct_events")

    rows = ask(
        catalog,
        world,
        "select plan, measure(events) as e, measure(amount) as a, measure(feedback_items) as f "
        "from metrics group by plan",
    )

    expected: dict[str | None, int] = {}
    for row in world.feedback:
        plan = plan_of(world, row)
        expected[plan] = expected.get(plan, 0) + 1
    assert {row["plan"]: row["f"] for row in rows} == expected
    assert {(row["e"], row["a"]) for row in rows} == {(0, None)}
    assert None in expected
    assert len(expected) > 1


SCOPED = sorted(outcomes({}))


def test_release_scope_gives_the_means_of_the_unit_outcomes(catalog: Catalog, world: World) -> None:
    measures = ", ".join(f"measure({name})" for name in SCOPED)

    rows = ask(
        catalog,
        world,
        f"select variant, {measures} from metrics where release = 'new-start' group by variant",
    )

    expected = outcomes(world.units)
    assert [row["variant"] for row in rows] == ["checklist", "control", "never_met", "video"]
    for row in rows:
        for name in SCOPED:
            counted = count_moments(world, expected[name], row["variant"], CUTOFF_AT)
            below = counted["sum_d"] if expected[name].form == "ratio" else counted["n"]
            assert same(row[name], divided(counted["sum_y"], below)), (row["variant"], name)


def test_release_scope_without_variant_takes_all_units_together(
    catalog: Catalog, world: World
) -> None:
    rows = ask(
        catalog,
        world,
        "select release, measure(events) as e from metrics where release = 'new-start' "
        "and variant in ('control', 'video') group by release",
    )

    counted = [
        count_moments(world, outcomes(world.units)["events"], variant, CUTOFF_AT)
        for variant in ("control", "video")
    ]
    mean = sum(one["sum_y"] for one in counted) / sum(one["n"] for one in counted)
    assert rows == [{"release": "new-start", "e": pytest.approx(mean)}]


def test_release_scope_may_be_filtered_by_a_metric(catalog: Catalog, world: World) -> None:
    rows = ask(
        catalog,
        world,
        "select variant from metrics where release = 'new-start' group by variant "
        "having measure(events) >= 0 order by variant desc",
    )

    assert [row["variant"] for row in rows] == ["video", "control", "checklist"]


def test_days_are_ordered_when_nothing_else_is_said(catalog: Catalog, world: World) -> None:
    rows = ask(
        catalog,
        world,
        "select date_trunc('day', metric_time) as d, measure(events) from metrics group by d",
    )

    days = [row["d"] for row in rows]
    assert days == sorted(days)
    assert max(days) - min(days) > 10 * DAY
