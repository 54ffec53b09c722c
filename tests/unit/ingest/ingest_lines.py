"""Lines of landing files."""

from __future__ import annotations

import json
from typing import Any


def event(number: int, **changes: Any) -> str:
    """One good event as a JSON line; `changes` replace or add fields, None drops one."""
    found: dict[str, Any] = {
        "event_id": f"e{number}",
        "event_name": "page_view",
        "occurred_at": f"2026-11-01T10:00:{number % 60:02d}Z",
        "user_id": f"u{number % 3}",
        "properties": {"number": number},
    }
    found.update(changes)
    return json.dumps({key: value for key, value in found.items() if value is not None}) + "\n"
