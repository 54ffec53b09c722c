"""Source files: where rows come from and how they become rows of the envelope."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..documents import Document, collect, digest, packaged_schema, read_yaml, validate
from ..errors import ContractError, Fault, SourceError
from ..project import Home, Project
from ..project.zones import is_zone
from .addresses import shown
from .envelope import ENVELOPES, Envelope
from .formats import default_event_id, selects
from .ledger import Ledger
from .matching import matching, written
from .relation_rules import DATABASES, check_keys, check_relation
from .remote import is_url, remote_files, url_faults
from .selection import Selection, read_selection


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file that a source matches now.

    Args:
        name: Absolute path, or URL; what of it is no UTF-8 as `\\xNN`.
        size: Its length. Bytes; -1 where a web server does not say.
        version: When it was last changed in any way (`st_ctime_ns`: a rewrite can't set it back),
            or what a store says of its content.
        address: Where it is, whatever its name; empty where that is the same. Never written.
    """

    name: str
    size: int
    version: str
    address: str = field(default="", repr=False, compare=False)

    @property
    def is_remote(self) -> bool:
        """Whether it has to be fetched first."""
        return is_url(self.name)

    @property
    def path(self) -> Path:
        """Where a file of this machine is."""
        return Path(self.address or self.name)

    @property
    def key(self) -> tuple[str, int, int]:
        """Path, bytes and time of change (ns) of a file of this machine, as the ledger has them."""
        return self.name, self.size, int(self.version)


@dataclass(frozen=True, slots=True)
class Source:
    """One declared source.

    Args:
        source: Its name, also the file's.
        kind: What one row is; `relation` for a table that exists already.
        format: How its files are written; a module of `landed.ingest.formats`, or for a relation
            what holds it.
        path: Path, glob or URL as declared.
        selection: The checked select; None takes the envelope's columns by name.
        event_id: Column that identifies a row, `content` (digest of the record), or None for
            the envelope's own column.
        complete_through: All rows before this instant are in the files. UTC; None for a source
            that still grows.
        timezone: IANA name of times that carry no zone.
        delimiter: Character between CSV fields.
        uses_tracking_plan: Whether `tracking/` is held against its events.
        personal: Columns, and JSON pointers into properties, that a keyed digest stands for.
        lake_days: UTC days that accepted rows are kept; None for ever.
        quarantine_days: Days that refused records are kept from their ingest; None for ever.
        grain: Columns of which a relation has one row each.
        columns: SQL type by column that a relation must have.
        table: Table of a relation in a database, with its schema in front.
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
    personal: tuple[str, ...] = ()
    lake_days: int | None = None
    quarantine_days: int | None = None
    grain: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    table: str | None = None
    project_root: Path = field(default=Path(), compare=False)
    defined_in: Path = field(default=Path(), compare=False)

    @property
    def envelope(self) -> Envelope:
        """Columns and rules of its kind."""
        return ENVELOPES[self.kind]

    @property
    def is_relation(self) -> bool:
        """Whether it names a table, which is not ingested."""
        return self.kind == "relation"

    @property
    def is_remote(self) -> bool:
        """Whether its files are at a URL."""
        return is_url(self.path)

    @property
    def is_in_landing(self) -> bool:
        """Whether its files are dropped into the landing folder, where none is a fair answer."""
        if self.is_remote or self.path.startswith("env:"):
            return False
        return not self.path.startswith(("./", "../")) and not Path(self.path).is_absolute()

    @property
    def mapping(self) -> str:
        """Digest of how a record becomes a row; rows of two mappings don't belong together."""
        chosen = self.selection.sql if self.selection else None
        parts = [self.format, chosen, self.event_id, self.timezone, self.delimiter]
        # a list that was not there before would void every mapping of a ledger written until now
        return digest([*parts, list(self.personal)] if self.personal else parts)

    def pattern(self, home: Home) -> str:
        """The URL, absolute path or glob it stands for."""
        if self.is_remote:
            return self.path
        return str((self._base(home) / self.path).absolute())

    def _base(self, home: Home) -> Path:
        return home.landing if self.is_in_landing else self.project_root

    def files(
        self, home: Home, known: Collection[tuple[str, int, int]] = frozenset()
    ) -> list[FoundFile]:
        """Files that match now, in the order of their names.

        Args:
            home: Where the landing folder is.
            known: Keys of files that were read as they are: they are not opened to see whether
                they can be.

        Raises:
            SourceError: A file cannot be read, or a store cannot be asked; all at once.
        """
        where = str(self.defined_in)
        if self.is_remote:
            try:
                found = remote_files(self.path)
            except SourceError as error:
                raise SourceError(replace(fault, where=where) for fault in error.faults) from None
            return [FoundFile(one.url, one.size, one.version, one.address) for one in found]
        faults: list[Fault] = []
        files: list[FoundFile] = []
        try:
            # a home or a project may lie in a folder whose name would be a pattern
            base = Path(glob.escape(str(self._base(home).absolute())))
            matched = sorted(dict(matching(str(base / self.path))).items())
        except OSError as error:
            what = f"the source `{self.source}` cannot list {error.filename}: {error.strerror}"
            fix = "check the folder's permissions, and the disk."
            raise SourceError(Fault(what, "", where, fix, "source_unreadable")) from error
        for path, state in matched:
            name = written(path)
            file = FoundFile(name, state.st_size, str(state.st_ctime_ns), path)
            if file.key in known:
                files.append(file)
                continue
            try:
                with file.path.open("rb") as opened:
                    now = os.fstat(opened.fileno())
            except FileNotFoundError:
                continue  # gone since it was listed
            except OSError as error:
                what = f"the source `{self.source}` cannot read {name}: {error.strerror}"
                faults.append(Fault(what, "", where, "check its permissions.", "source_unreadable"))
                continue
            files.append(FoundFile(name, now.st_size, str(now.st_ctime_ns), path))
        if faults:
            raise SourceError(faults)
        return files


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


