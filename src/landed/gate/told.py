"""What may be said where a report, Dagster or a terminal shows it: no value of a property or id."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date
from numbers import Number
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

from ..errors import EstimationError, LandedError

if TYPE_CHECKING:
    import pandas as pd

_OURS = Path(__file__).resolve().parents[1]


def told(error: BaseException) -> str:
    """One line of an error: its own words where we wrote them, else its kind and place.

    Words of Python and of libraries are left out, as they quote what they stumble over; those of
    an `EstimationError` too, as they quote sums of a release that is blocked by it. The engine's
    came without values already.

    Examples:
        >>> told(LandedError("the table is gone"))
        'the table is gone'
        >>> told(ValueError("could not convert string to float: 'bob@x.example'"))
        'ValueError'
    """
    if isinstance(error, LandedError) and not isinstance(error, EstimationError):
        return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    name = type(error).__name__
    if isinstance(error, ImportError) and error.name:
        return f"{name}: no module `{error.name}`"
    if isinstance(error, OSError) and error.errno:
        return f"{name}: {os.strerror(error.errno)}"
    frames = [frame for frame in extract_tb(error.__traceback__) if _is_ours(frame.filename)]
    return f"{name} in {_place(frames[-1].filename)}, line {frames[-1].lineno}" if frames else name


def shown(frame: pd.DataFrame, column: str, named: Iterable[Iterable[Any]]) -> str:
    """The first values of a project's own fact; of texts only those that its files name.

    Args:
        frame: The facts.
        column: The one judged; of facts without it only the rows are counted.
        named: What the files name: variants, an expectation's arguments and lists of such.
    """
    if column not in frame:
        return f"{len(frame):,} rows of facts"
    known = {text for each in named for text in _texts(each)}
    values = [_value(value, known) for value in frame[column][:5]]
    more = f" and {len(frame) - 5:,} more" if len(frame) > 5 else ""
    return f"{column} = {', '.join(values)}{more}"


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    return (text for one in value for text in _texts(one)) if isinstance(value, Iterable) else ()


def _value(value: Any, known: set[str]) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        return value if value in known else "a text"
    is_plain = isinstance(value, (date, Number)) or type(value).__name__.startswith("bool")
    return str(value) if is_plain else f"a {type(value).__name__}"


def _is_ours(filename: str) -> bool:
    return Path(filename).is_relative_to(_OURS)


def _place(filename: str) -> str:
    return f"landed/{Path(filename).relative_to(_OURS).as_posix()}"
