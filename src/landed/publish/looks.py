"""The looks taken at each release, kept: what was seen once is never worked out again."""

from __future__ import annotations

import orjson

from ..documents import canonical_json
from ..errors import WarehouseError
from ..impact import ReleaseLooks
from ..project import Home
from .durable import write_atomic


def read_looks(home: Home, release: str) -> ReleaseLooks | None:
    """The looks taken at a release; None before the first one.

    Raises:
        WarehouseError: The file is damaged. Without it earlier looks would count as never taken.
    """
    path = home.looks / f"{release}.json"
    try:
        found = ReleaseLooks.of_dict(orjson.loads(path.read_bytes()))
        if found.release != release:
            raise ValueError(f"they are those of `{found.release}`")
        return found
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # JSON's is a ValueError
        raise WarehouseError(
            f"the looks at `{release}` cannot be read: {type(error).__name__}: {error}",
            where=str(path),
            fix="put the file back from a backup; without it this release cannot be judged.",
            code="looks_damaged",
        ) from error


def keep_looks(home: Home, looks: ReleaseLooks) -> None:
    """Put them on disk, whole, before any report shows them."""
    raw = canonical_json(looks.as_dict()) + b"\n"
    path = home.looks / f"{looks.release}.json"
    if not path.is_file() or path.read_bytes() != raw:
        write_atomic(path, raw)
