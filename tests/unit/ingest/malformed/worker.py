"""A child that ingests on request: one JSON line in, one JSON line out, until its input ends.

It lives in a process of its own so that its memory can be measured, and so that a crash or a hang
is its own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

from landed.errors import LandedError
from landed.ingest import ingest
from landed.ingest.formats import records
from landed.project import Home, Project
from landed.settings import Settings

NOW = datetime(2026, 11, 22, tzinfo=UTC)
#: Small, so that memory beyond the engine's own share is seen.
SMALL = Settings(threads=2, memory_limit_mb=256)


def answer(request: dict[str, str | int]) -> dict[str, object]:
    """Ingest one home; its accounts, or the error it ended with."""
    records.CHUNK_BYTES = int(request["chunk_bytes"])
    root = Path(str(request["root"]))
    started = time.monotonic()
    found: dict[str, object]
    try:
        result = ingest(Project(root / "project", "shop"), Home(root / "home"), SMALL, now=NOW)
        found = {"accounts": [account.as_dict() for account in result.accounts]}
    except LandedError as error:
        found = {"error": str(error), "codes": [fault.code for fault in error.faults]}
    except Exception:  # noqa: BLE001 whatever ends an ingest is told with the seed
        found = {"crash": traceback.format_exc()}
    usage = resource.getrusage(resource.RUSAGE_SELF)
    found["seconds"] = time.monotonic() - started
    found["cpu_seconds"] = usage.ru_utime + usage.ru_stime
    found["peak_mb"] = _peak_mb()
    return found


def _peak_mb() -> float:
    """Highest resident memory so far. Megabytes; VmHWM of proc(5)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


if __name__ == "__main__":
    for request in sys.stdin:
        print(json.dumps(answer(json.loads(request))), flush=True)
