"""One module a format. To add one, write `<format>.py` with `read` and name it in the schema.

`read(file, delimiter=…)` yields `Records`: what stands in the file, record by record, with its
position and raw text, and a reason where the record cannot be read at all. Readers never skip,
mend or guess. A module may carry `SELECT`, the projection used where a source has none.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from typing import Protocol, cast

from .records import InputFile, Records

__all__ = ["Format", "InputFile", "Records", "load_format"]


class Format(Protocol):
    """What a module of this package offers."""

    def read(self, file: InputFile, *, delimiter: str) -> Iterator[Records]:
        """Yield the records of one file in their order."""


@functools.cache
def load_format(name: str) -> Format:
    """The module that reads a format the source schema names."""
    return cast(Format, importlib.import_module(f".{name}", __package__))
