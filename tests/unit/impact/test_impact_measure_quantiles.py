"""From rows in a mart to the quantiles of a release's variants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from landed.catalog import Catalog, RoleOfMetric, load_catalog
from landed.impact import (
    compare,
    estimate_release,
    measure,
    measure_quantiles,
    measure_segments,
)
from landed.project import Project
from landed.stats import (
    Difference,
    NotEstimable,
    QuantileOfRows,
    difference_of_quantiles,
    quantile_of_rows,
)
from landed.warehouse import Engine

Make = Callable[..., Any]
CUTOFF = datetime(2026, 11, 20, tzinfo=UTC)

MODEL = """
models:
  - name: fct_requests
    columns:
      - {name: request_id, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: route, data_type: varchar}
      - {name: latency_ms, data_type: double}
      - {name: happened_at, data_type: timestamp}
semantic_models:
  - name: requests
    model: ref('fct_requests')
    defaults: {agg_time_dimension: happened_at}
    entities:
      - {name: request, type: primary, expr: request_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: route, type: categorical}
      - {name: happened_at, type: time, type_params: {time_granularity: second}}
    measures:
      - {name: latency_p90, agg: percentile, expr: latency_ms, agg_params: {percentile: 0.9}}
      - {name: latency_median, agg: median, expr: latency_ms}
"""
METRIC = """
metrics:
  - name: {name}
    label: Latency
    description: Latency of requests, in milliseconds. Rises when the backend slows down.
    type: simple
    type_params: {{measure: {measure}}}
    filter: "{{{{ Dimension('request__route') }}}} = 'home'"
    config:
      meta:
        owner: growth
        value: ms
        direction: decrease_is_good
        tier: team
        window_days: 3
        revisions: [{{date: 2026-11-01, change: first definition, by: growth}}]
"""
#: Rows that must not count: before exposure, after the window, elsewhere, without a value.
STRAY = """
insert into fct_requests values
    ('a', 'control0', 'home', 9e9, timestamp '2026-11-03 11:59:59'),
    ('b', 'control0', 'home', 9e9, timestamp '2026-11-06 12:00:00'),
    ('c', 'control0', 'other', 9e9, timestamp '2026-11-04 12:00:00'),
    ('d', 'control0', 'home', null, timestamp '2026-11-04 12:00:00'),
    ('e', 'nobody', 'home', 9e9, timestamp '2026-11-04 12:00:00'),
    ('f', 'late', 'home', 9e9, timestamp '2026-11-19 18:00:00')
"""


@pytest.fixture
def slow(tmp_path: Path) -> Catalog:
    for folder, name, text in (
        ("models", "requests", MODEL),
        ("metrics", "latency_p90", METRIC.format(name="latency_p90", measure="latency_p90")),
        ("metrics", "latency_mid", METRIC.format(name="latency_mid", measure="latency_median")),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return load_catalog(Project(tmp_path, "slow"))


@pytest.fixture
def latencies() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Values and unit of each row: 400 users a variant with three requests on average."""
    found = {}
    for seed, (variant, shift) in enumerate((("control", 0.0), ("checklist", 0.2))):
        rng = np.random.default_rng(seed)
        units = np.repeat(np.arange(400), rng.poisson(3, 400))
        level = rng.normal(0, 0.4, 400)[units]
        found[variant] = (np.exp(4 + shift + level + rng.normal(0, 0.4, units.size)), units)
    return found


@pytest.fixture
def engine(latencies: Any) -> Iterator[Engine]:
    with Engine.open(None) as opened:
        opened.execute(
            """
            create table fct_exposures as
            select
                'onboarding-checklist' as release,
                variant || user as unit_id,
                variant,
                timestamp '2026-11-03 12:00:00' as exposed_at,
                false as is_bot,
                false as is_crossover
            from (values ('control'), ('checklist')) as variants (variant), range(400) as r (user);
            insert into fct_exposures
            select release, 'late', variant, timestamp '2026-11-19 12:00:00', false, false
            from fct_exposures where unit_id = 'control0';
            create table fct_requests (
                request_id varchar, unit_id varchar, route varchar, latency_ms double,
                happened_at timestamp
            )
            """
        )
        for variant, (values, units) in latencies.items():
            opened.register("given", pa.table({"v": values, "u": units}))
            opened.execute(
                f"insert into fct_requests select '{variant}' || u || v, '{variant}' || u, "
                "'home', v, timestamp '2026-11-04 12:00:00' from given"
            )
            opened.unregister("given")
        opened.execute(STRAY)
        yield opened


