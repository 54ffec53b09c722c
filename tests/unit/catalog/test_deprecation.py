"""Metrics on their way out: silent before `since`, a warning until `until`, then refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from written import load, metric

from landed.catalog import Catalog
from landed.catalog.deprecation import (
    lint_deprecated,
    notices,
    require_current,
)
from landed.errors import QueryRefused

META = "owner: growth, value: count, direction: increase_is_good"
OLD = f"{META}, deprecated: {{since: 2026-03-01, until: 2026-03-31, use: events}}"
ORPHAN = f"{META}, deprecated: {{since: 2026-03-01, until: 2026-03-31}}"

BEFORE, FIRST, LAST, AFTER = (
    date(2026, 2, 28),
    date(2026, 3, 1),
    date(2026, 3, 31),
    date(2026, 4, 1),
)

RELEASE = """
release: new
shipped_at: 2026-03-01T00:00:00Z
owner: growth
rollout:
  kind: experiment
  exposure: {{event: feature_flag.evaluation, flag: new_start}}
  control: control
  treatments: [checklist]
  allocation: {{control: 0.5, checklist: 0.5}}
horizon: {{exposure_ends_at: {ends}}}
success: [{{metric: old}}]
"""


def catalog_of(tmp_path: Path, *more: str, meta: str = OLD, **files: str) -> Catalog:
    units = "{measure: event_units}"
    return load(tmp_path, metric("events"), metric("old", params=units, meta=meta), *more, **files)


def test_nothing_is_said_before_since(tmp_path: Path) -> None:
    assert require_current(catalog_of(tmp_path).metrics, ["old"], BEFORE) == ()


@pytest.mark.parametrize("today", [FIRST, LAST])
def test_a_metric_warns_from_since_to_until(tmp_path: Path, today: date) -> None:
    assert require_current(catalog_of(tmp_path).metrics, ["events", "old"], today) == (
        "the metric `old` is deprecated since 2026-03-01 and ends on 2026-03-31: use `events`.",
    )


def test_a_metric_is_refused_after_until_with_its_successor(tmp_path: Path) -> None:
    with pytest.raises(
        QueryRefused, match="the metric `old` ended on 2026-03-31: use `events`"
    ) as refusal:
        require_current(catalog_of(tmp_path).metrics, ["old"], AFTER)

    assert refusal.value.code == "deprecated"


def test_a_metric_without_a_successor_says_so(tmp_path: Path) -> None:
    with pytest.raises(QueryRefused, match="it has no successor"):
        require_current(catalog_of(tmp_path, meta=ORPHAN).metrics, ["old"], AFTER)


def test_a_metric_made_of_a_deprecated_one_tells_of_it(tmp_path: Path) -> None:
    share = metric("share", kind="ratio", params="{numerator: old, denominator: events}")
    twice = metric("twice", kind="derived", params="{expr: 2 * share, metrics: [share]}")
    catalog = catalog_of(tmp_path, share, twice)

    (found,) = require_current(catalog.metrics, ["twice"], FIRST)

    assert "the metric `old`, which `twice` is made of, is deprecated" in found


def test_each_use_is_told_of_once(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path)

    assert len(notices(catalog.metrics, ["old", "old"], FIRST)) == 1


def test_a_metric_made_of_one_that_ended_is_a_fault(tmp_path: Path) -> None:
    share = metric("share", kind="ratio", params="{numerator: old, denominator: events}")
    catalog = catalog_of(tmp_path, share)

    (fault,) = lint_deprecated(catalog, AFTER)

    assert lint_deprecated(catalog, LAST) == []
    assert fault.what.startswith("the metric `share` uses what has ended: the metric `old`")
    assert fault.fix == "use `events`."
    assert fault.where.endswith("all.yml")


def test_a_metric_that_ended_too_is_no_fault(tmp_path: Path) -> None:
    share = metric("share", kind="derived", params="{expr: old, metrics: [old]}", meta=ORPHAN)

    assert lint_deprecated(catalog_of(tmp_path, share), AFTER) == []


def test_a_release_that_is_judged_after_the_end_is_a_fault(tmp_path: Path) -> None:
    late = catalog_of(tmp_path, releases__new=RELEASE.format(ends="2026-04-15T00:00:00Z"))

    (fault,) = lint_deprecated(late, AFTER)

    assert fault.what.startswith("the release `new` uses what has ended")


def test_a_release_that_was_judged_before_the_end_is_history(tmp_path: Path) -> None:
    early = catalog_of(tmp_path, releases__new=RELEASE.format(ends="2026-03-15T00:00:00Z"))

    assert lint_deprecated(early, AFTER) == []


SAVED = """
saved_queries:
  - name: weekly
    label: Weekly
    description: What the growth meeting looks at.
    query_params: {metrics: [old]}
"""


def test_a_saved_query_of_a_metric_that_ended_is_a_fault(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, metrics__weekly=SAVED)

    (fault,) = lint_deprecated(catalog, AFTER)

    assert fault.what.startswith("the saved query `weekly` uses what has ended")
    assert fault.where.endswith("weekly.yml")
    assert lint_deprecated(catalog, LAST) == []
