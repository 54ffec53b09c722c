"""Answers of engines that stand in environments of their own, kept for runs without them.

Made anew, where the compiler writes other SQL or the oracle draws other cases, by
`python tests/reference/dialects/make_answers.py clickhouse` (or `spark`), with the variable of
`engines.ENVIRONMENTS` set.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from answers import Score, judge
from cases import Case, digest, draw

HERE = Path(__file__).parent

SEED = 20260401
DEFINITIONS = 40


def kept_cases(root: Path) -> Iterator[Case]:
    """The cases whose answers are kept."""
    return draw(root, SEED, definitions=DEFINITIONS, data_sets=1)


def read(dialect: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / "answers" / f"{dialect}.json").read_text())
    return found


def write(dialect: str) -> Score:
    """Ask an engine for all of them."""
    from engines import elsewhere

    score = Score()
    kept = {}
    with tempfile.TemporaryDirectory() as folder, elsewhere(dialect) as engine:
        for case in kept_cases(Path(folder) / "project"):
            rows = judge(case, engine, score)
            if rows is not None:
                sql = case.sql(engine.dialect, engine.schema)
                kept[case.name] = {"sql": digest(sql), "rows": rows}
        head = {"engine": engine.version, "seed": SEED, "schema": engine.schema}
    lines = [f"{json.dumps(name)}: {json.dumps(one)}" for name, one in kept.items()]
    text = json.dumps(head)[:-1] + ', "cases": {\n' + ",\n".join(lines) + "\n}}\n"
    (HERE / "answers" / f"{dialect}.json").write_text(text)
    return score
