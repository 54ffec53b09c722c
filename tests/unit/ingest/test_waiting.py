"""What the next ingest would find: asked every few seconds, so it must cost little."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from landed.ingest import pending, undeclared, unseen, waiting


@pytest.fixture
def digested(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were digested by whoever asked."""
    names: list[str] = []
    real = waiting.digest_of

    def noted(path: Path) -> str:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(waiting, "digest_of", noted)
    return names


def test_unseen_files_are_told_without_a_look_into_any(events, event, digested):
    events.land("events/a.jsonl", event(1))
    events.ingest()
    new = events.land("events/b.jsonl", event(2))
    copy = events.land("events/copy.jsonl", event(1))

    assert [file.path for file in unseen(events.project, events.home)] == [new, copy]
    assert digested == []


def test_a_file_that_was_ingested_is_not_opened_again(events, event, monkeypatch):
    events.land("events/a.jsonl", event(1))
    events.ingest()
    opened: list[str] = []
    real = Path.open

    def noted(path: Path, *given: object, **named: object) -> object:
        opened.append(path.name)
        return real(path, *given, **named)

    monkeypatch.setattr(Path, "open", noted)
    events.land("events/b.jsonl", event(2))
    opened.clear()
    unseen(events.project, events.home)

    assert "b.jsonl" in opened
    assert "a.jsonl" not in opened


def test_a_touched_file_and_a_copy_are_digested_once(events, event, digested):
    first = events.land("events/a.jsonl", event(1))
    events.ingest()
    os.utime(first)
    copy = events.land("events/copy.jsonl", event(1))

    assert pending(events.project, events.home, keep=True) == []
    assert digested == ["a.jsonl", "copy.jsonl"]
    assert pending(events.project, events.home) == []
    assert digested == ["a.jsonl", "copy.jsonl"]
    copy.write_text(event(2), encoding="utf-8")
    assert [file.path for file in pending(events.project, events.home)] == [copy]


def test_an_ingest_remembers_the_copies_that_it_found(events, event):
    events.land("events/a.jsonl", event(1))
    events.land("events/copy.jsonl", event(1))

    account = events.one()

    assert (account.files_new, account.rows_in) == (1, 1)
    assert unseen(events.project, events.home) == []


def test_a_memory_that_a_killed_run_made_and_did_not_fill_remembers_nothing(events, event):
    copy = events.land("events/copy.jsonl", event(1))
    events.home.work.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(events.home.work / "remote.sqlite")) as made:
        made.execute("pragma journal_mode = wal")

    assert [file.path for file in unseen(events.project, events.home)] == [copy]
    assert events.one().rows_in == 1


def test_a_copy_whose_claim_was_taken_out_waits_again(events, event):
    events.land("events/a.jsonl", event(1))
    events.land("events/copy.jsonl", event(1))
    events.ingest()
    (events.home.ledger).unlink()

    assert len(unseen(events.project, events.home)) == 2


def test_a_link_is_the_file_it_points_to_and_one_to_nowhere_is_none(events, event, tmp_path):
    real = tmp_path / "elsewhere.jsonl"
    real.write_text(event(1), encoding="utf-8")
    folder = events.home.landing / "events"
    folder.mkdir(parents=True)
    (folder / "linked.jsonl").symlink_to(real)
    (folder / "broken.jsonl").symlink_to(tmp_path / "gone.jsonl")

    assert [file.path for file in unseen(events.project, events.home)] == [real]


def test_a_source_waits_that_was_declared_otherwise_than_the_ledger_knows(events, event):
    assert undeclared(events.project, events.home) == ["app"]
    events.ingest()
    assert undeclared(events.project, events.home) == []
    text = "kind: events\nformat: jsonl\npath: events/*\n"
    events.source("app", f"{text}complete_through: 2026-11-02T00:00:00Z\n")

    assert undeclared(events.project, events.home) == ["app"]
