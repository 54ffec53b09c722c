"""Suites of expectations: the core's, with a project's added or in their place by name.

A project may tighten, loosen or explain a core check, but not drop it or make it milder: what may
fail, and until when, stands in the release file as an exemption with an owner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from ..catalog.releases import Release
from ..documents import Document, collect, packaged_schema, read_yaml, validate
from ..errors import ContractError, Fault
from ..project import Project, core_root
from .checks import CHECKS
from .decision import EXEMPTION_EXPIRED, GATE_ERROR, Severity

#: Mildest first.
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
#: What an expectation holds a column to.
LIMITS = ("min_value", "max_value")
#: What the facts of a project's own suite may be bound to.
BOUND_NAMES = frozenset({"release", "shipped_at", "cutoff_at"})


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation of a suite, in Great Expectations' words, with what it is for.

    Args:
        type: Great Expectations' type, e.g. expect_column_values_to_be_between.
        kwargs: What that type takes; `column` is a column of the facts.
        severity: critical refuses, warning becomes a caveat, info is shown.
        check_id: The check it belongs to; several expectations may make one check.
        refuses: What a failure keeps out.
        because: Why it matters.
        fix: The smallest repair.
        parameters: Numbers the check's facts are computed with.
        source_parameters: Those that a source may set for itself.
        by_source: What sources set in their place, by source.
    """

    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    check_id: str
    refuses: str
    because: str
    fix: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    source_parameters: frozenset[str] = frozenset()
    by_source: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suite:
    """One file of expectations.

    Args:
        name: The file's stem.
        expectations: At least one.
        facts: SQL of the facts of a project's own checks; None where the checks are built in.
        path: The file.
    """

    name: str
    expectations: tuple[Expectation, ...]
    facts: str | None = None
    path: Path = field(default=Path(), compare=False)

    def of_check(self, check_id: str) -> tuple[Expectation, ...]:
        """The expectations that make one check."""
        return tuple(each for each in self.expectations if each.check_id == check_id)

    @property
    def check_ids(self) -> tuple[str, ...]:
        """The checks it makes, each once, in the order of the file."""
        return tuple(dict.fromkeys(each.check_id for each in self.expectations))


def load_suites(project: Project | None = None, *, core: Path | None = None) -> dict[str, Suite]:
    """Read the core's suites and a project's.

    Args:
        project: Whose `expectations/` add to the core's; None takes the core alone.
        core: Folder that holds the core's `expectations/`; None is the installed one.

    Raises:
        ContractError: A file breaks its schema, two suites claim one check, or a core check is
            missing, milder than in the core, or asked so that it cannot fail; all faults at once.
    """
    faults: list[Fault] = []
    found = _read_folder((core or core_root()) / "expectations", faults)
    needed = {
        check_id: suite.of_check(check_id)
        for suite in found.values()
        for check_id in suite.check_ids
    }
    if project is not None:
        found |= _read_folder(project.expectations, faults)
    faults.extend(_overlaps(found.values()))
    if not faults:
        faults.extend(_weakened(found, needed))
    if project is not None and not faults:
        from .source_thresholds import with_source_thresholds

        found = with_source_thresholds(found, project, faults)
    if faults:
        raise ContractError(faults)
    return dict(sorted(found.items()))


def lint_exemptions(releases: Iterable[Release], suites: Mapping[str, Suite]) -> list[Fault]:
    """Exemptions from checks that do not exist, or that nobody may be exempted from."""
    known = {check_id for suite in suites.values() for check_id in suite.check_ids}
    return [
        Fault(
            f"`{release.release}` is exempted from `{exemption.check}`",
            f"one of {', '.join(sorted(known))}",
            str(release.path),
            "name a check that can be failed on purpose.",
            "exemption",
        )
        for release in releases
        for exemption in release.exemptions
        if exemption.check not in known
    ]


def _read_folder(folder: Path, faults: list[Fault]) -> dict[str, Suite]:
    found: dict[str, Suite] = {}
    for path in sorted((*folder.glob("*.yml"), *folder.glob("*.yaml"))):
        try:
            document = read_yaml(path)
        except ContractError as error:
            collect(faults, error)
            continue
        broken = validate(document, packaged_schema("landed.gate", "suite")) or _rules(document)
        faults.extend(broken)
        if not broken:
            suite = _build(document)
            found[suite.name] = suite
    return found


def _rules(document: Document) -> list[Fault]:
    """What a schema cannot say: the name is the file's, columns and checks are known."""
    data: dict[str, Any] = document.data
    faults: list[Fault] = []

    def fault(what: str, expected: str, fix: str, *key: str | int) -> None:
        faults.append(Fault(what, expected, document.where(*key), fix, "suite"))

    if data["name"] != document.path.stem:
        fault(
            f"the suite is named `{data['name']}`",
            f"`{document.path.stem}`, the file's name",
            "rename the file or the suite.",
            "name",
        )
    own_facts = data.get("facts")
    if own_facts is not None:
        problem = _problem_of(own_facts)
        if problem:
            fault(problem, "one SELECT", "see the facts of a suite in the reference.", "facts")
    for index, entry in enumerate(data["expectations"]):
        check_id, key = entry["meta"]["check_id"], ("expectations", index)
        if check_id in (GATE_ERROR, EXEMPTION_EXPIRED):
            fault(f"`{check_id}` is the gate's own", "another id", "rename it.", *key)
        elif own_facts is not None and check_id in CHECKS:
            fault(f"`{check_id}` is a built-in check", "an id of its own", "rename it.", *key)
        elif own_facts is None and check_id not in CHECKS:
            fault(
                f"there is no check `{check_id}`",
                f"one of {', '.join(CHECKS)}",
                "name a built-in check, or give the suite `facts:` of its own.",
                *key,
            )
        elif own_facts is None and entry["kwargs"].get("column") not in CHECKS[check_id].columns:
            fault(
                f"`{check_id}` judges the column {entry['kwargs'].get('column')!r}",
                f"one of {', '.join(CHECKS[check_id].columns)}",
                "correct kwargs.column.",
                *key,
                "kwargs",
            )
    return faults


