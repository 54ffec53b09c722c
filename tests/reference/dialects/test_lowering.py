from __future__ import annotations

from typing import Any

import pytest
import sqlglot
from cases import Case, draw
from kinds.compare import catalog_of
from sqlglot import exp

from landed.catalog import Catalog
from landed.compiler import MetricQuery, OutputColumn, compile_query
from landed.compiler.dialects import DIALECTS, Inexpressible, render
from landed.errors import PlanError

OTHERS = DIALECTS[1:]
VIEWS = [("=", "event__event_name", "view")]
METRICS: dict[str, dict[str, Any]] = {
    "views": {"type": "simple", "type_params": {"measure": "event_count"}, "filter": VIEWS},
    "middle": {"type": "simple", "type_params": {"measure": "seconds_median"}},
    "mean": {"type": "simple", "type_params": {"measure": "seconds_average"}},
    "users": {"type": "simple", "type_params": {"measure": "event_units"}},
    "month_to_day": {
        "type": "cumulative",
        "type_params": {"measure": "amount_sum", "cumulative_type_params": {"window": "1 month"}},
    },
    "per_payment": {
        "type": "ratio",
        "type_params": {"numerator": "views", "denominator": "payments"},
    },
    "payments": {"type": "simple", "type_params": {"measure": "payment_count"}},
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return catalog_of(tmp_path_factory.mktemp("lowering") / "project", METRICS)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    root = tmp_path_factory.mktemp("draw") / "project"
    return list(draw(root, 7, definitions=40, data_sets=1))


def written(dialect: str, cases: list[Case]) -> int:
    """How many cases an engine has a statement for, each of which can be read again."""
    found = 0
    for case in cases:
        try:
            text = case.sql(dialect, "main")
        except Inexpressible as error:
            assert error.construct == "an exact percentile"  # noqa: PT017 - any other is a fault
            continue
        assert isinstance(sqlglot.parse_one(text, dialect=dialect), exp.Select)
        found += 1
    return found


def sql(catalog: Catalog, dialect: str, *metrics: str, **more: Any) -> str:
    """The statement on one line."""
    query = MetricQuery(metrics, **more)
    text = compile_query(catalog, query, dialect=dialect).sql  # type: ignore[arg-type]
    return " ".join(text.split())


def lowered(source: str, dialect: str) -> str:
    """An expression of DuckDB's as another engine's."""
    tree = sqlglot.parse_one(f"select {source}", dialect="duckdb")
    for cast in tree.find_all(exp.Cast):
        cast.meta["is_defined"] = True  # as the catalog's parser marks them
    return " ".join(render(tree, dialect).split()).removeprefix("SELECT ")


def test_an_unknown_dialect_is_refused_with_those_that_are_known(catalog: Catalog) -> None:
    with pytest.raises(PlanError, match=r"`oracle` is not known.*duckdb, postgres, clickhouse"):
        sql(catalog, "oracle", "views")


@pytest.mark.parametrize("dialect", OTHERS)
def test_definitions_are_written_and_can_be_read_again(dialect: str, cases: list[Case]) -> None:
    assert written(dialect, cases[:8]) > 4


@pytest.mark.full
@pytest.mark.parametrize("dialect", OTHERS)
def test_a_draw_of_definitions_is_written_and_can_be_read_again(
    dialect: str, cases: list[Case]
) -> None:
    assert written(dialect, cases) > 25


@pytest.mark.parametrize("dialect", OTHERS)
def test_hostile_names_and_values_stay_within_their_quotes(dialect: str, catalog: Catalog) -> None:
    alias, value = 'x" from', "y\\' or 1 = 1 --"

    text = sql(
        catalog,
        dialect,
        "views",
        columns=(OutputColumn("views", alias),),
        where=("event__app_version = '" + value.replace("'", "''") + "'",),
    )

    tree = sqlglot.parse_one(text, dialect=dialect)
    assert tree.named_selects == [alias]
    assert value in [one.name for one in tree.find_all(exp.Literal)]
    assert not list(tree.find_all(exp.Or))


@pytest.mark.parametrize("dialect", ["trino", "bigquery"])
def test_a_refusal_names_the_metric_its_kind_and_the_dialect(
    dialect: str, catalog: Catalog
) -> None:
    with pytest.raises(
        PlanError, match=f"simple metric `middle` cannot be written for {dialect}.*percentile"
    ) as caught:
        sql(catalog, dialect, "views", "middle", "mean")

    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    "source",
    [
        "round(x)",
        "j ->> '$.a'",
        "cast(x as varchar)",
        "cast(x as boolean)",
        "try_cast(x as double)",
        "date_diff('month', a, b)",
    ],
)
@pytest.mark.parametrize("dialect", OTHERS)
def test_what_engines_compute_each_in_its_own_way_is_refused(dialect: str, source: str) -> None:
    with pytest.raises(Inexpressible, match=dialect):
        lowered(source, dialect)


