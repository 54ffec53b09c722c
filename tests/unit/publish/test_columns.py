from __future__ import annotations

from landed.catalog import Catalog, Dimension, Entity, Measure, SemanticModel
from landed.publish.columns import copy_sql, plan_copies

BUILT = {
    "fct_sessions": ["session_id", "unit_id", "user_agent", "country", "started_at"],
    "fct_exposures": ["release", "unit_id", "variant", "exposed_at", "is_crossover", "is_bot"],
}


def model(name: str, entities: dict[str, str], dimensions: list[str], measures: dict[str, str]):
    return SemanticModel(
        name=name,
        model=f"fct_{name}",
        description="",
        primary_entity=name,
        entities={key: Entity(key, "foreign", expr) for key, expr in entities.items()},
        dimensions={key: Dimension(key, "categorical", key) for key in dimensions},
        measures={key: Measure(key, agg, key, "started_at") for key, agg in measures.items()},
    )


def catalog(**measures: str) -> Catalog:
    sessions = model(
        "sessions",
        {"session": "session_id || ':' || unit_id", "unit": "unit_id"},
        ["country", "started_at"],
        measures,
    )
    exposures = model(
        "exposures",
        {"exposure": "release || ':' || unit_id", "unit": "unit_id"},
        ["release", "variant"],
        {},
    )
    return Catalog({}, {"sessions": sessions, "exposures": exposures})


def test_only_columns_of_definitions_are_copied_and_ids_are_digested() -> None:
    exposures, sessions = plan_copies(catalog(session_id="count_distinct"), BUILT)

    assert sessions.plain == ("country", "started_at")
    assert sessions.digested == ("session_id", "unit_id")
    assert exposures.digested == ("unit_id",)
    assert exposures.plain == ("release", "variant", "exposed_at", "is_crossover", "is_bot")


def test_an_id_that_is_only_counted_keeps_no_digest() -> None:
    _, sessions = plan_copies(catalog(session_id="count"), BUILT)

    assert sessions.counted == ("session_id",)
    assert sessions.digested == ("unit_id",)


def test_the_statement_holds_no_key() -> None:
    _, sessions = plan_copies(catalog(session_id="count"), BUILT)

    sql = copy_sql(sessions, "build")

    assert 'sha256($key || cast("unit_id" as varchar))' in sql
    assert "user_agent" not in sql
