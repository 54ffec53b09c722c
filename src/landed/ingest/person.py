"""Who a person is in the lake: user ids that alias events merge, and the anonymous ids of rows.

The same events merge the same ids as in the models (`int_identity_pairs`, `int_people`): what is
counted as one person is erased as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..project import Home
from ..warehouse import Engine
from .envelope import ENVELOPES, Envelope
from .ledger_rows import ListedFile
from .personal import pseudonym
from .storing import listed_in

#: Events that say whose an earlier id is. As in int_identity_pairs.
ALIASES = ("alias", "$create_alias", "$merge", "$merge_dangerously")
#: It says so too, of an earlier id that it gives to one user only.
IDENTIFY = "$identify"
#: SQL that is true of an event of either kind.
IS_ALIAS = f"event_name in {(*ALIASES, IDENTIFY)}"
#: Files that one statement looks through: their names stand in its text.
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Person:
    """Every form in which the ids of one person may stand in a column."""

    users: frozenset[str]
    anonymous: frozenset[str]

    @property
    def texts(self) -> frozenset[str]:
        """The forms of all ids."""
        return self.users | self.anonymous

    def condition(self, envelope: Envelope) -> str | None:
        """SQL that is true of the person's rows; None for a kind that names nobody."""
        if "user_id" not in envelope.columns:
            return None
        own = f"user_id in ({texts(self.users)})"
        if "anonymous_id" not in envelope.columns:
            return f"coalesce({own}, false)"
        # a row that names another user is that user's, whatever device it came from
        found = [own, f"(user_id is null and anonymous_id in ({texts(self.texts)}))"]
        if "event_name" in envelope.columns:
            # but an alias of a user id is a saying about that user
            found.append(f"({IS_ALIAS} and anonymous_id in ({texts(self.users)}))")
        return f"({' or '.join(f'coalesce({one}, false)' for one in found)})"


def merged_ids(
    engine: Engine, home: Home, files: Sequence[ListedFile], key: bytes, user_id: str
) -> tuple[str, ...]:
    """Other user ids of the person, as they stand in the lake.

    Links are followed in both directions, to their ends. One counts where its earlier id is the
    user id of an event.

    Args:
        engine: A connection of its own.
        home: Where the files are.
        files: All that the ledger lists.
        key: The home's key; an id is looked for by its digest too.
        user_id: The id that was given.
    """
    events = [file for file in files if file.kind == "events"]
    engine.execute(
        "create temp table claimed (earlier_id varchar, user_id varchar, event_name varchar)"
    )
    engine.execute("create temp table users (user_id varchar)")
    for some in _some(events):
        engine.execute(
            "insert into claimed"
            f" select distinct anonymous_id, user_id, event_name from {relation(home, some)}"
            f" where {IS_ALIAS} and user_id is not null and anonymous_id is not null"
        )
    for some in _some(events):
        engine.execute(
            f"insert into users select distinct user_id from {relation(home, some)}"
            " where user_id in (select earlier_id from claimed where earlier_id <> user_id)"
        )
    engine.execute(
        "create temp table links as"
        " select distinct earlier_id, user_id from claimed"
        " where earlier_id in (from users) and earlier_id <> user_id and ("
        f" event_name <> {text(IDENTIFY)} or earlier_id in"
        f" (select earlier_id from claimed where event_name = {text(IDENTIFY)}"
        " group by earlier_id having min(user_id) = max(user_id)))"
    )
    known = new = forms_of(key, [user_id])
    found: set[str] = set()
    while new:
        rows = engine.rows(
            f"select earlier_id from links where user_id in ({texts(new)})"
            f" union select user_id from links where earlier_id in ({texts(new)})"
        )
        linked = {str(value) for (value,) in rows} - known
        found |= linked
        new = forms_of(key, linked) - known
        known |= new
    engine.execute("drop table claimed; drop table users; drop table links")
    # an id that the lake has in clear as well is named once
    return tuple(sorted(found - {pseudonym(key, one) for one in found}))


def tied_ids(
    engine: Engine, home: Home, files: Sequence[ListedFile], users: frozenset[str]
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Anonymous ids of rows that name the user; and with how many others each is shared.

    Args:
        engine: A connection.
        home: Where the files are.
        files: All that the ledger lists.
        users: Forms of the person's user ids; an alias event gives one as an anonymous id.
    """
    kinds = [name for name, one in ENVELOPES.items() if "anonymous_id" in one.columns]
    named = [file for file in files if file.kind in kinds]
    tied: set[str] = set()
    for some in _some(named):
        rows = engine.rows(
            f"select distinct anonymous_id from {relation(home, some)}"
            f" where user_id in ({texts(users)}) and anonymous_id not in ({texts(users)})"
        )
        tied |= {str(value) for (value,) in rows}
    others: dict[str, set[str]] = {}
    for some in _some(named) if tied else ():
        rows = engine.rows(
            f"select distinct anonymous_id, user_id from {relation(home, some)}"
            f" where anonymous_id in ({texts(tied)}) and user_id not in ({texts(users)})"
        )
        for anonymous_id, user in rows:
            others.setdefault(str(anonymous_id), set()).add(str(user))
    return tuple(sorted(tied)), {one: len(others[one]) for one in sorted(others)}


def held_rows(
    engine: Engine, home: Home, files: Sequence[ListedFile], person: Person
) -> Iterator[tuple[ListedFile, int]]:
    """Lake files with rows of the person, and how many."""
    for kind, envelope in ENVELOPES.items():
        condition = person.condition(envelope)
        if condition is None:
            continue
        of_kind = [file for file in files if file.kind == kind]
        for some in _some(of_kind):
            by_path = {str(home.root / file.path): file for file in some}
            for path, rows in engine.rows(
                f"select filename, count(*) from {relation(home, some, ', filename = true')}"
                f" where {condition} group by filename order by filename"
            ):
                yield by_path[str(path)], int(rows)


def forms_of(key: bytes, ids: Iterable[str]) -> frozenset[str]:
    """The ids and the digests that stand for them where `personal:` asks for it."""
    return frozenset(form for one in ids for form in (one, pseudonym(key, one)))


def relation(home: Home, files: Iterable[ListedFile], options: str = "") -> str:
    """SQL of the rows of lake files."""
    paths: list[Path] = [home.root / file.path for file in files]
    return f"read_parquet({listed_in(paths)}, hive_partitioning = false{options})"


def texts(values: Iterable[str]) -> str:
    """SQL of a list of texts, without its brackets."""
    return ", ".join(text(value) for value in sorted(values))


def text(value: str) -> str:
    """SQL of a text."""
    return "'" + value.replace("'", "''") + "'"


def _some(files: Sequence[ListedFile]) -> Iterator[Sequence[ListedFile]]:
    for first in range(0, len(files), _AT_ONCE):
        yield files[first : first + _AT_ONCE]
