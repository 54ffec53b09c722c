"""How the command line prints: tables, JSON, CSV, progress; plain lines without a terminal."""

from __future__ import annotations

import csv
import io
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

Progress = Callable[[str, str], None]

#: A spreadsheet takes a cell that starts with one of these for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Finished(Exception):
    """Ends a command with an exit code."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


def console(*, stderr: bool = False, plain: bool = False) -> Console:
    """Where people read. Without a terminal: no colour, no live line, no wrapping."""
    stream = sys.stderr if stderr else sys.stdout
    if stream.isatty():
        return Console(file=stream, no_color=plain, highlight=False)
    return Console(file=stream, no_color=True, highlight=False, width=200, soft_wrap=True)


#: C1 controls, and marks of direction: JSON takes them as they are.
_DRIVING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def print_json(value: Any) -> None:
    """One JSON document on standard output, sorted keys, no NaN.

    What drives a terminal or turns its text around is escaped: to a reader of JSON it is the same.
    """
    raw = orjson.dumps(
        jsonable(value), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z
    )
    text = _DRIVING.sub(lambda found: f"\\u{ord(found[0]):04x}", raw.decode())
    sys.stdout.write(text + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table for people; numbers to the right, text escaped."""
    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        is_number = all(isinstance(row[index], int | float | Decimal | None) for row in rows)
        table.add_column(Text(name), justify="right" if rows and is_number else "left")
    for row in rows:
        table.add_row(*(Text(clean(show(value))) for value in row))
    console().print(table)


def print_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """CSV (RFC 4180); text that a spreadsheet would run as a formula gets a leading quote.

    A file or a pipe gets every letter; a terminal none that drives it.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([_cell(name) for name in columns])
    writer.writerows([[_cell(value) for value in row] for row in rows])
    text = buffer.getvalue()
    sys.stdout.write(clean(text) if sys.stdout.isatty() else text)


def show(value: Any) -> str:
    """One value as people read it."""
    if value is None:
        return "–"
    if isinstance(value, float | Decimal):
        number = float(value)
        return f"{number:,.6g}" if abs(number) < 1e6 else f"{number:,.0f}"
    if isinstance(value, datetime):
        is_midnight = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return value.date().isoformat() if is_midnight else value.isoformat(sep=" ")
    return str(value)


def clean(text: str) -> str:
    """Text without control characters: a value must not drive the terminal."""
    return "".join(letter for letter in text if letter == "\n" or letter.isprintable())


def jsonable(value: Any) -> Any:
    """The same value for JSON: NaN and infinity become null, dates text."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(inner) for inner in value]
    return value


@contextmanager
def progress_lines(*, plain: bool) -> Iterator[Progress]:
    """Progress on standard error: a live line on a terminal, else one plain line a step."""
    out = console(stderr=True, plain=plain)
    started = time.monotonic()
    if out.is_terminal and not plain:
        with out.status("starting") as status:

            def live(stage: str, detail: str) -> None:
                seconds = time.monotonic() - started
                out.print(f"[dim]{seconds:6.1f} s[/dim]  [bold]{stage:<8}[/bold] {clean(detail)}")
                status.update(f"{stage}: {clean(detail)}")

            yield live
        return

    def line(stage: str, detail: str) -> None:
        out.print(f"{time.monotonic() - started:6.1f} s  {stage:<8} {clean(detail)}", markup=False)

    yield line


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, int | float | Decimal):
        return value
    text = show(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
