"""Settings from the environment, read once where a program starts and handed down.

Nothing here is read at import. Every field has a line in `.env.example`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import ContractError, Fault


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment decides.

    Args:
        home: Folder that holds all state; None means `<project>/.landed`.
        threads: Threads of the embedded engine. Count, >= 1.
        memory_limit_mb: Memory of the embedded engine. Megabytes, >= 128.
        query_timeout_seconds: Longest time a metric query may run. Seconds, > 0.
        bi_url: PostgreSQL URL of the team's own BI store; None means the embedded one.
        plain: True where output must not use colours or live progress.
    """

    home: Path | None = None
    threads: int = 2
    memory_limit_mb: int = 4096
    query_timeout_seconds: float = 60.0
    bi_url: str | None = None
    plain: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read LANDED_* and NO_COLOR.

        Raises:
            ContractError: A value is not of its type or range; all such values at once.
        """
        env = os.environ if environ is None else environ
        faults: list[Fault] = []
        threads = _number(env, "LANDED_THREADS", os.cpu_count() or 2, 1, faults)
        memory = _number(env, "LANDED_MEMORY_LIMIT_MB", 4096, 128, faults)
        timeout = _number(env, "LANDED_QUERY_TIMEOUT_SECONDS", 60, 1, faults)
        if faults:
            raise ContractError(faults)
        return cls(
            home=Path(env["LANDED_HOME"]) if env.get("LANDED_HOME") else None,
            threads=threads,
            memory_limit_mb=memory,
            query_timeout_seconds=float(timeout),
            bi_url=env.get("LANDED_BI_URL") or None,
            plain=bool(env.get("NO_COLOR") or env.get("LANDED_PLAIN")),
        )


def _number(
    env: Mapping[str, str], name: str, default: int, least: int, faults: list[Fault]
) -> int:
    text = env.get(name)
    if not text:
        return default
    if text.isdecimal() and int(text) >= least:
        return int(text)
    faults.append(
        Fault(
            f"{name} is {text!r}",
            f"a whole number of at least {least}",
            "the environment",
            f"set {name} to a number, or unset it for {default}.",
            "setting",
        )
    )
    return default