def _problem_of(sql: str) -> str | None:
    """Why the SQL of a suite's facts cannot be used."""
    try:
        statements = sqlglot.parse(sql, read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        return f"the facts do not parse: {str(error).splitlines()[0]}"
    if len(statements) != 1 or not isinstance(statements[0], exp.Select | exp.SetOperation):
        return "the facts are not one SELECT"
    unknown = set(re.findall(r"\$(\w+)", sql)) - BOUND_NAMES
    return (
        f"the facts name {', '.join(sorted(f'${name}' for name in unknown))}" if unknown else None
    )


def _build(document: Document) -> Suite:
    data: dict[str, Any] = document.data
    return Suite(
        name=data["name"],
        expectations=tuple(
            Expectation(
                type=entry["type"],
                kwargs=entry["kwargs"],
                severity=entry["severity"],
                check_id=entry["meta"]["check_id"],
                refuses=entry["meta"]["refuses"].strip(),
                because=entry["meta"]["because"].strip(),
                fix=entry["meta"]["fix"].strip(),
                parameters=entry["meta"].get("parameters", {}),
                source_parameters=frozenset(entry["meta"].get("source_parameters", ())),
            )
            for entry in data["expectations"]
        ),
        facts=data.get("facts"),
        path=document.path,
    )


def _overlaps(suites: Iterable[Suite]) -> list[Fault]:
    owner: dict[str, Suite] = {}
    faults = []
    for suite in suites:
        for check_id in suite.check_ids:
            first = owner.setdefault(check_id, suite)
            if first is not suite:
                faults.append(
                    Fault(
                        f"the check `{check_id}` stands in two suites",
                        f"in one ({first.path})",
                        str(suite.path),
                        "rename it, or give the file the name of the suite it replaces.",
                        "suite",
                    )
                )
    return faults


def _weakened(
    suites: Mapping[str, Suite], needed: Mapping[str, Sequence[Expectation]]
) -> list[Fault]:
    """Core checks that are missing, milder, or asked in a way that cannot fail."""
    made = {check_id: suite for suite in suites.values() for check_id in suite.check_ids}
    faults = []

    def fault(what: str, expected: str, where: str, fix: str) -> None:
        exempt = "a release that may fail it gets an exemption with an expiry."
        faults.append(Fault(what, expected, where, f"{fix}; {exempt}", "suite"))

    for check_id, core in needed.items():
        severity = _highest(core)
        if check_id not in made:
            what = f"no suite makes the check `{check_id}`"
            fault(what, f"an expectation of severity {severity}", "expectations", "put it back")
            continue
        own, where = made[check_id].of_check(check_id), str(made[check_id].path)
        found = _highest(own)
        if SEVERITIES.index(found) < SEVERITIES.index(severity):
            what = f"the check `{check_id}` has severity {found}"
            fault(what, f"{severity}, as in the core", where, "raise it")
            continue
        for each in core:
            if not any(_holds(one, each) for one in own):
                held = ", ".join(f"{n} {each.kwargs[n]}" for n in LIMITS if n in each.kwargs)
                other = "" if _counts_faults(each) else ", or another limit,"
                fault(
                    f"the check `{check_id}` does not hold `{each.kwargs['column']}` to a limit",
                    f"{each.type} of severity {each.severity} with {held}{other} and no condition",
                    where,
                    "say it in the core's words",
                )
    return faults


def _holds(own: Expectation, core: Expectation) -> bool:
    """Whether a project's expectation can fail where the core's can, if at another number.

    What the core blocks at the first one stays so: how a thing counts is told by `parameters`.
    """
    bounded = [own.kwargs.get(name) for name in LIMITS if name in core.kwargs]
    return (
        own.type == core.type
        and own.kwargs["column"] == core.kwargs["column"]
        and SEVERITIES.index(own.severity) >= SEVERITIES.index(core.severity)
        and own.kwargs.keys() <= {"column", *LIMITS, "strict_min", "strict_max"}
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in bounded)
        and (not _counts_faults(core) or all(one == 0 for one in bounded))
    )


def _counts_faults(core: Expectation) -> bool:
    """Whether the core blocks at the first of what it counts: no number of them is in order."""
    return core.severity == "critical" and all(core.kwargs.get(name) == 0 for name in LIMITS)


def _highest(expectations: Iterable[Expectation]) -> Severity:
    return max((each.severity for each in expectations), key=SEVERITIES.index)
