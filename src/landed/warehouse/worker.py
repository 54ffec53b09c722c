"""The other end of a query: a process that opens one snapshot, answers, and can be killed.

`interrupt()` is ignored by some shapes of statements; the end of a process by none. It reads one
JSON line a statement from standard input and answers each with a framed pickle on standard output,
which is read by the process that started it and by no other. When standard input ends, so does it.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ..errors import WarehouseError
from ..settings import Settings
from .engine import Engine

#: Beside the engine's own limit: Python, and what the engine does not count (texts, results).
_BESIDE_MB = 1024


def main() -> None:
    """Answer statements until standard input ends."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints does not break the frames
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    engine: Engine | None = None
    while True:
        job = json.loads(lines.get())
        try:
            if engine is None:
                engine = _open(job)
            columns, rows = engine.described(job["sql"], job["params"])
            answer: dict[str, Any] = {"columns": columns, "rows": rows}
        except WarehouseError as error:
            answer = {"fault": error.faults[0].as_dict()}
        except MemoryError:
            answer = {"fault": {"what": "out of memory", "code": "memory_limit"}}
        payload = pickle.dumps(answer, protocol=pickle.HIGHEST_PROTOCOL)
        out.write(len(payload).to_bytes(8, "big"))
        out.write(payload)
        out.flush()


def _listen(lines: SimpleQueue[bytes]) -> None:
    """Hand on what comes in; when the other side is gone, nobody waits for an answer."""
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)


def _open(job: dict[str, Any]) -> Engine:
    settings = Settings(threads=job["threads"], memory_limit_mb=job["memory_limit_mb"])
    _limit_memory(settings.memory_limit_mb + _BESIDE_MB)
    engine = Engine.open(Path(job["path"]), read_only=True, settings=settings)
    engine.seal()
    return engine


def _limit_memory(megabytes: int) -> None:
    """Ask the system to refuse more, where it can be asked."""
    try:
        import resource
    except ImportError:  # not on Windows; the engine's own limit holds there
        return
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    wanted = megabytes * 1024 * 1024
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))


if __name__ == "__main__":
    main()
