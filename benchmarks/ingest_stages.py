"""Where an ingest spends its CPU: by stage, and by the SQL it runs.

Functions of `landed.ingest` are wrapped, and what a wrapped call spends is charged to its stage
less what wrapped calls inside it are charged. The clock is the CPU of the whole process, so the
engine's threads are counted; should two Python threads be in wrapped calls at once, each is charged
with what the other spends meanwhile, and the shares add up to more than the whole.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from landed.warehouse import Engine

from .ingest_cases import landed, landed_again

#: Module below landed, function or method, and its stage. What the code no longer has is named.
PLACES = (
    ("ingest.formats.records", "digest_of", "digest of input and output files"),
    ("ingest.formats.records", "InputFile.chunks", "read, inflate, digest"),
    ("ingest.formats.jsonl", "read", "find lines"),
    ("ingest.staging", "Stage.run", "parse, type, judge"),
    ("ingest.batch", "BatchWriter.take", "hand over to the batch"),
    ("ingest.batch", "BatchWriter._flush", "hand over to the batch"),
    ("ingest.batch", "BatchWriter._write_part", "hand over to the batch"),
    ("ingest.dedup", "mark_repeats", "find repeats"),
    ("ingest.lake", "write_lake", "sort and write the lake"),
    ("ingest.lake", "write_quarantine", "write the quarantine"),
    ("ingest.storing", "sync", "sync files and folders"),
    ("ingest.lake", "sweep", "sweep"),
    ("ingest.ledger", "Ledger.commit", "ledger"),
    ("ingest.ledger", "Ledger.declare", "ledger"),
    ("ingest.sources", "matched_files", "find files"),
)


class Charges:
    """CPU seconds and calls by name, each less what is charged to names inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._inside: list[float] = []

    def charged(self, name: str, call: Callable[[], Any]) -> Any:
        """Call, and charge what it spends."""
        started = time.process_time()
        self._inside.append(0.0)
        try:
            return call()
        finally:
            whole = time.process_time() - started
            self.seconds[name] += whole - self._inside.pop()
            self.calls[name] += 1
            if self._inside:
                self._inside[-1] += whole

    def wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, charged; of a generator every step."""
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def steps(*args: Any, **given: Any) -> Iterator[Any]:
                found = function(*args, **given)
                end = object()
                while (step := self.charged(name, lambda: next(found, end))) is not end:
                    yield step

            return steps

        @functools.wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            return self.charged(name, lambda: function(*args, **given))

        return call


def stages(*, out: str, pattern: str, plan: bool = False) -> Callable[[], Mapping[str, Any]]:
    """An ingest as `ingest_cases.landed` does it, watched.

    Args:
        out: Folder of project and home.
        pattern: Absolute path or glob of the files.
        plan: Whether a tracking plan is held against the events.
    """
    return _watched(landed(out=out, pattern=pattern, plan=plan))


def stages_again(*, project: str, home: str, saved: str) -> Callable[[], Mapping[str, Any]]:
    """The same of `ingest_cases.landed_again`."""
    return _watched(landed_again(project=project, home=home, saved=saved))


def _watched(work: Callable[[], Mapping[str, Any]]) -> Callable[[], Mapping[str, Any]]:
    by_stage, by_sql = Charges(), Charges()
    missing = [
        f"{module}.{name}"
        for module, name, stage in PLACES
        if not _patch(f"landed.{module}", name, functools.partial(by_stage.wrapped, stage))
    ]
    _watch_engine(by_sql)

    def watched() -> dict[str, Any]:
        started = time.process_time()
        found = work()
        whole = time.process_time() - started
        return {
            **found,
            "whole": whole,
            "stages": _told(by_stage),
            "sql": _told(by_sql),
            "missing": missing,
        }

    return watched


def _told(charges: Charges) -> list[tuple[str, float, int]]:
    found = [(name, spent, charges.calls[name]) for name, spent in charges.seconds.items()]
    return sorted(found, key=lambda one: -one[1])


def _patch(module: str, name: str, wrap: Callable[[Callable[..., Any]], Any]) -> bool:
    """Put a wrapped function in its place, and wherever it was imported to; False if it is gone."""
    try:
        holder: Any = importlib.import_module(module)
    except ModuleNotFoundError:
        return False
    *above, last = name.split(".")
    for part in above:
        holder = getattr(holder, part, None)
    original = getattr(holder, last, None)
    if original is None or (not above and original.__module__ != module):
        return False  # gone, or only imported there: patched where it is at home
    new = wrap(original)
    setattr(holder, last, new)
    if not above:
        for other in [one for key, one in sys.modules.items() if key.startswith("landed")]:
            for key in [key for key, value in vars(other).items() if value is original]:
                setattr(other, key, new)
    return True


def _watch_engine(charges: Charges) -> None:
    """Charge every statement to its own text, with what differs from call to call taken out."""
    for name in ("execute", "rows", "arrow", "frame"):
        setattr(Engine, name, _named_by_sql(charges, getattr(Engine, name)))


def _named_by_sql(charges: Charges, original: Callable[..., Any]) -> Callable[..., Any]:
    def call(engine: Any, sql: str, *args: Any, **given: Any) -> Any:
        return charges.charged(_short(sql), lambda: original(engine, sql, *args, **given))

    return call


def _short(sql: str) -> str:
    text = " ".join(sql.split())
    text = re.sub(r"'[^']*/[^']*'", "'…'", text)
    text = re.sub(r"\d{4}-\d{2}-\d{2}|\b\d+\b", "#", text)
    return text if len(text) <= 110 else f"{text[:80]} … {text[-27:]}"
