"""Thresholds that a project's sources set for themselves: `gate:` in `sources/<source>.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

from ..documents import Document, read_yaml
from ..errors import ContractError, Fault
from ..project import Project
from .suites import Expectation, Suite


def with_source_thresholds(
    suites: Mapping[str, Suite], project: Project, faults: list[Fault]
) -> dict[str, Suite]:
    """Suites whose expectations know what each source sets in their parameters' place.

    Args:
        faults: Gets what a source sets that no check has; `landed check` tells of other faults.
    """
    found = dict(suites)
    for path in sorted((*project.sources.glob("*.yml"), *project.sources.glob("*.yaml"))):
        try:
            document = read_yaml(path)
        except ContractError:
            continue  # told where sources are read
        given = document.data.get("gate") if isinstance(document.data, dict) else None
        if not isinstance(given, dict):
            continue
        source = str(document.data.get("source", path.stem))
        for check_id, thresholds in given.items():
            if isinstance(thresholds, dict):
                found = _set(found, document, source, str(check_id), thresholds, faults)
    return found


def _set(  # noqa: PLR0917 - one threshold of one source, and where to say what is wrong with it
    suites: dict[str, Suite],
    document: Document,
    source: str,
    check_id: str,
    thresholds: Mapping[str, float],
    faults: list[Fault],
) -> dict[str, Suite]:
    suite = next((one for one in suites.values() if one.of_check(check_id)), None)
    known = {
        name
        for one in (suite.of_check(check_id) if suite else ())
        for name in one.parameters
        if name in one.source_parameters
    }
    if suite is None or not known:
        settable = sorted(
            {each.check_id for one in suites.values() for each in one.expectations
             if each.source_parameters}
        )  # fmt: skip
        faults.append(
            Fault(
                f"the check `{check_id}` takes no threshold of a source",
                f"one of {', '.join(settable)}",
                document.where("gate", check_id),
                _nearest(check_id, settable),
                "source",
            )
        )
        return suites
    for name in sorted(set(thresholds) - known):
        faults.append(
            Fault(
                f"`{check_id}` has no threshold `{name}`",
                f"one of {', '.join(sorted(known))}",
                document.where("gate", check_id, name),
                _nearest(name, sorted(known)),
                "source",
            )
        )
    given = {name: float(value) for name, value in thresholds.items() if name in known}
    changed = tuple(_with(one, source, given) if one.check_id == check_id else one
                    for one in suite.expectations)  # fmt: skip
    return {**suites, suite.name: replace(suite, expectations=changed)}


def _with(expectation: Expectation, source: str, given: Mapping[str, float]) -> Expectation:
    mine = {name: value for name, value in given.items() if name in expectation.parameters}
    by_source = {**expectation.by_source, source: mine} if mine else expectation.by_source
    return replace(expectation, by_source=by_source)


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"did you mean `{near[0]}`?" if near else "see the thresholds in expectations/."
