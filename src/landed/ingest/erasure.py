"""Erasure: one person's rows leave the lake and the quarantine, and do not come back.

A person is a user id, those that alias events merge with it, and the anonymous ids of rows that
name both. Their rows are taken out of every lake file that holds them; refused records that hold
an id lose their text. Keyed digests of the ids stay in the ledger, so that a re-delivery or
`--again` is refused. One transaction makes it real; until then nothing is changed, and afterwards
the replaced files are removed at once.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any

import pyarrow as pa

from ..errors import SourceError
from ..project import Home
from ..project.keys import secret_key
from ..settings import Settings
from ..warehouse import Engine, run_lock
from .envelope import ENVELOPES
from .formats import written_ids
from .holding import holds
from .lake import sweep
from .ledger import Ledger
from .ledger_rows import Change, ListedFile, QuarantineFile
from .person import Person, forms_of, held_rows, merged_ids, relation, tied_ids
from .person import text as as_text
from .person import texts as as_texts
from .personal import alias_tombstone, pseudonym, tombstone
from .quarantine import sound_path
from .sources import Source
from .storing import store

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased, or would be.

    Args:
        user_id: The id that was given.
        merged_ids: Other user ids that alias events merge with it; erased with it. Digests where
            the lake has no other text of them.
        anonymous_ids: Ids of rows that name the user too; erased with it.
        shared_ids: Those of them that rows of other users name, with the number of these users.
        left_ids: Shared ids that were left alone, and their rows without a user id with them.
        lake_rows: Rows by source and kind.
        lake_files: Lake files that held them. Count.
        refused: Refused records that lost their text, by source.
        is_dry_run: Whether nothing was changed.
    """

    user_id: str
    merged_ids: tuple[str, ...]
    anonymous_ids: tuple[str, ...]
    shared_ids: Mapping[str, int]
    left_ids: tuple[str, ...]
    lake_rows: Mapping[tuple[str, str], int] = field(default_factory=dict)
    lake_files: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    is_dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The same facts for `--format json`."""
        return {
            "user_id": self.user_id,
            "merged_ids": list(self.merged_ids),
            "anonymous_ids": list(self.anonymous_ids),
            "shared_ids": dict(self.shared_ids),
            "left_ids": list(self.left_ids),
            "lake_rows": [
                {"source": source, "kind": kind, "rows": rows}
                for (source, kind), rows in sorted(self.lake_rows.items())
            ],
            "lake_files": self.lake_files,
            "refused": dict(self.refused),
            "is_dry_run": self.is_dry_run,
        }


def erase(
    home: Home,
    settings: Settings,
    user_id: str,
    sources: Iterable[Source],
    *,
    now: datetime,
    with_shared: bool = False,
    dry_run: bool = False,
) -> Erasure:
    """Take everything of one person out of the lake and the quarantine.

    Args:
        home: Its lake, quarantine and ledger.
        settings: Threads and memory.
        user_id: The person's id, as the sources give it.
        sources: Sources as declared now; their delimiters say how refused CSV is read.
        now: The clock.
        with_shared: Whether anonymous ids that rows of other users name too are the person's.
        dry_run: Only look.

    Raises:
        SourceError: The id is empty, or no text.
        WarehouseError: A file that the ledger lists is missing or damaged; nothing was changed.
        HomeBusyError: Another process writes here.
    """
    _require_id(user_id)
    declared = {source.source: source for source in sources}
    with run_lock(home):
        ledger = Ledger(home)
        key = secret_key(home)
        spill = home.lake / ".tmp" / "spill"
        with Engine.open(None, settings=settings, temporary=spill) as engine:
            files = ledger.listed_files()
            merged = merged_ids(engine, home, files, key, user_id)
            users = forms_of(key, (user_id, *merged))
            tied, shared = tied_ids(engine, home, files, users)
            left = () if with_shared else tuple(shared)
            known = tuple(one for one in tied if one not in left)
            person = Person(users, forms_of(key, known))
            held = list(held_rows(engine, home, files, person))
            # of these the lake knows a digest only: which record holds one is told by digesting
            hidden = frozenset(one for one in (*merged, *known) if _DIGEST.fullmatch(one))
            is_hidden = (lambda text: pseudonym(key, text) in hidden) if hidden else None
            ids_in = partial(_refused, engine, home, texts=person.texts, is_hidden=is_hidden)
            refused = []
            for file in ledger.quarantine_files():
                of = declared.get(file.source)
                if file.dropped_at is None and (rows := ids_in(file, source=of)):
                    refused.append((file, rows))
            found = Erasure(
                user_id, merged, known, shared, left, _by_source(held), len(held),
                _by_file(refused), is_dry_run=dry_run,
            )  # fmt: skip
            if dry_run:
                return found
            lake_in, removed = _without(engine, home, person, held)
            quarantine_in = _emptied(engine, home, refused, person.texts)
        ids = (user_id, *merged, *known)
        digests = {tombstone(key, one) for one in ids}
        digests |= {alias_tombstone(key, one) for one in (user_id, *merged)}
        # of an id that the lake holds as a digest only, the digest is all there is to know it by
        digests |= {one for one in ids if _DIGEST.fullmatch(one)}
        # an id that nobody had, a typo, costs no whole build; rows that retention took cannot be
        # asked whose they were, and what was built may hold them still
        is_met = bool(
            held
            or refused
            or digests & ledger.erased()
            or any(why == "retention" for _, _, why, _ in ledger.removals())
        )
        if is_met:
            home.remove_build()
        change = Change(
            lake_out=tuple(file for file, _ in held),
            lake_in=tuple(lake_in),
            quarantine_out=tuple(file for file, _ in refused),
            quarantine_in=tuple(quarantine_in),
            removed=removed,
            erased=frozenset(digests),
            generation=uuid.uuid4().hex if is_met else None,
        )
        ledger.apply(change, now)
        sweep(home)
        return found


def _require_id(user_id: str) -> None:
    """Refuse what names nobody: every record with an empty field would hold an empty id."""
    is_text = user_id.isascii() or user_id.encode("utf-8", "replace").decode() == user_id
    if not user_id.strip() or not is_text or "\0" in user_id:
        raise SourceError(
            f"{user_id!r} is no user id",
            expected="the id as the sources give it, in UTF-8",
            fix="check the argument.",
            code="user_unknown",
        )


def _refused(
    engine: Engine,
    home: Home,
    file: QuarantineFile,
    *,
    texts: frozenset[str],
    source: Source | None,
    is_hidden: Callable[[str], bool] | None,
) -> list[int]:
    """Row numbers of refused records that hold one of the texts, or a hidden one."""
    path = str(sound_path(home, file)).replace("'", "''")
    written = written_ids(source.format, texts) if source else texts
    delimiter = source.delimiter if source else ","
    # a backslash may hide any letter of JSON, a doubled quote one of CSV
    looks = " or ".join([f"contains(raw, {as_text(one)})" for one in sorted(written)])
    looks = f"{looks} or true" if is_hidden else looks
    quoted = any('"' in one for one in written)
    hidden = " or contains(raw, '\"\"')" if quoted else ""
    rows = engine.rows(
        f"select file_row_number, raw, detail from read_parquet('{path}', file_row_number = true)"
        f" where {looks} or contains(raw, '\\'){hidden} or detail in ({as_texts(texts)})"
    )
    return [
        int(number)
        for number, raw, detail in rows
        if detail in texts
        or holds(str(raw or ""), written, delimiter, is_meant=is_hidden or (lambda _: False))
    ]


def _without(
    engine: Engine, home: Home, person: Person, held: Iterable[tuple[ListedFile, int]]
) -> tuple[list[ListedFile], dict[tuple[str, date, str], int]]:
    """Lake files written anew without the person, and what they lost. No ledger lists them yet."""
    files: list[ListedFile] = []
    removed: dict[tuple[str, date, str], int] = {}
    for file, rows in held:
        key = (file.source, file.day, "erase")
        removed[key] = removed.get(key, 0) + rows
        if rows == file.rows:
            continue
        stored = store(
            engine,
            f"select * from {relation(home, [file])}"
            f" where not {person.condition(ENVELOPES[file.kind])}",
            home=home,
            folder=(home.root / file.path).parent,
            label=f"erased.{file.day}",
        )
        files.append(
            replace(
                file, path=stored.path, rows=stored.rows, sha256=stored.sha256, size=stored.size
            )
        )
    return files, removed


def _emptied(
    engine: Engine,
    home: Home,
    refused: Iterable[tuple[QuarantineFile, list[int]]],
    texts: frozenset[str],
) -> list[QuarantineFile]:
    """Quarantine files written anew, with the named records' text gone and all else kept."""
    files: list[QuarantineFile] = []
    for file, numbers in refused:
        path = str(home.root / file.path).replace("'", "''")
        engine.register("emptied", pa.table({"number": pa.array(numbers, pa.int64())}))
        is_emptied = "file_row_number in (select number from emptied)"
        stored = store(
            engine,
            f"select * exclude (file_row_number) replace ("
            f" case when {is_emptied} then '' else raw end as raw,"
            f" case when {is_emptied} and detail in ({as_texts(texts)}) then '' else detail end"
            f" as detail) from read_parquet('{path}', file_row_number = true)"
            " order by file_row_number",
            home=home,
            folder=(home.root / file.path).parent,
            label="erased.quarantine",
        )
        engine.unregister("emptied")
        files.append(
            replace(
                file, path=stored.path, rows=stored.rows, sha256=stored.sha256, size=stored.size
            )
        )
    return files


def _by_source(held: Iterable[tuple[ListedFile, int]]) -> dict[tuple[str, str], int]:
    counted: dict[tuple[str, str], int] = {}
    for file, rows in held:
        key = (file.source, file.kind)
        counted[key] = counted.get(key, 0) + rows
    return counted


def _by_file(refused: Iterable[tuple[QuarantineFile, list[int]]]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for file, rows in refused:
        counted[file.source] = counted.get(file.source, 0) + len(rows)
    return counted
