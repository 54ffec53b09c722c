"""One module a format. To add one, write `<format>.py` with `read` and name it in the schema.

`read(file, delimiter=…)` yields `Records`: what stands in the file, record by record, with its
position and raw text, and a reason where the record cannot be read at all. Readers never skip,
mend or guess. A module of a vendor's export carries `SELECTS`, the projection by kind that is used
where a source has none; a kind that it does not name needs a `select`. Modules without it are
generic: they take the envelope's columns by name. `EVENT_ID` is the id where a source has none.
`ID_PREFIXES` stands where an id of the lake is not the text that a record holds: what is in front
of it in the lake, and in the record. What `raw` says must not depend on what stood around it in the
file: refused records are read again by their `raw`, the name of their file and their header alone.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, cast

from .records import InputFile, Records

__all__ = [
    "Format",
    "InputFile",
    "Records",
    "default_event_id",
    "load_format",
    "selects",
    "written_ids",
]


class Format(Protocol):
    """What a module of this package offers."""

    def read(self, file: InputFile, *, delimiter: str) -> Iterator[Records]:
        """Yield the records of one file in their order."""


@functools.cache
def load_format(name: str) -> Format:
    """The module that reads a format the source schema names."""
    return cast(Format, importlib.import_module(f".{name}", __package__))


def selects(name: str) -> Mapping[str, str] | None:
    """The projection by kind that a format brings; None for a generic one."""
    return cast("Mapping[str, str] | None", getattr(load_format(name), "SELECTS", None))


def default_event_id(name: str) -> str | None:
    """What identifies a row of a format where its source does not say: a column or `content`."""
    return cast("str | None", getattr(load_format(name), "EVENT_ID", None))


def written_ids(name: str, ids: Iterable[str]) -> frozenset[str]:
    """Ids of the lake, and how records of a format write them where that differs."""
    prefixes: Iterable[tuple[str, str]] = getattr(load_format(name), "ID_PREFIXES", ())
    given = frozenset(ids)
    return given | {
        written + one.removeprefix(stored)
        for stored, written in prefixes
        for one in given
        if one.startswith(stored) and one != stored
    }