def matched_files(
    sources: Iterable[Source], home: Home, ledger: Ledger | None = None
) -> dict[str, list[FoundFile]]:
    """Files of each source that is ingested, by its name.

    Args:
        sources: The sources; relations are passed over.
        home: Where the landing folder is.
        ledger: Says which files were read before; None for none.

    Raises:
        SourceError: A path outside the landing folder matches nothing, a file cannot be read, or a
            store cannot be asked; all of them at once.
    """
    faults: list[Fault] = []
    found: dict[str, list[FoundFile]] = {}
    for source in sources:
        if source.is_relation:
            continue
        try:
            known = ledger.claimed_files(source.source) if ledger else set()
            found[source.source] = source.files(home, known)
        except SourceError as error:
            faults += error.faults
            continue
        if not found[source.source] and not source.is_in_landing:
            pattern = source.pattern(home)
            faults.append(
                Fault(
                    f"the source `{source.source}` has no file:"
                    f" {shown(pattern) if source.is_remote else pattern}",
                    "at least one file",
                    str(source.defined_in),
                    "correct `path`, or put the file there.",
                    "source_missing",
                )
            )
    if faults:
        raise SourceError(faults)
    return found


def _read_source(path: Path, root: Path) -> Source:
    document = read_yaml(path)
    faults = validate(_without_secrets(document), packaged_schema("landed.ingest", "source"))
    if faults:
        raise ContractError(faults)
    data: Mapping[str, Any] = document.data
    faults = _rules(document, data)
    selection = None
    event_id = data.get("event_id")
    if data["kind"] in ENVELOPES and data["format"] not in DATABASES:
        event_id = event_id or default_event_id(data["format"])
        own = selects(data["format"])
        text = data.get("select") or (own or {}).get(data["kind"])
        if text is not None:
            selection, more = read_selection(
                text, ENVELOPES[data["kind"]], event_id, document.where("select")
            )
            faults += more
        elif own is not None:
            given = ", ".join(own) or "columns of its own"
            what = f"{data['format']} gives {given}, not {data['kind']}"
            expected = " or ".join(f"kind: {one}" for one in own) or "a `select`"
            fix = "correct the kind, or write a `select`."
            faults.append(Fault(what, expected, document.where("kind"), fix, "source"))
    if faults:
        raise ContractError(faults)
    complete = data.get("complete_through")
    return Source(
        source=data["source"],
        kind=data["kind"],
        format=data["format"],
        path=data["path"],
        selection=selection,
        event_id=event_id,
        complete_through=datetime.fromisoformat(complete).astimezone(UTC) if complete else None,
        timezone=data.get("timezone", "UTC"),
        delimiter=data.get("delimiter", ","),
        uses_tracking_plan=data.get("tracking", True),
        personal=tuple(data.get("personal", ())),
        lake_days=data.get("retention", {}).get("lake_days"),
        quarantine_days=data.get("retention", {}).get("quarantine_days"),
        grain=tuple(data.get("grain", ())),
        columns=dict(data.get("columns", {})),
        table=data.get("table"),
        project_root=root,
        defined_in=path,
    )


