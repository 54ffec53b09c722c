"""No record ends an ingest: what a parser cannot follow is refused or kept, and the rest goes on.

A record that ends an ingest ends every later one as well, and all sources after its own.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from unit.ingest.malformed.worker import NOW

from landed.ingest import formats, ingest
from landed.ingest.formats import InputFile, load_format, selects
from landed.ingest.formats.records import digest_of
from landed.project import Home, Project
from landed.settings import Settings

FOLDER = Path(formats.__file__).parent
SCHEMA = json.loads((FOLDER.parent / "schemas" / "source.schema.json").read_text(encoding="utf-8"))
FORMATS = [
    name for name in SCHEMA["properties"]["format"]["enum"] if (FOLDER / f"{name}.py").exists()
]


def deep(levels: int, core: str = "1") -> str:
    return '{"a":' + "[" * levels + core + "]" * levels + "}"


@pytest.mark.parametrize("levels", [400, 900, 2_000, 400_000])
def test_two_deeply_nested_records_with_one_id_are_a_conflict(events, event, levels):
    line = event(1, properties={"hole": 0}).replace('{"hole": 0}', "HOLE")
    events.land("events/a.jsonl", line.replace("HOLE", deep(levels)))
    events.land("events/b.jsonl", line.replace("HOLE", deep(levels, "2")) + event(2))
    events.land("events/c.jsonl", line.replace("HOLE", deep(levels).replace(":", " : ", 1)))

    account = events.one()

    assert (account.accepted, account.duplicate, account.conflict) == (2, 1, 1)


@pytest.mark.parametrize("digits", [400, 4_301, 900_000])
def test_two_huge_integers_are_compared_digit_by_digit(events, event, digits):
    line = event(1, properties={"n": 0}).replace('"n": 0', '"n": HOLE')
    events.land("events/a.jsonl", line.replace("HOLE", "9" * digits))
    events.land("events/b.jsonl", line.replace("HOLE", "9" * (digits - 1) + "8"))
    events.land("events/c.jsonl", line.replace('{"n": HOLE}', '{ "n" : %s }' % ("9" * digits)))

    account = events.one()

    assert (account.accepted, account.duplicate, account.conflict) == (1, 1, 1)


def test_a_tracking_plan_refuses_what_nests_deeper_than_its_validator_follows(events, event):
    plan = events.project.root / "tracking"
    plan.mkdir()
    schema = {"properties": {"word": {"pattern": "^[a-z]+$"}}}
    (plan / "page_view.json").write_text(json.dumps(schema))
    line = event(1, properties={"hole": 0}).replace('{"hole": 0}', deep(2_000))
    events.land("events/a.jsonl", line + event(2, properties={"word": "x"}))

    account = events.one()

    assert (account.accepted, account.reasons) == (1, {"tracking_plan": 1})


def test_columns_that_a_reader_adds_may_be_in_the_file(world):
    world.source("app", "kind: events\nformat: snowplow\npath: events/*\n")
    world.land("events/a.csv", "event_id,Self_Described,entities,app_id\n1,{},[],x\n")

    assert world.one().rows_in == 1


# --- values of any type in any place of a vendor's form -----------------------------------------

_VALUES = (
    *(
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e308",
        "9" * 400,
        "9" * 5_000,
        '"x"',
        '""',
        '"{}"',
        '"[1]"',
        "[]",
        "{}",
    ),
    *(
        '"{\\"a\\":1}"',
        "[{}]",
        "[[[]]]",
        '{"a":{"b":{"c":[1,2]}}}',
        '"2026-11-01T10:00:00Z"',
        "1793527200",
    ),
    *(
        "1793527200000",
        '"1793527200000000000"',
        '"\\ud83d\\ude00"',
        '"\\u0000"',
        "[" * 300 + "]" * 300,
    ),
    *(
        '{"a":' * 600 + "1" + "}" * 600,
        "[" * 5_000 + "]" * 5_000,
        '"' + "x" * 5_000 + '"',
        '[{"key":5,"value":5}]',
    ),
    *(
        '{"key":"a","value":{"stringValue":"x"}}',
        '{"":1}',
        '{"a":1,"a":2}',
        "[null]",
        '["x",5]',
        "NaN",
        "1e999",
    ),
    *(
        '"\\ud800"',
        '"\\ude00\\ud83d"',
        "1e5",
        '"é"',
        '" "',
        "-0",
        '{"data":5}',
        '{"schema":5,"data":[]}',
    ),
)
_QUOTED = re.compile(r"[\"'/]([A-Za-z_][A-Za-z0-9_.]{1,40})[\"']")


def names_in(form: str) -> list[str]:
    """Names that a format's module, and those of the package it imports, write in quotes."""
    waiting, seen, found = [form], set(), set()
    general = {"records", "stream", "jsonl", "json", "csv", "parquet", "utf16"}
    while waiting:
        module = waiting.pop()
        path = FOLDER / f"{module}.py"
        if module in seen or not path.exists():
            continue
        seen.add(module)
        text = path.read_text(encoding="utf-8")
        found |= set(_QUOTED.findall(text))
        waiting += [one for one in re.findall(r"from \.(\w+) import", text) if one not in general]
    return sorted(found) or ["event_id", "event_name"]


