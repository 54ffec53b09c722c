"""Sources at a URL: which files are there, which are new, and their bytes on this machine.

A remote file is known by its address, length and what its store says of its version, so that
asking costs a listing and no transfer. What it held is kept in the home, `work/remote.sqlite`, with
what copies of claimed files on this machine hold. That is a memory and no account: the ledger
decides by digest what is claimed, and where the memory is gone the files are read once more.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from fsspec.utils import glob_translate

from ..errors import Fault, LandedError, SourceError, WarehouseError
from ..project import Home
from .addresses import NAMES_A_USER, WEB, known_as, secret_name, shown
from .stores import RemoteFile, Store, known_schemes, open_store, scheme_of

#: Files that are fetched at once; as many stand fetched on the disk at most, and one in work.
AT_ONCE = 4
_BLOCK_BYTES = 1024 * 1024
#: A store that knows times to the second only could change a file again within the same one.
_SETTLE_SECONDS = 2.0
_WILD = re.compile(r"[*?\[]")


def is_url(path: str) -> bool:
    """Whether a source's path is an address."""
    return "://" in path


def url_faults(path: str) -> list[tuple[str, str, str]]:
    """What is wrong with an address: what, expected, fix. No text holds a secret of it."""
    found: list[tuple[str, str, str]] = []
    scheme, _, rest = path.partition("://")
    place = rest.partition("/")[0]
    user, at, _ = place.rpartition("@")
    secret = "the environment or the client's own files (docs/how-to/sources.md)"  # noqa: S105
    if at and (":" in user or scheme not in NAMES_A_USER):
        what = f"path holds a user or password: {shown(path)}"
        found.append((what, f"credentials from {secret}", "take it out, and change that password."))
    name = secret_name(rest)
    if name:
        what = f"path holds `{name}` in its query: {shown(path)}"
        found.append((what, f"credentials from {secret}", "take it out, and revoke it."))
    if re.search(r"[\x00-\x20\x7f]", path):
        found.append(("path holds a space or control character", "an address", "remove it."))
    elif scheme in WEB and "#" in rest:
        found.append((f"path has a fragment: {shown(path)}", "an address", "remove what is of #."))
    if "::" in rest or "::" in scheme:
        found.append(("path chains addresses with ::", "one address", "name the files' own."))
    elif scheme not in known_schemes():
        known = ", ".join(sorted(known_schemes()))
        found.append((f"path has the scheme {scheme}", f"one of {known}", "correct it."))
    if scheme in WEB and _WILD.search(rest.partition("?")[0]):
        found.append(
            (f"path is a glob on a web server: {shown(path)}", "one file: a server lists none",
             "name one file a source, or fetch them into the landing folder.")
        )  # fmt: skip
    if scheme.startswith("abfs") and not at:
        found.append(
            ("path names no account", f"{scheme}://container@account.dfs.core.windows.net/path",
             "put the container in front of @, the account behind it.")
        )  # fmt: skip
    return found


def remote_files(pattern: str) -> list[RemoteFile]:
    """Files that match an address now, in the order of their addresses; none is no error.

    Raises:
        SourceError: The store cannot be asked, or one named file is not there.
    """
    scheme = scheme_of(pattern)
    if scheme in WEB or not _WILD.search(pattern):
        return [_listed(open_store(pattern).state(pattern))]
    head = _WILD.split(pattern, maxsplit=1)[0]
    base = head[: max(head.rfind("/"), len(scheme) + 3)]
    rest = pattern[len(base) :].removeprefix("/")
    matches = re.compile(glob_translate(rest)).match
    takes_hidden = "/." in f"/{rest}"  # as on this machine: * takes no .name
    found: list[RemoteFile] = []
    for one in open_store(base).listing(base, deep="/" in rest):
        place = one.url[len(base) :].removeprefix("/")
        if matches(place) and (takes_hidden or "/." not in f"/{place}"):
            found.append(_listed(one))
    return sorted(found, key=lambda one: one.url)


def _listed(file: RemoteFile) -> RemoteFile:
    """A file by its name, and where it is."""
    return RemoteFile(known_as(file.url), file.size, file.version, address=file.url)


