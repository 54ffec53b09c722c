"""Did it land? Verdicts on every release, on checked data, or not at all."""

__version__ = "0.1.0"
