from __future__ import annotations

import pytest
from answers import differ, plain
from cases import Case, digest
from committed import SEED, kept_cases, read
from engines import ENVIRONMENTS

from landed.compiler.dialects import Inexpressible


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Case, list[tuple[object, ...]]]]:
    """Each case with DuckDB's answer, which the oracle proves."""
    root = tmp_path_factory.mktemp("committed") / "project"
    return [(case, plain(case.expected())) for case in kept_cases(root)]


@pytest.mark.parametrize("dialect", ["clickhouse", "spark"])
def test_answers_that_an_engine_gave_to_the_sql_of_today_equal_ours(
    dialect: str, cases: list[tuple[Case, list[tuple[object, ...]]]]
) -> None:
    kept = read(dialect)
    anew = (
        f"make them anew: {ENVIRONMENTS[dialect][0]}=… python "
        f"tests/reference/dialects/make_answers.py {dialect}"
    )

    assert kept["seed"] == SEED, anew
    asked = set()
    for case, expected in cases:
        try:
            sql = case.sql(dialect, kept["schema"])
        except Inexpressible:
            continue
        asked.add(case.name)
        answer = kept["cases"].get(case.name)
        assert answer is not None, f"{case.name} was never asked; {anew}"
        assert answer["sql"] == digest(sql), f"{case.name} has other SQL now; {anew}"
        rows = [tuple(row) for row in answer["rows"]]
        difference = differ(rows, expected, case.keys)
        assert not difference, f"{case}: {difference}"
    assert asked == kept["cases"].keys(), anew
    assert len(asked) > 30
