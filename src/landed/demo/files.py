"""Writes the demo product's files, byte for byte the same for the same seed, and its truth."""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np
import orjson

from ..errors import PlanError
from . import design
from .columns import Columns
from .delivery import broken_lines, deliver
from .lines import LineWriter
from .simulation import check_size, simulate
from .truth import Truth, Written, truth_of
from .voices import THEMES

USERS_PER_BATCH = 50_000  # about 600 MB of memory at 60 days; more come batch by batch
EVENTS_PER_USER_AND_DAY = 0.63  # measured over 60 days; turns a wish for events into users
_FEEDBACK_DAYS = 7  # one file a week: a day of feedback is too small for a file


def generate(
    folder: Path,
    *,
    users: int = 20_000,
    days: int = 60,
    seed: int = 7,
    events_target: int | None = None,
    truth_path: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Truth:
    """Simulate the demo product and write its landing files and its truth.

    Writes `events/YYYY-MM-DD.jsonl.gz` by the day a line arrived and
    `feedback/YYYY-MM-DD.jsonl.gz` by the week. Above 50,000 users each file comes in
    parts, `….part-NNN.jsonl.gz`, one a batch of users, so memory does not grow with the size.

    Args:
        folder: The landing folder; created where missing.
        users: People in the product; >= 1.
        days: Days from 2026-09-01T00:00:00Z on; >= 60.
        seed: Where all randomness comes from; >= 0.
        events_target: About how many events to write; overrides `users`. Up to 50 million seen.
        truth_path: Where the truth goes; None means `truth.json` in the folder.
        progress: Receives one line a batch and a day now and then.

    Returns:
        The truth, as written.

    Raises:
        PlanError: An argument is out of its range, or the folder holds another demo.
    """
    if events_target is not None:
        users = max(round(events_target / (EVENTS_PER_USER_AND_DAY * days)), 1)
    check_size(users, days, seed)
    truth_path = truth_path or folder / "truth.json"
    _refuse_another(truth_path, users, days, seed)
    say = progress or (lambda _line: None)
    batches = range(0, users, USERS_PER_BATCH)
    written, effects = Written(), Counter[str]()
    for number, first in enumerate(batches):
        count = min(USERS_PER_BATCH, users - first)
        say(f"simulating users {first + 1:,} to {first + count:,} over {days} days")
        columns = simulate(count, days, seed, first_user=first)
        part = f".part-{number:03d}" if len(batches) > 1 else ""
        written += write(columns, folder, days=days, seed=seed, part=part, progress=progress)
        for release, (gained, exposed) in columns.effects.items():
            effects.update({f"{release} gained": int(gained), f"{release} exposed": exposed})
    truth = truth_of(users, days, seed, written, effects)
    _replace(truth_path, orjson.dumps(truth.document(), option=orjson.OPT_INDENT_2) + b"\n")
    say(f"wrote {written.events:,} events and {written.feedback:,} texts to {folder}")
    return truth


def write(
    columns: Columns,
    landing: Path,
    *,
    days: int = 60,
    seed: int = 7,
    part: str = "",
    progress: Callable[[str], None] | None = None,
) -> Written:
    """Write one batch of users as files, with what goes wrong on the way.

    Args:
        columns: What `simulate` returned.
        landing: The landing folder; created where missing.
        days: Days that were simulated.
        seed: The seed it was simulated with.
        part: Comes before `.jsonl.gz` in every file's name.
        progress: Receives a line every ten days.

    Returns:
        Counts of what was written.
    """
    delivered = deliver(columns, days, seed)
    writer = LineWriter(columns, delivered, days)
    has_broken_lines = columns.first_user == 0

    def one_day(day: int) -> int:
        text = writer.events(day)
        broken = broken_lines(day) if has_broken_lines else ()
        if broken:  # amid the good lines
            middle = text.find(b"\n", len(text) // 2) + 1
            text = text[:middle] + "".join(broken).encode() + text[middle:]
        _write_lines(landing / "events" / _file(day, part), text)
        return len(broken)

    def one_week(day: int) -> int:
        text = writer.feedback(day, min(day + _FEEDBACK_DAYS, days))
        _write_lines(landing / "feedback" / _file(day, part), text)
        return text.count(b"\n")

    broken = 0
    with ThreadPoolExecutor(max_workers=2) as pool:  # zlib and Arrow let other threads run
        for day, count in enumerate(pool.map(one_day, range(days))):
            broken += count
            if progress and (day + 1) % 10 == 0:
                progress(f"written {day + 1} of {days} days")
        feedback = sum(pool.map(one_week, range(0, days, _FEEDBACK_DAYS)))
    duplicates = sum(arrived.duplicates for arrived in delivered.values())
    lines = {name: len(arrived.row) - arrived.duplicates for name, arrived in delivered.items()}
    return Written(
        event_kinds=Counter(lines),
        duplicates=duplicates,
        broken=broken,
        late=sum(arrived.late for arrived in delivered.values()),
        feedback=feedback,
        themes=Counter(dict(_themes(columns, days))),
    )


def _themes(columns: Columns, days: int) -> Iterator[tuple[str, int]]:
    inside = columns.feedback.at < design.START_MS + days * design.DAY_MS
    counts = np.bincount(columns.feedback.theme[inside], minlength=len(THEMES))
    for theme, count in zip(THEMES, counts, strict=True):
        yield theme.name, int(count)


def _file(day: int, part: str) -> str:
    return f"{(design.STARTED_AT + timedelta(days=day)).date()}{part}.jsonl.gz"


def _write_lines(path: Path, text: bytes) -> None:
    # wbits 31 makes zlib write a gzip header whose time is 0, so bytes depend on the text alone.
    packer = zlib.compressobj(level=1, wbits=31)
    _replace(path, packer.compress(text) + packer.flush())


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that nobody sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".half")
    half.write_bytes(data)
    os.replace(half, path)  # noqa: PTH105


def _refuse_another(truth_path: Path, users: int, days: int, seed: int) -> None:
    if not truth_path.is_file():
        return
    held = orjson.loads(truth_path.read_bytes())
    for name, wanted in (("users", users), ("days", days), ("seed", seed)):
        if held.get(name) != wanted:
            raise PlanError(
                f"the folder holds a demo with {name} = {held.get(name)}",
                expected=f"{name} = {wanted}, or an empty folder",
                where=str(truth_path),
                fix="choose another --home, or delete this one: two products would mix.",
                code="demo_folder",
            )
