"""What the next ingest would find: files that no ingest has seen, sources that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import SourceError
from ..project import Home, Project
from .formats.records import digest_of
from .ledger import Ledger
from .ledger_rows import Declared
from .relations import check_places, stale_relations
from .remote import Remembered
from .sources import FoundFile, Source, load_sources, matched_files
from .stores import RemoteFile


def unseen(project: Project, home: Home) -> list[FoundFile]:
    """Files of all sources that no ingest has seen as they are now, by source and name.

    No file is opened that was seen, and none is digested: whoever asks every few seconds must get
    an answer at once, however much is waiting. So a copy of a claimed file counts until an ingest
    has looked into it. A relation that changed since it was read counts too.

    Raises:
        ContractError: A source file is wrong; all faults at once.
        SourceError: A source has no file, or one cannot be read; all of them at once.
    """
    sources, relations = _declared(project)
    files = files_and_places(sources, relations, home, Ledger(home))
    found = [file for _, file in _unseen(sources, files, home)]
    return found + [FoundFile(*one) for one in stale_relations(relations, home)]


def pending(project: Project, home: Home, *, keep: bool = False) -> list[FoundFile]:
    """Files of all sources whose bytes the ledger has not claimed, by source and name.

    As `unseen`, but files of this machine that no ingest has seen are digested.

    Args:
        project: Declares the sources.
        home: Its ledger.
        keep: Remember what was digested. Only under the home's lock.

    Raises:
        ContractError: A source file is wrong; all faults at once.
        SourceError: A source has no file, or one cannot be read; all of them at once.
    """
    sources, relations = _declared(project)
    ledger = Ledger(home)
    files = files_and_places(sources, relations, home, ledger)
    known = {source.source: ledger.claimed(source.source) for source in sources}
    waiting: list[FoundFile] = []
    copies: list[tuple[RemoteFile, str]] = []
    for source, file in _unseen(sources, files, home):
        if file.is_remote:
            waiting.append(file)
            continue
        sha256 = digest_of(file.path)
        if sha256 in known[source.source]:
            copies.append((as_remote(file), sha256))
        else:
            known[source.source].add(sha256)
            waiting.append(file)
    if keep:
        remember(home, copies)
    return waiting + [FoundFile(*one) for one in stale_relations(relations, home)]


def undeclared(project: Project, home: Home) -> list[str]:
    """Sources that the ledger does not know as their files declare them now, by name.

    Raises:
        ContractError: A source file is wrong; all faults at once.
    """
    sources, _ = _declared(project)
    known = {one.source: one for one in Ledger(home).declared()}
    return [one.source for one in sources if known.get(one.source) != declared_of(one)]


def unmatched(project: Project, home: Home) -> list[tuple[str, str]]:
    """Sources in the landing folder for which no file has arrived: name and pattern."""
    sources, _ = _declared(project)
    files = matched_files(sources, home)
    return [(one.source, one.pattern(home)) for one in sources if not files[one.source]]


def chosen_sources(sources: dict[str, Source], only: Sequence[str]) -> list[Source]:
    """The named sources, by name; all of them where none is named.

    Raises:
        SourceError: No source is called so.
    """
    unknown = sorted(set(only) - set(sources))
    if unknown:
        raise SourceError(
            f"no source is called {', '.join(unknown)}",
            expected=", ".join(sorted(sources)) or "a file in sources/",
            fix="check the name, or add the source.",
            code="source_unknown",
        )
    return [sources[name] for name in sorted(sources) if not only or name in only]


def declared_of(source: Source) -> Declared:
    """What the ledger keeps of a source file."""
    return Declared(source.source, source.kind, source.complete_through, source.mapping)


def as_remote(file: FoundFile) -> RemoteFile:
    """How the memory of files knows one."""
    return RemoteFile(file.name, file.size, file.version, address=file.address)


def remember(home: Home, copies: Sequence[tuple[RemoteFile, str]]) -> None:
    """Note files whose bytes are claimed under another name or time: touched ones, and copies.

    Else they would be digested whenever somebody asks. Only under the home's lock.
    """
    if copies:
        with Remembered(home, writable=True) as memory:
            for file, sha256 in copies:
                memory.keep(file, sha256)


def files_and_places(
    sources: Sequence[Source], relations: Sequence[Source], home: Home, ledger: Ledger
) -> dict[str, list[FoundFile]]:
    """Files of the sources; what is wrong with them or with a relation's place, all at once.

    Raises:
        SourceError: A file, a folder or a relation's place cannot be read.
    """
    faults = check_places(relations, home)
    files: dict[str, list[FoundFile]] = {}
    try:
        files = matched_files(sources, home, ledger)
    except SourceError as error:
        faults += error.faults
    if faults:
        raise SourceError(faults)
    return files


def _declared(project: Project) -> tuple[list[Source], list[Source]]:
    """Sources that are ingested, and relations, by name."""
    sources = chosen_sources(load_sources(project), ())
    return (
        [one for one in sources if not one.is_relation],
        [one for one in sources if one.is_relation],
    )


def _unseen(
    sources: Sequence[Source], files: dict[str, list[FoundFile]], home: Home
) -> Iterator[tuple[Source, FoundFile]]:
    """Files that neither the ledger nor the memory knows as they are now."""
    ledger = Ledger(home)
    with Remembered(home) as memory:
        for source in sources:
            seen = ledger.claimed_files(source.source)
            new = [file for file in files[source.source] if file.is_remote or file.key not in seen]
            known = ledger.claimed(source.source) if new else set()
            for file in new:
                if memory.digest(as_remote(file)) not in known:
                    yield source, file