def test_whole_numbers_are_rounded_to_even_or_not_at_all() -> None:
    assert "BIGINT" in lowered("cast(x as bigint)", "postgres")
    for dialect in OTHERS[1:]:
        with pytest.raises(Inexpressible, match="a cast to a whole number"):
            lowered("cast(x as bigint)", dialect)


@pytest.mark.parametrize("dialect", ["postgres", "clickhouse", "spark", "bigquery", "snowflake"])
def test_a_backslash_in_a_pattern_is_refused_where_it_escapes(dialect: str) -> None:
    with pytest.raises(Inexpressible, match="a backslash in LIKE"):
        lowered(r"x like 'a\_b'", dialect)


@pytest.mark.parametrize("dialect", OTHERS)
def test_a_truth_value_becomes_a_number_by_case(dialect: str) -> None:
    text = lowered("cast(x > 1 as double)", dialect).lower().replace("( x > 1 )", "(x > 1)")

    assert "case when x > 1 then 1 when not (x > 1) then 0 end" in text


@pytest.mark.parametrize("dialect", ["clickhouse", "spark", "trino", "bigquery", "snowflake"])
def test_months_back_are_one_frame_of_days_for_each_of_their_lengths(
    dialect: str, catalog: Catalog
) -> None:
    text = sql(catalog, dialect, "month_to_day", group_by=("metric_time",), grain="day")

    for days in (27, 28, 29, 30):
        assert f"RANGE BETWEEN {days} PRECEDING AND CURRENT ROW" in text
    assert "RANGE BETWEEN INTERVAL" not in text


def test_postgresql_joins_groups_by_arrays_which_it_can_hash(catalog: Catalog) -> None:
    text = sql(catalog, "postgres", "per_payment", group_by=("plan",))

    assert 'ARRAY["keys"."k0"] = ARRAY["f0"."k0"]' in text
    assert "DISTINCT FROM" not in text


def test_clickhouse_is_told_what_a_profile_could_change(catalog: Catalog) -> None:
    text = sql(catalog, "clickhouse", "users", "mean", "per_payment", group_by=("plan",))

    assert "join_use_nulls = 1" in text
    assert "prefer_column_name_to_alias = 1" in text
    assert "session_timezone = 'UTC'" in text
    assert 'uniqExact("t"."unit_id")' in text
    assert "avgOrNull(" in text
    assert " FILTER" not in text


def test_clickhouse_keeps_microseconds_and_days_before_1970() -> None:
    assert lowered("cast(x as timestamp)", "clickhouse").startswith(
        "CAST(x, 'Nullable(DateTime64(6, ''UTC''))')"
    )
    assert "'Nullable(Date32)'" in lowered("cast(x as date)", "clickhouse")


def test_clickhouse_finds_what_lies_beyond_the_last_row_to_be_null() -> None:
    text = lowered("lead(x) over (order by y)", "clickhouse")

    assert text.lower().startswith("lead(tonullable(x))")


def test_clickhouse_escapes_a_backslash_in_a_name() -> None:
    assert '"a\\\\"' in lowered('1 as "a\\"', "clickhouse")


def test_trino_keeps_microseconds(catalog: Catalog) -> None:
    text = sql(catalog, "trino", "views", group_by=("metric_time",), grain="week")

    assert "TIMESTAMP(6)" in text
    assert "AS TIMESTAMP)" not in text


def test_trino_has_no_microseconds_in_an_interval() -> None:
    with pytest.raises(Inexpressible, match="an interval of microseconds"):
        lowered("x + interval '5' microsecond", "trino")
    assert "INTERVAL '3600.500' SECOND" in lowered("x + interval '3600500000' microsecond", "trino")