def record(rng: random.Random, names: list[str], depth: int = 0) -> str:
    """An object of some of the names, with values of any type."""
    pairs = []
    for name in rng.sample(names, min(rng.randint(1, 8), len(names))):
        value = rng.choice(_VALUES)
        if depth < 3 and rng.random() < 0.5:
            value = record(rng, names, depth + 1)
            value = f"[{value}]" if rng.random() < 0.4 else value
        pairs.append(f"{json.dumps(name)}:{value}")
    return "{" + ",".join(pairs) + "}"


def write_files(folder: Path, form: str, seed: int) -> list[Path]:
    """Lines, an array, one object, and a table, of the names of a format."""
    rng = random.Random(f"{form} {seed}")  # noqa: S311 a seeded draw
    names = names_in(form)
    columns = rng.sample(names, min(8, len(names)))
    cells = [[rng.choice(_VALUES)[:300].replace('"', '""') for _ in columns] for _ in range(9)]
    rows = ['"' + '","'.join(row) + '"' for row in cells]
    texts = [
        "\n".join(record(rng, names) for _ in range(40)),
        "[" + ",\n".join(record(rng, names) for _ in range(10)) + "]",
        record(rng, names),
        "\n".join([",".join(columns), *rows]),
    ]
    paths = []
    for number, text in enumerate(texts):
        path = folder / f"{form}{seed}-{number}.txt"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


@pytest.mark.parametrize("form", FORMATS)
def test_a_reader_follows_any_value_in_any_place(form, tmp_path):
    reader = load_format(form)
    counted = 0
    for seed in range(2):
        for path in write_files(tmp_path, form, seed):
            for part in reader.read(InputFile(path, digest_of(path)), delimiter=","):
                assert part.columns is None or part.columns.num_rows == part.table.num_rows
                counted += part.table.num_rows
    assert counted


@pytest.mark.full
@pytest.mark.parametrize("form", [form for form in FORMATS if selects(form) != {}])
def test_an_ingest_follows_any_value_in_any_place(form, tmp_path):
    project = Project(tmp_path / "project", "shop")
    project.sources.mkdir(parents=True)
    (project.root / "landed.toml").write_text('[project]\nname = "shop"\n')
    home = Home(tmp_path / "home")
    own = selects(form)
    kinds = ["events"] if own is None else list(own)
    for kind in kinds:
        text = f"source: {kind}\nkind: {kind}\nformat: {form}\npath: {kind}/*\n"
        # a table of names drawn at random lacks what is needed; that is told, and tried elsewhere
        (project.sources / f"{kind}.yml").write_text(text)
        (home.landing / kind).mkdir(parents=True)
        for seed in range(8):
            for path in write_files(home.landing / kind, form, seed):
                if path.stem.endswith("-3") and form in ("csv", "snowplow", "snowplow_enriched"):
                    path.unlink()

    result = ingest(project, home, Settings(memory_limit_mb=512), now=NOW)

    assert all(account.is_balanced and account.rows_in for account in result.accounts)
