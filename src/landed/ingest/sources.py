"""Source files: where rows come from and how they become rows of the envelope."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..documents import Document, collect, digest, packaged_schema, read_yaml, validate
from ..errors import ContractError, Fault, SourceError
from ..project import Home, Project
from .envelope import ENVELOPES, Envelope
from .formats import load_format
from .selection import Selection, read_selection


@dataclass(frozen=True, slots=True)
class Source:
    """One declared source.

    Args:
        source: Its name, also the file's.
        kind: events, feedback or exposures.
        format: How its files are written; a module of `landed.ingest.formats`.
        path: Path or glob as declared.
        selection: The checked select; None takes the envelope's columns by name.
        event_id: Column that identifies a row, `content` (digest of the record), or None for
            the envelope's own column.
        complete_through: All rows before this instant are in the files. UTC; None for a source
            that still grows.
        timezone: IANA name of times that carry no zone.
        delimiter: Character between CSV fields.
        uses_tracking_plan: Whether `tracking/` is held against its events.
        project_root: Folder that `./` and `../` start from.
        defined_in: The source file.
    """

    source: str
    kind: str
    format: str
    path: str
    selection: Selection | None = None
    event_id: str | None = None
    complete_through: datetime | None = None
    timezone: str = "UTC"
    delimiter: str = ","
    uses_tracking_plan: bool = True
    project_root: Path = field(default=Path(), compare=False)
    defined_in: Path = field(default=Path(), compare=False)

    @property
    def envelope(self) -> Envelope:
        """Columns and rules of its kind."""
        return ENVELOPES[self.kind]

    @property
    def is_in_landing(self) -> bool:
        """Whether its files are dropped into the landing folder, where none is a fair answer."""
        return not self.path.startswith(("./", "../")) and not Path(self.path).is_absolute()

    @property
    def mapping(self) -> str:
        """Digest of how a record becomes a row; rows of two mappings don't belong together."""
        chosen = self.selection.sql if self.selection else None
        return digest([self.format, chosen, self.event_id, self.timezone, self.delimiter])

    def pattern(self, home: Home) -> str:
        """The absolute path or glob it stands for."""
        base = home.landing if self.is_in_landing else self.project_root
        return str((base / self.path).absolute())

    def files(self, home: Home) -> list[Path]:
        """Files that match now, in the order of their names."""
        # Path.glob takes no absolute pattern, and a path without wildcards is a pattern too
        found = map(Path, glob.glob(self.pattern(home), recursive=True))  # noqa: PTH207
        return sorted({path.resolve() for path in found if path.is_file()})


def load_sources(project: Project) -> dict[str, Source]:
    """Read every `sources/*.yml` of a project, by name.

    Raises:
        ContractError: A file breaks the schema or a rule; all faults of all files at once.
    """
    faults: list[Fault] = []
    found: dict[str, Source] = {}
    folder = project.sources
    for path in sorted((*folder.glob("*.yml"), *folder.glob("*.yaml"))):
        try:
            source = _read_source(path, project.root)
        except ContractError as error:
            collect(faults, error)
            continue
        if source.source in found:
            once = f"once ({found[source.source].defined_in})"
            twice = f"the source `{source.source}` is declared twice"
            faults.append(Fault(twice, once, str(path), "rename one of them."))
        found[source.source] = source
    if faults:
        raise ContractError(faults)
    return found


def matched_files(sources: Iterable[Source], home: Home) -> dict[str, list[Path]]:
    """Files of each source, by its name.

    Raises:
        SourceError: A path outside the landing folder matches nothing, or a file cannot be read;
            all of them at once.
    """
    faults: list[Fault] = []
    found: dict[str, list[Path]] = {}
    for source in sources:
        files = source.files(home)
        found[source.source] = files
        if not files and not source.is_in_landing:
            faults.append(
                Fault(
                    f"the source `{source.source}` has no file: {source.pattern(home)}",
                    "at least one file",
                    str(source.defined_in),
                    "correct `path`, or put the file there.",
                    "source_missing",
                )
            )
        for path in files:
            try:
                path.open("rb").close()
            except OSError as error:
                what = f"the source `{source.source}` cannot read {path}: {error.strerror}"
                fix = "check its permissions."
                faults.append(Fault(what, "", str(source.defined_in), fix, "source_unreadable"))
    if faults:
        raise SourceError(faults)
    return found


def _read_source(path: Path, root: Path) -> Source:
    document = read_yaml(path)
    faults = validate(document, packaged_schema("landed.ingest", "source"))
    if faults:
        raise ContractError(faults)
    data: Mapping[str, Any] = document.data
    faults = _rules(document, data)
    selection = None
    if data["kind"] in ENVELOPES:
        text = data.get("select") or getattr(load_format(data["format"]), "SELECT", None)
        if text is not None:
            selection, more = read_selection(
                text, ENVELOPES[data["kind"]], data.get("event_id"), document.where("select")
            )
            faults += more
    if faults:
        raise ContractError(faults)
    complete = data.get("complete_through")
    return Source(
        source=data["source"],
        kind=data["kind"],
        format=data["format"],
        path=data["path"],
        selection=selection,
        event_id=data.get("event_id"),
        complete_through=datetime.fromisoformat(complete).astimezone(UTC) if complete else None,
        timezone=data.get("timezone", "UTC"),
        delimiter=data.get("delimiter", ","),
        uses_tracking_plan=data.get("tracking", True),
        project_root=root,
        defined_in=path,
    )


def _rules(document: Document, data: Mapping[str, Any]) -> list[Fault]:
    faults: list[Fault] = []

    def fault(what: str, expected: str, fix: str, key: str) -> None:
        faults.append(Fault(what, expected, document.where(key), fix, "source"))

    if data["source"] != document.path.stem:
        expected = f"`{document.path.stem}`, the file's name"
        fault(f"source is `{data['source']}`", expected, "rename one of them.", "source")
    if data["kind"] not in ENVELOPES:
        fault(
            f"kind `{data['kind']}` is not supported yet",
            ", ".join(ENVELOPES),
            "take another kind, or take the file away until a later version.",
            "kind",
        )
    if data["kind"] != "events" and data["format"] == "segment":
        fault(f"segment gives events, not {data['kind']}", "kind: events", "correct it.", "kind")
    if "://" in data["path"]:
        fault(
            f"path is {data['path']}, a URL", "a path", "fetch it into the landing folder.", "path"
        )
    if "\0" in data["path"]:
        fault("path holds a NUL", "a path", "remove it.", "path")
    zone = data.get("timezone", "UTC")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fault(f"timezone is {zone!r}", "an IANA name", "e.g. Europe/Berlin.", "timezone")
    complete = data.get("complete_through")
    if complete is not None:
        try:
            datetime.fromisoformat(complete)
        except ValueError as error:
            fault(
                f"complete_through is {complete}: {error}",
                "an instant with its zone",
                "e.g. 2026-11-03T09:00:00Z.",
                "complete_through",
            )
    if "delimiter" in data and data["format"] != "csv":
        fault(f"a {data['format']} source has a delimiter", "csv", "remove it.", "delimiter")
    return faults
