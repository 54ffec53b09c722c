"""Faults and warnings about how definitions are governed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
from written import MARTS, faults, load, metric, one_fault

from landed.catalog import Catalog
from landed.catalog.linting_warnings import warnings_of
from landed.compiler import MetricQuery, compile_query
from landed.errors import Fault

META = "owner: growth, value: count, direction: increase_is_good"
TODAY = date(2026, 11, 28)


def ratio(zero: str = "", name: str = "share") -> str:
    meta = META.replace("count", "share") + (f", zero_denominator: {zero}" if zero else "")
    params = "{numerator: events, denominator: units}"
    return metric(name, kind="ratio", params=params, meta=meta)


def units(**more: str) -> str:
    return metric("units", params="{measure: event_units}", **more)


def deprecated(since: str, until: str, use: str = "") -> str:
    use = f", use: {use}" if use else ""
    return META + f", deprecated: {{since: {since}, until: {until}{use}}}"


def warned(catalog: Catalog, timezone: str = "UTC") -> list[Fault]:
    return warnings_of(replace(catalog, time_zone=timezone), TODAY)


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        (deprecated("2026-13-01", "2027-01-01"), "since is `2026-13-01`, which is no day"),
        (deprecated("2026-01-01", "2026-02-30"), "until is `2026-02-30`, which is no day"),
        (deprecated("2026-02-01", "2026-01-01"), "since 2026-02-01 and until 2026-01-01"),
        (deprecated("2026-02-01", "2026-02-01"), "an end after the begin"),
        (deprecated("2026-01-01", "2027-01-01", "unts"), "did you mean `units`?"),
        (deprecated("2026-01-01", "2027-01-01", "events"), "lead back to it"),
        (META + ", revisions: [{date: 2026-02-30, change: x, by: web}]", "`2026-02-30` is no day"),
        (META + ", zero_denominator: zero", "a simple metric has no denominator"),
    ],
)
def test_days_and_successors_that_are_none_are_faults(tmp_path: Path, meta: str, said: str) -> None:
    assert said in one_fault(tmp_path, metric(meta=meta), units())


def test_a_successor_that_goes_itself_names_the_one_that_stays(tmp_path: Path) -> None:
    said = one_fault(
        tmp_path,
        metric(meta=deprecated("2026-01-01", "2027-01-01", "units")),
        units(meta=deprecated("2026-01-01", "2027-01-01", "most")),
        metric("most", params="{measure: amount_most}"),
    )

    assert "the successor `units` is deprecated itself" in said
    assert "Fix: name `most`." in said


def test_successors_in_a_circle_are_a_fault_of_each(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        metric(meta=deprecated("2026-01-01", "2027-01-01", "units")),
        units(meta=deprecated("2026-01-01", "2027-01-01", "events")),
    )

    assert len(found) == 2
    assert "the successors events → units lead back to it" in found[0]


def test_a_ratio_that_does_not_say_its_zero_rule_is_warned_of(tmp_path: Path) -> None:
    silent = warned(load(tmp_path / "a", metric(), units(), ratio()))
    said = warned(load(tmp_path / "b", metric(), units(), ratio("no_value")))

    assert [one.code for one in silent] == ["zero_rule"]
    assert "write no_value" in silent[0].fix
    assert said == []


@pytest.mark.parametrize(("rule", "value"), [("no_value", None), ("zero", 0.0)])
def test_the_zero_rule_is_what_a_query_gives(
    tmp_path: Path, rule: str, value: float | None
) -> None:
    catalog = load(tmp_path, metric(), units(), ratio(rule))
    sql = compile_query(catalog, MetricQuery(("share",), ("event__event_name",))).sql
    with duckdb.connect() as engine:
        engine.execute(
            "create table fct_events (event_id text, event_name text, unit_id text,"
            " amount double, occurred_at timestamp)"
        )
        engine.execute(
            "insert into fct_events values ('1', 'a', 'u', 1, '2026-01-01'),"
            " ('2', 'a', 'u', 1, '2026-01-01'), ('3', 'b', null, 1, '2026-01-01')"
        )
        rows = engine.execute(sql).fetchall()

    assert rows == [("a", 2.0), ("b", value)]


def test_another_zero_rule_is_another_definition(tmp_path: Path) -> None:
    silent, same, zero = (
        load(tmp_path / name, metric(), units(), ratio(name if name != "none" else ""))
        for name in ("none", "no_value", "zero")
    )

    assert silent.metric("share").digest == same.metric("share").digest
    assert zero.metric("share").digest != same.metric("share").digest


def test_one_formula_under_two_names_is_warned_of(tmp_path: Path) -> None:
    (found,) = warned(load(tmp_path, metric(), metric("things")))

    assert found.code == "duplicate_definition"
    assert "`events` and `things` compute the same" in found.what


def test_a_metric_and_its_successor_may_compute_the_same(tmp_path: Path) -> None:
    going = metric("things", meta=deprecated("2026-01-01", "2027-01-01", "events"))

    assert warned(load(tmp_path, metric(), going)) == []


def test_uses_of_a_metric_that_goes_are_warned_of(tmp_path: Path) -> None:
    going = metric("things", meta=deprecated("2026-01-01", "2027-01-01", "events"))
    made = ratio("zero").replace("numerator: events", "numerator: things")
    saved = "saved_queries:\n  - {name: daily, query_params: {metrics: [things]}}\n"

    found = warned(load(tmp_path, metric(), units(), going, made, metrics__saved=saved))

    assert [one.what.split(" uses")[0] for one in found] == [
        "the metric `share`",
        "the saved query `daily`",
    ]
    assert all(one.fix == "use `events`." for one in found)


@pytest.mark.parametrize(
    ("expr", "is_warned"),
    [
        ("cast(occurred_at as date)", True),
        ("date_trunc('day', occurred_at)", True),
        ("cast(amount as bigint)", False),
        ("occurred_at", False),
    ],
)
def test_a_timestamp_cut_to_days_of_utc_is_warned_of_in_other_zones(
    tmp_path: Path, expr: str, is_warned: bool
) -> None:
    plain = "          - {name: event_name, type: categorical}\n"
    cut = plain + f'          - {{name: day, type: categorical, expr: "{expr}"}}\n'
    catalog = load(tmp_path, metric(), models__marts=MARTS.replace(plain, cut))

    assert [one.code for one in warned(catalog, "Europe/Berlin")] == ["fixed_zone"] * is_warned
    assert warned(catalog) == []
