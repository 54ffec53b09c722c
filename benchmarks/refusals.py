"""How long a refusal takes: `python -m benchmarks.refusals`.

The queries are those of the tests, so that what is timed is what is proven to be refused with a
fix that works. Each is refused five times; the best of the five counts, as the rest is what else
the machine did. Time is that of the processor. The limit is 10 ms.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from pathlib import Path

from landed.catalog import load_catalog
from landed.compiler import compile_script, parse_sql
from landed.errors import QueryRefused
from landed.project import load_project

ROOT = Path(__file__).resolve().parents[1]
LIMIT_MS = 10.0
REPETITIONS = 5


def main() -> int:
    """Print the distribution and the slowest; 1 where one is over the limit or is not refused."""
    sys.path.insert(0, str(ROOT / "tests" / "unit" / "compiler"))
    from refused import REFUSED

    catalog = load_catalog(load_project(ROOT / "examples" / "demo"))
    today = date(2026, 1, 15)
    found: list[tuple[float, str]] = []
    for sql, _, _ in REFUSED:
        best = float("inf")
        for _ in range(REPETITIONS):
            started = time.process_time()
            try:
                compile_script(catalog, parse_sql(sql, catalog, today=today))
            except QueryRefused:
                best = min(best, (time.process_time() - started) * 1000)
            else:
                print(f"not refused: {sql[:80]}")
                return 1
        found.append((best, sql))
    found.sort(reverse=True)
    times = [milliseconds for milliseconds, _ in found]
    print(f"{len(times)} queries refused; limit {LIMIT_MS:g} ms each")
    print(f"median {times[len(times) // 2]:.2f} ms, slowest {times[0]:.2f} ms")
    for milliseconds, sql in found[:5]:
        print(f"{milliseconds:8.2f} ms  {len(sql):9,} characters  {sql[:60]!r}")
    return 0 if times[0] <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