class Remembered:
    """Digests of files as they were when they were read; a context manager.

    Args:
        home: Where the memory is.
        writable: Whether it is made where it is missing. Only under the home's lock.
    """

    def __init__(self, home: Home, *, writable: bool = False) -> None:
        self._path = home.work / "remote.sqlite"
        self._found: sqlite3.Connection | None = None
        if writable:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        elif not self._path.is_file() or not self._path.stat().st_size:
            return  # a killed run may have made the file and nothing in it
        try:
            self._found = sqlite3.connect(self._path, isolation_level=None, timeout=30.0)
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        if writable:
            self._run("pragma journal_mode = wal")
            self._run("pragma synchronous = normal")  # a lost row costs a transfer, no more
            self._run(
                "create table if not exists files (url text primary key, bytes integer not null,"
                " version text not null, sha256 text not null) strict, without rowid"
            )
        elif self._run("select 1 from sqlite_master where name = 'files'") is None:
            self._found.close()  # killed while it was made
            self._found = None

    def digest(self, file: RemoteFile) -> str | None:
        """SHA-256 of a file that is as it was; None where it is new or changed."""
        row = self._run(
            "select sha256 from files where url = ? and bytes = ? and version = ?",
            (file.url, file.size, file.version),
        )
        return str(row[0]) if row else None

    def keep(self, file: RemoteFile, sha256: str) -> None:
        """Note what a file held."""
        row = (file.url, file.size, file.version, sha256)
        self._run("insert or replace into files values (?, ?, ?, ?)", row)

    def _run(self, sql: str, params: Sequence[object] = ()) -> tuple[object, ...] | None:
        if self._found is None:
            return None
        try:
            row: tuple[object, ...] | None = self._found.execute(sql, tuple(params)).fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return row

    def _unusable(self, error: sqlite3.Error) -> WarehouseError:
        return WarehouseError(
            f"the memory of read files cannot be used: {error}",
            where=str(self._path),
            fix="remove it: the files are read once more, and none is claimed twice.",
            code="remote_memory",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._found is not None:
            self._found.close()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one remote file.

    Args:
        file: As its store described it when it was fetched.
        path: Its bytes on this machine, gone once the next one is asked for; None where it failed.
        sha256: Digest of its bytes, hexadecimal; empty where it failed.
        faults: Why it failed.
    """

    file: RemoteFile
    path: Path | None = None
    sha256: str = ""
    faults: tuple[Fault, ...] = ()


def fetched(files: Sequence[RemoteFile], home: Home) -> Iterator[Fetched]:
    """Fetch files in their order, AT_ONCE at a time, into the lake's temporary folder.

    A killed run leaves its files there for the sweeper.
    """
    folder = home.lake / ".tmp"
    folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    running: deque[Future[Fetched]] = deque()
    waiting = deque(files)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch") as pool:
        try:
            while waiting or running:
                while waiting and len(running) < AT_ONCE:
                    running.append(pool.submit(_fetch, waiting.popleft(), folder, stop))
                one = running.popleft().result()
                try:
                    yield one
                finally:
                    if one.path is not None:
                        one.path.unlink(missing_ok=True)
        finally:
            stop.set()
            for future in running:
                if not future.cancel() and (left := future.result().path) is not None:
                    left.unlink(missing_ok=True)


def _fetch(listed: RemoteFile, folder: Path, stop: threading.Event) -> Fetched:
    path = folder / f"{uuid.uuid4().hex}.fetch"
    try:
        url = listed.address or listed.url
        store = open_store(url)
        before = store.state(url)
        if before.changed_at is not None:
            young = _SETTLE_SECONDS - (time.time() - before.changed_at)
            if 0 < young <= _SETTLE_SECONDS:
                stop.wait(young)
                before = store.state(url)
        sha256, size = _copy(store, url, path, stop)
        after = store.state(url)
        if after != before or size != (before.size if before.size >= 0 else size):
            raise SourceError(
                f"{listed.url} changed while it was fetched",
                expected="a finished file",
                fix="write files under another name and rename them; then run again.",
                code="source_changed",
            )
    except LandedError as error:
        path.unlink(missing_ok=True)
        return Fetched(listed, faults=error.faults)
    return Fetched(_listed(before), path, sha256)


def _copy(store: Store, url: str, path: Path, stop: threading.Event) -> tuple[str, int]:
    """Digest and length of what was written."""
    digest, size = hashlib.sha256(), 0
    with store.open(url) as stream, path.open("xb", buffering=0) as out:
        while data := stream.read(_BLOCK_BYTES):
            if stop.is_set():
                raise SourceError(f"{shown(url)} was not fetched to its end", code="source_stopped")
            digest.update(data)
            size += len(data)
            rest = memoryview(data)
            try:  # else the store would be blamed for a full disk
                while rest:
                    rest = rest[out.write(rest) :]
            except OSError as error:
                raise WarehouseError(
                    f"cannot write a fetched file: {error.strerror or error}",
                    where=str(path.parent),
                    fix="free space there, or choose another home with --home.",
                    code="home_unwritable",
                ) from None
    return digest.hexdigest(), size
