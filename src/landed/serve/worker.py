"""A process that runs statements on a snapshot, and is killed when it takes too long."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

from ..errors import WarehouseError
from ..settings import Settings


@dataclass(frozen=True, slots=True)
class Answered:
    """Rows of one statement: (name, engine type) of each column, and the values."""

    columns: tuple[tuple[str, str], ...]
    rows: list[tuple[Any, ...]]


class Worker:
    """One process, from start to end of a `with`; whatever happens, it is gone afterwards.

    It starts at once, so that its imports run beside those of its user; the time limit counts
    from the first statement.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seconds = settings.query_timeout_seconds
        self._deadline: float | None = None
        self._path: Path | None = None
        package = str(Path(__file__).resolve().parents[2])
        known = os.environ.get("PYTHONPATH")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "landed.warehouse.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us; we end it
            env={**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{known}" if known else package},
        )
        self._answers: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        threading.Thread(target=self._receive, daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def open(self, path: Path) -> None:
        """The database that the next statements run on."""
        self._path = path

    def ask(self, sql: str, params: Sequence[Any] = ()) -> Answered:
        """Run one statement.

        Raises:
            WarehouseError: It failed, took longer than the time limit, or needed more memory
                than there is; the process is gone then.
        """
        if self._deadline is None:
            self._deadline = time.monotonic() + self._seconds
        job = {
            "path": str(self._path),
            "sql": sql,
            "params": list(params),
            "threads": self._settings.threads,
            "memory_limit_mb": self._settings.memory_limit_mb,
        }
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - it was asked for
        try:
            stdin.write(json.dumps(job).encode() + b"\n")
            stdin.flush()
            answer = self._answers.get(timeout=max(self._deadline - time.monotonic(), 0.001))
        except Empty:
            self.kill()
            raise self._too_slow() from None
        except BrokenPipeError:
            answer = None
        if answer is None:
            raise self._died()
        if "fault" in answer:
            raise self._failed(answer["fault"])
        return Answered(tuple(answer["columns"]), answer["rows"])

    def kill(self) -> None:
        """End the process at once; a second call does nothing."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        for stream in (self._process.stdin, self._process.stderr):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue  # what it was still to be told, it need not know

    def _receive(self) -> None:
        """Read frames until the process ends, then say so."""
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was asked for
        with stdout:
            while True:
                size = stdout.read(8)
                payload = stdout.read(int.from_bytes(size, "big")) if len(size) == 8 else b""
                if len(size) < 8 or len(payload) < int.from_bytes(size, "big"):
                    self._answers.put(None)
                    return
                self._answers.put(pickle.loads(payload))  # noqa: S301 - from our own process

    def _too_slow(self) -> WarehouseError:
        seconds = f"{self._seconds:g} seconds"
        return WarehouseError(
            f"the query ran longer than its time limit of {seconds} and was stopped",
            fix="ask for fewer days, groups or metrics, or allow more: "
            f"--time-limit {self._seconds * 4:g} (LANDED_QUERY_TIMEOUT_SECONDS).",
            code="time_limit",
        )

    def _too_big(self) -> WarehouseError:
        return WarehouseError(
            f"the query needs more memory than its limit of {self._settings.memory_limit_mb} MB",
            fix="ask for fewer days, groups or metrics, or allow more: "
            f"--memory-limit {self._settings.memory_limit_mb * 2} (LANDED_MEMORY_LIMIT_MB).",
            code="memory_limit",
        )

    def _died(self) -> WarehouseError:
        code = self._process.wait()
        stderr = self._process.stderr
        said = stderr.read().decode(errors="replace").strip() if stderr is not None else ""
        last = said.splitlines()[-1][:200] if said else "it said nothing"
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return WarehouseError(
            f"the process that ran the query ended {how}: {last}",
            fix="ask for fewer days, groups or metrics; `landed doctor` looks at the snapshot.",
            code="worker_died",
        )

    def _failed(self, fault: dict[str, str]) -> WarehouseError:
        if fault["code"] == "memory_limit" or "Out of Memory" in fault["what"]:
            return self._too_big()
        return WarehouseError(
            fault["what"],
            where=fault.get("where", ""),
            fix=fault.get("fix")
            or "compare like with like, or cast: `landed query --sql` shows the statement.",
            code=fault["code"],
        )
