"""The parent's side of `worker.py`: start it, ask it, and end it when it hangs."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

#: Seconds after which an ingest hangs.
PATIENCE_SECONDS = 300.0
_WORKER = Path(__file__).with_name("worker.py")
_SOURCES = {
    "jsonl": "format: jsonl",
    "crowd": "format: jsonl",
    "berlin": "format: jsonl\ntimezone: Europe/Berlin",
    "csv": "format: csv",
    "json": "format: json",
    "parquet": "format: parquet",
}


def write_sources(root: Path) -> None:
    """A project with one source a format, each reading a folder of its own name."""
    folder = root / "project" / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    (root / "project" / "landed.toml").write_text('[project]\nname = "shop"\n', encoding="utf-8")
    for name, text in _SOURCES.items():
        declared = f"source: {name}\nkind: events\n{text}\npath: {name}/*\n"
        (folder / f"{name}.yml").write_text(declared, encoding="utf-8")


class Hang(AssertionError):
    """The child did not answer in time, or died."""


class Child:
    """A long-lived process that ingests what it is asked to."""

    def __init__(self) -> None:
        self._process = self._started()

    def _started(self) -> subprocess.Popen[str]:
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith("LANDED_")
        }
        return subprocess.Popen(
            [sys.executable, str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.communicate()

    def restart(self) -> None:
        """Another process in its place."""
        self.close()
        self._process = self._started()

    def ask(
        self, root: Path, *, chunk_bytes: int, patience: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Ingest the home below `root`; the child's answer.

        Raises:
            Hang: It did not answer, or died.
        """
        self.send(root, chunk_bytes=chunk_bytes)
        return self.receive(patience)

    def send(self, root: Path, *, chunk_bytes: int) -> None:
        """Ask without waiting."""
        assert self._process.stdin
        self._process.stdin.write(
            json.dumps({"root": str(root), "chunk_bytes": chunk_bytes}) + "\n"
        )
        self._process.stdin.flush()

    def receive(self, patience: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The answer to what was sent."""
        assert self._process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(patience):
                raise Hang(f"no answer within {patience} seconds")
        line = self._process.stdout.readline()
        if not line:
            raise Hang(f"the child ended with {self._process.wait(10)}")
        answer: dict[str, Any] = json.loads(line)
        return answer
