"""A source of one vendor's format, what it accepts, and the same files delivered again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

COLUMNS = {
    "events": "event_id, event_name, occurred_at::varchar, received_at::varchar, user_id,"
    " anonymous_id, session_id, app_version",
    "exposures": "exposure_id, exposed_at::varchar, flag, variant, user_id, anonymous_id",
    "feedback": "feedback_id, given_at::varchar, user_id, channel, rating, text, app_version",
    "releases": "release_id, released_at::varchar, name, version, environment, status, url, notes",
}
#: Time and id, by which rows are sorted.
ORDERS = {"events": "3, 1", "exposures": "2, 3, 1", "feedback": "2, 1", "releases": "2, 1"}


class Delivered:
    """One source of a format, and its files."""

    def __init__(self, world: Any, name: str, kind: str, more: str) -> None:
        self.world = world
        self.kind = kind
        world.source("app", f"kind: {kind}\nformat: {name}\npath: in/*\n{more}")

    def take(self, *records: Any, name: str = "a.jsonl", text: str | bytes | None = None) -> Any:
        """Land records as JSON Lines, or a text as it is; the account of their ingest."""
        lines = "".join(
            (one if isinstance(one, str) else json.dumps(one)) + "\n" for one in records
        )
        self.world.land(f"in/{name}", lines if text is None else text)
        return self.world.one()

    def rows(self, where: str = "true") -> list[tuple[Any, ...]]:
        """Envelope columns of the accepted rows, without properties, by time and id."""
        columns, order = COLUMNS[self.kind], ORDERS[self.kind]
        return self.world.rows(
            f"select {columns} from lake.{self.view} where {where} order by {order}"
        )

    def properties(self) -> dict[str, Any]:
        """Properties of the accepted rows, by id."""
        key = COLUMNS[self.kind].partition(",")[0]
        found = self.world.rows(f"select {key}, properties from lake.{self.view}")
        return {one: json.loads(text) for one, text in found}

    @property
    def view(self) -> str:
        """Where the lake shows the kind's rows."""
        return "release_events" if self.kind == "releases" else self.kind

    def refused(self) -> list[tuple[int, str]]:
        """Line and reason of the refused records."""
        return self.world.refused()

    def deliver_again(self) -> tuple[int, int]:
        """Land the same records in other bytes; rows accepted, and rows known as repeats."""
        for path in sorted((self.world.home.landing / "in").iterdir()):
            data = path.read_bytes()
            # a file is skipped by its digest; an empty line more makes it another file
            path.with_name(f"again-{path.name}").write_bytes(data + b"\n")
        account = self.world.one()
        return account.accepted, account.duplicate


@pytest.fixture
def source(world: Any) -> Callable[..., Delivered]:
    """Declare the source `app` of a format, e.g. `source("otel_flags", "exposures")`."""

    def declare(name: str, kind: str = "events", more: str = "") -> Delivered:
        return Delivered(world, name, kind, more)

    return declare


#: Values that stand where a format has another kind of them.
WRONG = (
    *(None, True, 0, -1, 9007199254740993, 1.5, 1e300, "", " ", "text", "{", "{}", "[1", "null"),
    *("'", '"', "\\", "\u0000", "99999999999999999999", "2026-13-01T00:00:00Z", "9" * 400),
    *([], [None], [[]], [{}], ["text"], {}, {"": None}, {"a": {"b": []}}, {"key": 1}, {"value": 1}),
)


def _wrong(value: Any, depth: int) -> Iterator[Any]:
    yield from WRONG
    if depth and isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: other} for other in _wrong(inner, depth - 1))
    if depth and isinstance(value, list):
        for index, inner in enumerate(value):
            for other in _wrong(inner, depth - 1):
                yield [*value[:index], other, *value[index + 1 :]]


@pytest.fixture(scope="session")
def wrong_values() -> Callable[[dict[str, Any]], list[Any]]:
    """A record in which one value after the other, down to three levels, is another kind of one."""

    def spoil(record: dict[str, Any]) -> list[Any]:
        return [
            {**record, key: other} for key, inner in record.items() for other in _wrong(inner, 2)
        ]

    return spoil


@pytest.fixture(scope="session")
def wrong_texts() -> list[str]:
    """The same for a field of a table, which is a text whatever it holds."""
    written = (one if isinstance(one, str) else json.dumps(one) for one in WRONG)
    return sorted({one for one in written if "\0" not in one})
