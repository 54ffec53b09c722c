"""Where a chunk ends must not show in what is read."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from landed.ingest.formats import InputFile, csv, jsonl, records
from landed.ingest.formats.records import digest_of

LONGEST, KEPT = 60, 16
_PARTS = [
    b"{}",
    b'{"a": 1}',
    "é🎉日".encode(),
    b"\xff",
    b"\0",
    b"x" * 59,
    b"x" * 60,
    b"x" * 61,
    b"y" * 300,
    b" ",
    b"",
]


def some_file(rng: random.Random) -> bytes:
    lines = [b"".join(rng.choices(_PARTS, k=rng.randint(0, 2))) for _ in range(rng.randint(0, 9))]
    ends = [rng.choice([b"\n", b"\n", b"\r\n", b"\r"]) for _ in lines]
    mark = rng.choice([b"", b"\xef\xbb\xbf"])
    last = rng.choice([b"", b"tail", b"z" * 100])
    return mark + b"".join(line + end for line, end in zip(lines, ends, strict=True)) + last


def expected(data: bytes) -> list[tuple[int, int, str | None]]:
    """Line, offset and reason of every line that is not blank, as a plain loop finds them."""
    offset = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    found = []
    for number, line in enumerate(io.BytesIO(data[offset:]), start=1):
        content = line.removesuffix(b"\n").removesuffix(b"\r" if line.endswith(b"\n") else b"")
        if line.strip(b" \t\r\n"):
            found.append((number, offset, _reason(content, line)))
        offset += len(line)
    return found


def _reason(content: bytes, line: bytes) -> str | None:
    if len(content) > LONGEST:
        return "too_long"
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    return "nul_byte" if "\0" in text else None


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for module in (jsonl, csv, records):
        monkeypatch.setattr(module, "MAX_RECORD_BYTES", LONGEST)
    monkeypatch.setattr(jsonl, "KEPT_BYTES", KEPT)
    return monkeypatch


def test_lines_are_the_same_whatever_the_chunk(small: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for seed in range(400):
        rng = random.Random(seed)  # noqa: S311 a seeded draw
        data = some_file(rng)
        path = tmp_path / f"{seed}.jsonl"
        path.write_bytes(data)
        small.setattr(records, "CHUNK_BYTES", rng.randint(1, 400))
        small.setattr(jsonl, "PIECE_LINES", rng.choice([1, 2, 50, 10_000]))

        found = [
            (row["line"], row["byte_offset"], row["reason"])
            for part in jsonl.read(InputFile(path, digest_of(path)))
            for row in part.table.to_pylist()
        ]

        assert found == expected(data), f"seed {seed}"


def test_csv_records_are_the_same_whatever_the_chunk(
    small: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    texts = ['"a\nb"', "x", '"', '"a""b"', "", '""', "é", '"x"y', "a,b", '"1,2\r\n3"', "z" * 70]
    for seed in range(100):
        rng = random.Random(seed)  # noqa: S311 a seeded draw
        body = "".join(f"{number},{rng.choice(texts)}\n" for number in range(rng.randint(0, 20)))
        path = tmp_path / f"{seed}.csv"
        path.write_bytes(("id,text\n" + body).encode())
        small.setattr(records, "CHUNK_BYTES", 1_000_000)
        small.setattr(csv, "CHUNK_ROWS", 1_000)
        whole = rows_of(path)
        small.setattr(records, "CHUNK_BYTES", rng.randint(1, 60))
        small.setattr(csv, "CHUNK_ROWS", rng.randint(1, 5))

        assert rows_of(path) == whole, f"seed {seed}"


def rows_of(path: Path) -> list[object]:
    """Every record of a CSV file with its place, and its fields."""
    parts = list(csv.read(InputFile(path, digest_of(path))))
    rows = [row for part in parts for row in part.table.to_pylist()]
    return [*rows, *(row for part in parts if part.columns for row in part.columns.to_pylist())]