def _without_secrets(document: Document) -> Document:
    """What the schema may show of a document: an address may hold a password."""
    path = document.data.get("path") if isinstance(document.data, dict) else None
    if not isinstance(path, str) or not is_url(path):
        return document
    return replace(document, data={**document.data, "path": shown(path)})


def _rules(document: Document, data: Mapping[str, Any]) -> list[Fault]:
    faults: list[Fault] = []

    def fault(what: str, expected: str, fix: str, key: str) -> None:
        where = document.where(*key.split("."))
        faults.append(Fault(what, expected, where, fix, "source"))

    if data["source"] != document.path.stem:
        expected = f"`{document.path.stem}`, the file's name"
        fault(f"source is `{data['source']}`", expected, "rename one of them.", "source")
    check_keys(data, fault)
    if data["kind"] == "relation":
        check_relation(data, fault)
    elif data["format"] in DATABASES:
        fault(
            f"a {data['kind']} source has the format {data['format']}",
            "kind: relation, or a format of files",
            "take the table as a relation, and read it in a model.",
            "format",
        )
    elif is_url(data["path"]):
        for what, expected, fix in url_faults(data["path"]):
            fault(what, expected, fix, "path")
    if "\0" in data["path"]:
        fault("path holds a NUL", "a path", "remove it.", "path")
    if data["kind"] in ENVELOPES:
        columns = ENVELOPES[data["kind"]].columns
        texts = [name for name, kind in columns.items() if kind == "varchar"]
        for name in data.get("personal", ()):
            if not name.startswith("/") and name not in texts:
                expected = f"{', '.join(texts)}, or a place in properties such as /email"
                fix = f"write /{name} for a property of that name."
                fault(f"personal names {name}, no text column", expected, fix, "personal")
            elif any(part.isdecimal() for part in name.split("/")[1:]):
                expected = "names of members only: a digest stands for a member of an object"
                fix = "name the member that holds the list; one digest stands for the whole of it."
                fault(f"personal names {name}, a place in a list", expected, fix, "personal")
    zone = data.get("timezone", "UTC")
    if not is_zone(zone):
        fault(f"timezone is {zone!r}", "an IANA name", "e.g. Europe/Berlin.", "timezone")
    complete = data.get("complete_through")
    if complete is not None:
        try:
            datetime.fromisoformat(complete).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            fault(
                f"complete_through is {complete}: {error}",
                "an instant with its zone",
                "e.g. 2026-11-03T09:00:00Z.",
                "complete_through",
            )
    if "delimiter" in data and data["format"] != "csv":
        fault(f"a {data['format']} source has a delimiter", "csv", "remove it.", "delimiter")
    return faults
