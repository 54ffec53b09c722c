"""The documents say what is: commands, options, links and keys are held against the code."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from landed.catalog.diff_rules import RULES
from landed.documents import packaged_schema
from landed.serve.cli import app

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ROOT / "docs" / "reference" / "commands.md"
FILES = ROOT / "docs" / "reference" / "files.md"
REPORT = ROOT / "docs" / "reference" / "report.md"
# state and tools of a checkout lie below dot folders; they hold documents of others
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        full = f"{prefix}{name}"
        if hasattr(command, "commands"):
            yield from _commands(command, f"{full} ")
        else:
            yield full, command


CLI = dict(_commands(typer.main.get_command(app)))
GROUPS = {name.split()[0] for name in CLI if " " in name}


def _options(command: Any) -> set[str]:
    named = {option for parameter in command.params for option in parameter.opts}
    return {option for option in named if option.startswith("--")} | {"--help"}


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", sorted(CLI))
def test_each_command_stands_in_the_reference_with_its_options_and_no_other(name):
    section = _sections(COMMANDS.read_text("utf-8")).get(f"landed {name}")

    assert section is not None, f"docs/reference/commands.md has no section `landed {name}`"
    tabled = set(re.findall(r"^\| `(--[a-z-]+)", section, flags=re.MULTILINE))
    assert tabled == _options(CLI[name]) - {"--help"}


def test_the_reference_has_no_command_that_does_not_exist():
    sections = _sections(COMMANDS.read_text("utf-8"))

    assert {title.removeprefix("landed ") for title in sections if title.startswith("landed ")} == (
        set(CLI)
    )


def _anchors(path: Path) -> set[str]:
    """Anchors of a document's headings, as forges make them."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=_id)
def test_each_relative_link_resolves(path):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            broken.append(target)

    assert not broken


def _keys(node: Any) -> set[str]:
    """Every key that a schema lets an author write."""
    found: set[str] = set()
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict):
            found |= set(properties)
        for value in node.values():
            found |= _keys(value)
    elif isinstance(node, list):
        for value in node:
            found |= _keys(value)
    return found


@pytest.mark.parametrize(
    ("package", "schema", "document", "section"),
    [
        ("landed.ingest", "source", FILES, "Sources"),
        ("landed.catalog", "metric", FILES, "Metrics"),
        ("landed.catalog", "semantic_model", FILES, "Models and macros"),
        ("landed.catalog", "release", FILES, "Releases"),
        ("landed.gate", "suite", FILES, "Expectations"),
        ("landed.report", "report", REPORT, None),
    ],
)
def test_each_key_of_a_schema_stands_in_the_reference(package, schema, document, section):
    text = document.read_text("utf-8")
    part = _sections(text)[section] if section else text
    prose = re.sub(r"^```.*?^```", "", part, flags=re.MULTILINE | re.DOTALL)
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", prose))))

    # dbt's own flag, which nothing here reads
    assert not _keys(packaged_schema(package, schema)) - words - {"is_partition"}


def _code(text: str) -> Iterator[str]:
    """Lines of shell blocks, and of blocks by indentation; a continued line is one."""
    language = None
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            language = line[3:].strip() if language is None else None
        elif language in ("", "sh", "bash", "console") or line.startswith("    landed "):
            yield line


def _shown(path: Path) -> Iterator[str]:
    """Every `landed …` command in a document's code, without comments."""
    text = path.read_text("utf-8")
    inline = re.findall(r"(?<!`)`(landed [^`\n]+)`(?!`)", text)
    for line in (*_code(text), *inline):
        for part in re.split(r"&&|\|\||;|\s#", line):
            if part.strip().startswith("landed "):
                yield part.strip()


@pytest.mark.parametrize("path", DOCUMENTS, ids=_id)
def test_each_command_shown_exists_with_its_options(path):
    wrong = []
    for line in _shown(path):
        words = shlex.split(line)[1:]
        if words[0].startswith("--") or words[0].isupper():
            continue  # `landed --help`, `landed COMMAND …`
        name = " ".join(words[:2]) if words[0] in GROUPS else words[0]
        used = {word.split("=")[0] for word in words if word.startswith("--")}
        if name not in CLI or used - _options(CLI[name]):
            wrong.append(line)

    assert not wrong


def test_the_walk_through_is_found_by_the_test_of_commands():
    shown = set(_shown(ROOT / "docs" / "how-to" / "first-release.md"))

    assert {"landed init my-product", "landed check", "landed ingest"} <= shown


def test_the_table_of_rules_is_the_one_that_diff_goes_by():
    text = (ROOT / "docs" / "reference" / "diff.md").read_text("utf-8")

    tabled = re.findall(r"^\| `([a-z_]+)` \| (\w+) \| (.+) \|$", text, flags=re.MULTILINE)

    assert tabled == [(name, rule.severity, rule.why) for name, rule in RULES.items()]
