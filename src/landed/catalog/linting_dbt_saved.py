"""What dbt refuses in saved queries and in exposures, and landed could read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..documents import Document
from ..errors import Fault
from .building_kinds import texts
from .definitions import METRIC_TIME
from .expressions import parse_condition
from .names import did_you_mean, show
from .reading import Entry

_KEY = re.compile(
    r"(?P<kind>Metric|Dimension|TimeDimension)\(\s*['\"](?P<name>[a-z0-9_]+)['\"]\s*"
    r"(?:,\s*['\"](?P<grain>[a-z]+)['\"]\s*)?\)"
)
_DESCENDING = re.compile(r"\.descending\(\s*(?:True|False)\s*\)$")
_METRIC = re.compile(r"metric\(\s*['\"]([A-Za-z0-9_]+)['\"]\s*\)")
_TYPES = ("dashboard", "notebook", "analysis", "ml", "application")


def lint_saved(saved: Mapping[str, Entry], metrics: Mapping[str, Entry]) -> Iterator[Fault]:
    """Names that dbt does not find in a saved query, or not as they are spelled.

    Args:
        metrics: Those that dbt knows.
    """
    for entry in saved.values():
        params = entry.data["query_params"]
        for index, name in enumerate(params["metrics"]):
            if name not in metrics:
                what = f"{show(name)} stands under product_metrics, which dbt does not read"
                yield _fault(entry, what, "ask for it by `landed query`.", "metrics", index)
        grouped = set()
        for index, text in enumerate(params.get("group_by", ())):
            grouped.add(_spelled(text))
            if not _is_full(text):
                what, fix = f"{show(text)} names no dimension to dbt", _instead(text)
                yield _fault(entry, what, fix, "group_by", index)
        for index, text in enumerate(params.get("order_by", ())):
            key = _spelled(_DESCENDING.sub("", text.strip()))
            if key is None or (key[0] != "Metric" and key not in grouped):
                what = f"{show(text)} is no order to dbt"
                fix = "write it as in group_by, or Metric('…'), with .descending(True) behind it."
                yield _fault(entry, what, fix, "order_by", index)
        for text in texts(params.get("where")):
            for one in parse_condition(text).references:
                if one.kind != "entity" and one.name != METRIC_TIME and "__" not in one.name:
                    what = f"the condition names {show(one.name)} without its entity"
                    yield _fault(entry, what, _instead(one.name), "where")


def lint_dashboards(
    exposures: Sequence[tuple[Document, int, dict[str, Any]]], metrics: Mapping[str, Entry]
) -> Iterator[Fault]:
    """Exposures that dbt cannot read, or whose metrics it does not find."""
    for document, index, raw in exposures:
        at, name = ("exposures", index), show(raw["name"])

        def fault(what: str, fix: str, *key: str | int) -> Fault:
            where = document.where(*at, *key)  # noqa: B023
            return Fault(what, "what dbt takes", where, fix, "dbt")

        if raw.get("type") not in _TYPES:
            yield fault(f"the exposure {name} has no type of dbt's", f"one of {', '.join(_TYPES)}.")
        if not isinstance(raw.get("owner"), dict):
            yield fault(f"the exposure {name} has no owner", "write owner: {name: …, email: …}.")
        listed = raw.get("depends_on")
        for text in listed if isinstance(listed, list) else ():
            found = _METRIC.fullmatch(str(text).strip())
            if found is not None and found[1] not in metrics:
                what = f"the exposure {name} reads {show(found[1])}, which dbt does not know"
                yield fault(what, did_you_mean(found[1], metrics), "depends_on")


def _fault(entry: Entry, what: str, fix: str, *key: str | int) -> Fault:
    return entry.fault(what, "what dbt takes", fix, "dbt", "query_params", *key)


def _spelled(text: str) -> tuple[str, str, str | None] | None:
    found = _KEY.fullmatch(text.strip())
    return (found["kind"], found["name"], found["grain"]) if found else None


def _is_full(text: str) -> bool:
    key = _spelled(text)
    return key is not None and (key[1] == METRIC_TIME or "__" in key[1])


def _instead(text: str) -> str:
    key = _spelled(text)
    name = key[1] if key else text.strip()
    if "__" in name:
        return f"write Dimension('{name}')."
    return f"write Dimension('<entity>__{name}'); ask about a release by `landed query`."