def test_a_quantile_is_that_of_the_rows_in_the_window(
    engine: Engine, slow: Catalog, release: Make, latencies: Any
) -> None:
    named = release(RoleOfMetric("latency_p90", "diagnostic"))

    control, treatment = measure_quantiles(engine, slow, named, cutoff_at=CUTOFF)

    with_rows = len(set(latencies["control"][1]))
    expected = quantile_of_rows(*latencies["control"], 0.9)
    assert isinstance(expected, QuantileOfRows)
    assert (control["variant"], control["form"]) == ("control", "quantile")
    assert (control["n"], control["n_missing"], control["n_immature"]) == (
        with_rows,
        400 - with_rows,
        1,
    )
    assert control["quantile"].value == pytest.approx(expected.value, rel=1e-12)
    assert control["quantile"].standard_error == pytest.approx(expected.standard_error, rel=1e-9)
    assert control["quantile"].n == with_rows
    assert treatment["quantile"].value > control["quantile"].value


def test_a_release_has_an_estimate_of_a_median(
    engine: Engine, slow: Catalog, release: Make, latencies: Any
) -> None:
    named = release(RoleOfMetric("latency_mid", "diagnostic"))

    (found,) = estimate_release(named, slow, measure(engine, slow, named, cutoff_at=CUTOFF))

    known = [quantile_of_rows(*latencies[one], 0.5) for one in ("control", "checklist")]
    plain = difference_of_quantiles(*known)  # type: ignore[arg-type]
    assert isinstance(plain, Difference)
    assert (found.status, found.method) == ("estimated", "difference_of_quantiles")
    assert found.absolute_effect == pytest.approx(plain.absolute_effect, rel=1e-9)
    assert found.mean_control == pytest.approx(np.median(latencies["control"][0]), rel=1e-12)


def test_of_more_rows_than_memory_allows_whole_units_are_taken(
    engine: Engine, slow: Catalog, release: Make, latencies: Any
) -> None:
    named = release(RoleOfMetric("latency_mid", "diagnostic"))

    control = measure_quantiles(engine, slow, named, cutoff_at=CUTOFF, most_rows=700)[0]

    whole = quantile_of_rows(*latencies["control"], 0.5)
    assert isinstance(whole, QuantileOfRows)
    assert control["n"] == whole.n  # all who entered, whoever was ranked
    assert 0.35 * whole.n < control["quantile"].n < 0.65 * whole.n
    assert abs(control["quantile"].value - whole.value) < 4 * whole.standard_error


def test_segments_are_measured_beside_the_quantiles_over_all_units(
    engine: Engine, slow: Catalog, release: Make
) -> None:
    named = release(RoleOfMetric("latency_mid", "diagnostic"))

    found = measure_segments(engine, slow, named, cutoff_at=CUTOFF)

    assert [row["variant"] for row in found.overall] == ["control", "checklist"]
    assert found.by_segment == []


def test_too_few_rows_beyond_the_quantile_say_so_with_the_variant() -> None:
    few = {"n": 12, "n_immature": 0, "quantile": NotEstimable("3 rows above the quantile", True)}
    some = {"n": 900, "n_immature": 0, "quantile": QuantileOfRows(200.0, 3.0, 900)}

    method, found, reduction = compare("quantile", some, few)

    assert (method, reduction) == ("difference_of_quantiles", 0.0)
    assert found == NotEstimable("treatment: 3 rows above the quantile", True)


def test_a_variant_nobody_met_has_no_quantile(slow: Catalog, release: Make) -> None:
    named = release(RoleOfMetric("latency_mid", "diagnostic"))
    with Engine.open(None) as empty:
        empty.execute(
            "create table fct_exposures (release varchar, unit_id varchar, variant varchar, "
            "exposed_at timestamp, is_bot boolean, is_crossover boolean);"
            "create table fct_requests (request_id varchar, unit_id varchar, route varchar, "
            "latency_ms double, happened_at timestamp)"
        )
        rows = measure_quantiles(empty, slow, named, cutoff_at=CUTOFF)

    assert [(row["variant"], row["n"], row["quantile"]) for row in rows] == [
        ("control", 0, None),
        ("checklist", 0, None),
    ]
    assert compare("quantile", *rows)[1] == NotEstimable("no unit of control entered", True)


def test_a_value_that_is_not_finite_is_a_reason_not_a_crash(
    engine: Engine, slow: Catalog, release: Make
) -> None:
    engine.execute(
        "insert into fct_requests values "
        "('g', 'control1', 'home', 'infinity'::double, timestamp '2026-11-04 12:00:00')"
    )
    named = release(RoleOfMetric("latency_mid", "diagnostic"))

    control = measure_quantiles(engine, slow, named, cutoff_at=CUTOFF)[0]

    assert control["quantile"] == NotEstimable("its rows are wrong: a value is not finite")