def test_bigquery_filters_by_case_and_begins_weeks_on_monday(catalog: Catalog) -> None:
    text = sql(catalog, "bigquery", "views", "users", group_by=("metric_time",), grain="week")

    assert "FILTER" not in text
    assert "COUNT(CASE WHEN" in text
    assert "DATETIME_TRUNC(CAST(`t`.`occurred_at` AS DATETIME), ISOWEEK)" in text


def test_bigquery_joins_null_to_null_by_an_equality(catalog: Catalog) -> None:
    text = sql(catalog, "bigquery", "per_payment", group_by=("plan",))

    assert "TO_JSON_STRING(`keys`.`k0`) = TO_JSON_STRING(`f0`.`k0`)" in text


def test_bigquery_counts_distinct_pairs_as_one_text() -> None:
    pairs = exp.Select().select(
        exp.Count(this=exp.Distinct(expressions=[exp.column("a"), exp.column("b")]))
    )

    text = " ".join(render(pairs, "bigquery").split())

    assert "THEN TO_JSON_STRING(STRUCT(a, b)) END" in text


def test_bigquery_refuses_a_name_that_its_quotes_cannot_hold() -> None:
    with pytest.raises(Inexpressible, match="the name"):
        lowered('1 as "a`b"', "bigquery")


def test_snowflake_writes_names_as_unquoted_ones_are_stored(catalog: Catalog) -> None:
    text = sql(catalog, "snowflake", "views", group_by=("metric_time",), grain="week")

    assert 'FROM "MAIN"."FCT_EVENTS" AS "T"' in text
    assert '"T"."EVENT_ID"' in text
    assert text.count('AS "views"') == 1  # the answer's columns are those asked for


def test_snowflake_begins_weeks_on_monday_whatever_the_account_says(catalog: Catalog) -> None:
    text = sql(catalog, "snowflake", "views", group_by=("metric_time",), grain="week")

    assert "DAYOFWEEKISO" in text
    assert "DATE_TRUNC('WEEK'" not in text
    assert "TIMESTAMPNTZ" in text


@pytest.mark.parametrize("dialect", ["trino", "bigquery", "snowflake"])
def test_greatest_leaves_null_out_where_the_engine_does_not(dialect: str) -> None:
    text = lowered("greatest(a, b)", dialect).lower()

    assert text == "greatest(coalesce(a, b), coalesce(b, a))"


@pytest.mark.parametrize("dialect", ["clickhouse", "trino", "snowflake"])
def test_is_true_is_written_where_the_engine_lacks_it(dialect: str) -> None:
    assert lowered("x is true", dialect).upper().startswith("COALESCE(X, FALSE)")


@pytest.mark.parametrize("dialect", OTHERS)
def test_a_mean_of_decimals_is_taken_in_double_precision(dialect: str) -> None:
    text = lowered("avg(x)", dialect).upper()

    assert "DOUBLE" in text or "FLOAT64" in text


@pytest.mark.parametrize("dialect", OTHERS)
def test_text_compared_with_a_time_is_read_as_one(dialect: str, catalog: Catalog) -> None:
    text = lowered("cast(x as timestamp) >= '2026-01-01'", dialect)

    assert text.upper().count("CAST(") == 2


def test_trino_compares_a_column_of_times_with_a_time(catalog: Catalog) -> None:
    text = sql(catalog, "trino", "views", where=("metric_time >= '2026-01-01'",))

    assert '"t"."occurred_at" >= CAST(\'2026-01-01\' AS TIMESTAMP(6))' in text


#: What 64 bits of a value are taken from, and how few of it are kept.
HASHES = {
    "postgres": "hashtextextended(",
    "clickhouse": "siphash64(",
    "spark": "xxhash64(x)",
    "trino": "from_big_endian_64( xxhash64( to_utf8(",
    "bigquery": "farm_fingerprint(",
    "snowflake": "hash(x)",
}


@pytest.mark.parametrize("dialect", OTHERS)
def test_a_hash_is_one_of_the_engines_own_of_64_bits_without_a_sign(dialect: str) -> None:
    text = lowered("hash(x) >> 2", dialect).lower()

    assert HASHES[dialect] in text
    assert str(2**62 - 1) in text
    assert dialect == "snowflake" or " hash(" not in text
