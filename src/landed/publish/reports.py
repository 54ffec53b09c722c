"""Reports on disk: one folder a release, one file a snapshot and rendering, and the overview."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ..documents import canonical_json
from ..errors import WarehouseError
from ..project import Home
from ..report import Report, read_document, render_html, render_index, render_markdown
from ..report.words import stale_note
from .durable import write_atomic
from .readers import LATEST, latest_pointer

_RELEASE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SNAPSHOT = re.compile(r"[0-9a-f]{16}")


def with_last_good(home: Home, reports: Iterable[Report]) -> list[Report]:
    """The same reports, where each blocked notice names the report that stays up."""
    return [
        report.with_last_good(_last_good(home, report)) if report.is_blocked else report
        for report in reports
    ]


def write_reports(home: Home, reports: Sequence[Report]) -> list[Report]:
    """Write every report as JSON, HTML and Markdown. What stands there already stays as it is.

    Returns:
        The reports as they stand on disk, notices with the report that stays up.
    """
    written = []
    for report in with_last_good(home, reports):
        folder = home.reports / report.release
        target = folder / f"{report.snapshot}.json"
        if target.is_file():
            kept = read_document(target.read_bytes())
            if kept.decision != report.decision:
                raise WarehouseError(
                    f"`{report.release}` was {kept.decision} at snapshot {report.snapshot}"
                    f" and is {report.decision} now",
                    expected="the same decision from the same inputs",
                    where=str(target),
                    fix="report it; until then remove that file and run `landed run --full`.",
                    code="report_changed",
                )
            written.append(kept)
            continue
        html, markdown = render_html(report.document), render_markdown(report.document)
        write_atomic(folder / f"{report.snapshot}.html", html.encode())
        write_atomic(folder / f"{report.snapshot}.md", markdown.encode())
        write_atomic(target, report.to_json())  # last: a report is there when its JSON is
        written.append(report)
    return written


def point_to(home: Home, reports: Sequence[Report], title: str) -> None:
    """Make these the latest reports of their releases, and the overview's only ones.

    Reports of releases that are no longer declared stay readable, but are not listed. The overview
    comes first: by the releases' pointers `points_to` tells whether all of it was done.
    """
    page = render_index([report.document for report in reports], title)
    write_atomic(home.reports / "index.html", page.encode())
    for report in reports:
        _mark_last_good(home, report)
        itself = {
            "snapshot": report.snapshot,
            "as_of": str(report.document["as_of"]),
            "decision": report.decision,
        }
        good = report.document.get("last_good") if report.is_blocked else itself
        pointer = {"release": report.release, **itself, "last_good": good}
        write_atomic(home.reports / report.release / LATEST, canonical_json(pointer) + b"\n")


def points_to(home: Home, releases: Iterable[str], snapshot: str) -> bool:
    """Whether the latest report of every release is that of a snapshot.

    It is not where a run was killed after it published the snapshot, before it said so here.
    """
    pointers = (latest_pointer(home, release) or {} for release in releases)
    return all(pointer.get("snapshot") == snapshot for pointer in pointers)


def latest_reports(home: Home) -> list[Report]:
    """The latest report or notice of every release, by name."""
    if not home.reports.is_dir():
        return []
    names = sorted(path.parent.name for path in home.reports.glob(f"*/{LATEST}"))
    return [read_report(home, name) for name in names]


def read_report(home: Home, release: str, snapshot: str | None = None) -> Report:
    """The report or notice of a release: the latest, or that of one snapshot.

    Raises:
        WarehouseError: There is none, or it is damaged; names those that exist.
    """
    if not _RELEASE.fullmatch(release):
        raise WarehouseError(f"{release[:40]!r} is no release name", expected="a slug")
    if snapshot is None:
        pointer = latest_pointer(home, release)
        if pointer is None:
            known = ", ".join(path.parent.name for path in sorted(home.reports.glob(f"*/{LATEST}")))
            raise WarehouseError(
                f"there is no report of `{release}`",
                expected=f"one of {known}" if known else "",
                where=str(home.reports),
                fix="check the name, or run `landed run`.",
                code="report_missing",
            )
        snapshot = str(pointer["snapshot"])
    if not _SNAPSHOT.fullmatch(snapshot):
        raise WarehouseError(
            f"{snapshot[:40]!r} is no snapshot id", expected="16 hexadecimal digits"
        )
    path = home.reports / release / f"{snapshot}.json"
    try:
        return read_document(path.read_bytes())
    except OSError as error:
        known = ", ".join(
            sorted(found.stem for found in path.parent.glob(f"{'[0-9a-f]' * 16}.json"))
        )
        raise WarehouseError(
            f"there is no report of `{release}` at snapshot {snapshot}",
            expected=f"one of {known}" if known else "",
            where=str(path),
            fix="choose another snapshot, or leave it out for the latest.",
            code="report_missing",
        ) from error


def referenced_snapshots(home: Home) -> set[str]:
    """Ids of the snapshots that the latest and the last good reports stand in."""
    found: set[str] = set()
    for path in home.reports.glob(f"*/{LATEST}"):
        pointer = latest_pointer(home, path.parent.name) or {}
        found.add(str(pointer.get("snapshot")))
        found.add(str((pointer.get("last_good") or {}).get("snapshot")))
    return found


def _mark_last_good(home: Home, latest: Report) -> None:
    """Mark the pages of the report that a notice leaves up; unmark them when it passes again.

    The JSON stays as it is: it says what was true of its snapshot.
    """
    pointer = latest.document if latest.is_blocked else latest_pointer(home, latest.release) or {}
    good = pointer.get("last_good")
    if not good:
        return
    stale = stale_note(str(latest.document["as_of"])) if latest.is_blocked else None
    target = home.reports / latest.release / f"{good['snapshot']}.json"
    try:
        document = read_document(target.read_bytes()).document
    except FileNotFoundError:  # pruned with its snapshot: there is no page to mark
        return
    for path, page in (
        (target.with_suffix(".html"), render_html(document, stale)),
        (target.with_suffix(".md"), render_markdown(document, stale)),
    ):
        if not path.is_file() or path.read_text("utf-8") != page:
            write_atomic(path, page.encode())


def _last_good(home: Home, notice: Report) -> Mapping[str, str] | None:
    pointer = latest_pointer(home, notice.release)
    good = pointer.get("last_good") if pointer else None
    return good if good and good["snapshot"] != notice.snapshot else None
