"""The brute-force oracle's definitions and marts are read by other layers too."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).parent
sys.path.insert(0, str(_HERE))
sys.path.insert(0, str(_HERE.parent / "compiler"))  # kinds
