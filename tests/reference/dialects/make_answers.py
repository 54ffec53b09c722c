"""Ask an engine for the answers that are kept: `make_answers.py clickhouse` or `… spark`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def main() -> int:
    sys.path[:0] = [str(HERE), str(HERE.parent / "compiler")]
    from committed import write

    try:
        score = write(sys.argv[1])
    except pytest.skip.Exception as reason:
        print(reason.msg)
        return 1
    print(sys.argv[1], score, *score.wrong, sep="\n")
    return 1 if score.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
