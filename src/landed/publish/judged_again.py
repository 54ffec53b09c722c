"""The same inputs judged another way: a check that could not be made last time, or cannot now.

What was published stays as it is. The new word stands in a snapshot of its own, which names the
one it comes after, so that a gate that blocks after a verdict withdraws it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import orjson

from ..documents import digest
from ..errors import WarehouseError
from ..project import Home
from ..report import Report, read_document
from .readers import SNAPSHOT_SCHEMA, Snapshot, current, latest_pointer, read_snapshot

#: Name among a snapshot's inputs of what tells it from others of the same inputs.
AGAIN = "judged_again"


def snapshot_id(inputs: Mapping[str, str]) -> str:
    """Id of the snapshot of these inputs: the same inputs always give the same id.

    Args:
        inputs: Digest by name of everything the numbers come from.

    Returns:
        16 hexadecimal digits.
    """
    return digest({"schema": SNAPSHOT_SCHEMA, "inputs": dict(inputs)})[:16]


def is_of(published: Snapshot, wanted: str) -> bool:
    """Whether a snapshot is that of some inputs, however often they were judged."""
    if published.id == wanted:
        return True
    inputs: Mapping[str, str] = published.manifest["inputs"]
    return snapshot_id({name: inputs[name] for name in inputs if name != AGAIN}) == wanted


def settle(
    home: Home, reports: Sequence[Report], inputs: Mapping[str, str]
) -> tuple[Mapping[str, str], list[Report]]:
    """The inputs of the snapshot to publish, and the reports as parts of it.

    They are as given unless a release was judged another way in what was published of the same
    inputs. That one is taken again where nothing changed since.
    """
    name = snapshot_id(inputs)
    try:
        before = current(home)
    except WarehouseError:  # damaged: it is published anew
        before = None
    if before is not None and is_of(before, name):
        again = before.manifest["inputs"]
        if _fit(home, reports, before.id):
            return again, [_in_snapshot(report, before.id) for report in reports]
    elif _fit(home, reports, name):
        return inputs, list(reports)
    after = before.id if before is not None else name
    words = {report.release: [report.decision, *failed(report)] for report in reports}
    changed = {**inputs, AGAIN: digest({"after": after, "judged": words})}
    return changed, [_in_snapshot(report, snapshot_id(changed)) for report in reports]


def says_the_latest(home: Home, releases: Iterable[str]) -> bool:
    """Whether readers are told of each release what its gate said last."""
    for release in releases:
        try:
            kept = orjson.loads((home.work / f"report-{release}.json").read_bytes())
            judged = str(kept["verdict"]["decision"])
        except FileNotFoundError:  # nothing was said since
            continue
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return False
        if (latest_pointer(home, release) or {}).get("decision") != judged:
            return False
    return True


def failed(report: Report) -> list[str]:
    """Why a release is blocked: its failed critical checks."""
    checks = report.document["gate"]["checks"]
    return [one["id"] for one in checks if not one["passed"] and one["severity"] == "critical"]


def _fit(home: Home, reports: Iterable[Report], snapshot: str) -> bool:
    """Whether all that stands of a snapshot says the same of each release.

    Its tables are asked beside its reports: where somebody removed a report they hold its numbers.
    """
    try:
        shown: Mapping[str, str] = read_snapshot(home, snapshot).manifest["releases"]
    except WarehouseError:  # not published yet, or not whole: it is built from these reports
        shown = {}
    for report in reports:
        if shown.get(report.release, report.decision) != report.decision:
            return False
        try:
            raw = (home.reports / report.release / f"{snapshot}.json").read_bytes()
        except FileNotFoundError:
            continue
        if failed(read_document(raw)) != failed(report):
            return False
    return True


def _in_snapshot(report: Report, snapshot: str) -> Report:
    return Report({**report.document, "snapshot": snapshot})
