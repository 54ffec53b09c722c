"""A metric means the same at every look of a release, or a revision says when that changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from landed.catalog import load_catalog
from landed.impact import ReleaseLooks
from landed.impact.calendar import Calendar
from landed.project import load_project

FIRST, SECOND = datetime(2026, 3, 16, tzinfo=UTC), datetime(2026, 3, 17, tzinfo=UTC)
VIEWS = """
with

final as (

    select
        event_id as view_id,
        unit_id,
        seconds,
        upper(page) as page,
        occurred_at as viewed_at

    from {{ ref('fct_events') }}

    where event_name = 'view'

)

select * from final
"""
FIRST_REVISION = "{date: 2026-03-01, change: first definition, by: growth}"
REVISED = f"[{FIRST_REVISION}, {{date: 2026-03-16, change: long views only, by: growth}}]"

HALVED = ("agg: average, expr: seconds}", "agg: average, expr: seconds / 2}")


class Life:
    """A project on disk whose release is looked at, edited and looked at again."""

    def __init__(self, world: Any, root: Path, core: Path) -> None:
        self.world, self.root, self.core = world, root, core
        self.looks: ReleaseLooks | None = None
        self.write("models/fct_views.sql", VIEWS)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def look(self, at: datetime) -> Any:
        self.world.catalog = load_catalog(load_project(self.root), core=self.core)
        self.world.release = self.world.catalog.releases["checklist"]
        found = self.world.assess(
            Calendar("checklist", at, datetime(2026, 3, 16, tzinfo=UTC), at),
            looks=lambda: self.looks,
        )
        if found.looks is not None:
            raw = orjson.dumps(found.looks.as_dict())
            self.looks = ReleaseLooks.of_dict(orjson.loads(raw))  # as it is kept on disk
        return found


@pytest.fixture
def life(world: Any, tmp_path: Path, tiny_project: Callable[[Path], Any]) -> Life:
    root, core = tmp_path / "tiny", tmp_path / "no-core"
    root.mkdir()
    core.mkdir()
    tiny_project(root)
    return Life(world, root, core)


def drift(found: Any, result_of: Any) -> Any:
    return result_of(found.decision, "definition_drift")


def test_a_definition_may_change_before_the_first_look(life: Life) -> None:
    found = life.look(FIRST)

    assert "definition_drift" in found.decision.skipped
    assert life.looks is not None
    assert set(life.looks.definitions) == {"signup_rate", "mean_view_seconds"}


def test_a_metric_that_changed_without_a_revision_blocks(life: Life, result_of: Any) -> None:
    life.look(FIRST)
    life.edit("metrics/signed_up_units.yml", "'signup'", "'view'")

    found = life.look(SECOND)

    assert [check.check_id for check in found.decision.failed] == ["definition_drift"]
    check = drift(found, result_of)
    assert check.details["drifted"] == ["signup_rate"]
    assert check.observed.startswith(
        "`signup_rate`: its definition changed since the look of 2026-03-16, without a revision"
    )
    assert found.report.document["estimates"] == []


def test_a_change_that_is_taken_back_blocks_no_longer(life: Life) -> None:
    life.look(FIRST)
    life.edit("metrics/signed_up_units.yml", "'signup'", "'view'")
    assert life.look(SECOND).report.is_blocked
    life.edit("metrics/signed_up_units.yml", "'view'", "'signup'")

    assert not life.look(SECOND).report.is_blocked


def test_a_revision_lets_a_change_through_and_both_values_are_told(
    life: Life, result_of: Any
) -> None:
    first = life.look(FIRST)
    before = {one.metric: one.absolute_effect for one in first.estimates}["mean_view_seconds"]
    life.edit("models/_models.yml", *HALVED)
    life.edit("metrics/mean_view_seconds.yml", f"[{FIRST_REVISION}]", REVISED)

    found = life.look(SECOND)

    assert not found.report.is_blocked
    check = drift(found, result_of)
    assert (check.severity, check.passed) == ("warning", False)
    assert check.details["revised"] == {"mean_view_seconds": "2026-03-16"}
    estimate = next(e for e in found.estimates if e.metric == "mean_view_seconds")
    assert estimate.status == "not_estimable"
    assert estimate.reason is not None
    assert "revision 2026-03-16: long views only" in estimate.reason
    assert f"the effect was {before:+.4g} at that look" in estimate.reason
    assert f"and is {before / 2:+.4g} as it is defined now" in estimate.reason
    assert "mean_view_seconds" in str(found.report.document["caveats"])


def test_a_second_change_needs_a_second_revision(life: Life, result_of: Any) -> None:
    life.look(FIRST)
    life.edit("models/fct_views.sql", "'view'", "'viewed'")
    life.edit("metrics/mean_view_seconds.yml", f"[{FIRST_REVISION}]", REVISED)
    assert not life.look(SECOND).report.is_blocked
    life.edit("models/fct_views.sql", "'viewed'", "'seen'")

    found = life.look(SECOND)

    assert drift(found, result_of).details["drifted"] == ["mean_view_seconds"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("event_name = 'view'", "event_name = 'view' and seconds < 60"),
        ("        seconds,\n", "        seconds / 1000 as seconds,\n"),
        ("occurred_at as viewed_at", "received_at as viewed_at"),
    ],
)
def test_a_mart_that_selects_otherwise_changes_the_metrics_that_read_it(
    life: Life, result_of: Any, old: str, new: str
) -> None:
    life.look(FIRST)
    life.edit("models/fct_views.sql", old, new)

    check = drift(life.look(SECOND), result_of)

    assert check.blocks
    assert check.details["drifted"] == ["mean_view_seconds"]
    assert "the SQL of a model that it reads changed" in check.observed
    assert life.looks is not None
    effects = [look.effect for looks in life.looks.taken.values() for look in looks]
    assert effects, "a look was taken"
    assert not any(f"{effect:+.4g}" in check.observed for effect in effects if effect)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("models/fct_views.sql", "where event_name", "-- why\nwhere  event_name"),
        ("models/fct_views.sql", "select * from final", "SELECT *\nFROM final"),
        ("models/fct_views.sql", "        seconds,\n", "        seconds,\n        country,\n"),
        ("models/fct_views.sql", "upper(page)", "lower(page)"),
        ("metrics/signup_rate.yml", "What signup_rate counts.", "Other words than before."),
        ("metrics/signup_rate.yml", "label: signup_rate", "label: Sign-ups"),
        ("metrics/signed_up_units.yml", "}} = 'signup'", "}}   =   'signup'"),
        ("models/_models.yml", "One row per view.", "Each view."),
    ],
)  # fmt: skip
def test_other_words_layout_and_columns_nobody_reads_are_no_change(
    life: Life, result_of: Any, name: str, old: str, new: str
) -> None:
    life.look(FIRST)
    life.edit(name, old, new)

    check = drift(life.look(SECOND), result_of)

    assert check.passed
    assert check.observed == "2 metrics as at the first look"


def test_a_metric_that_is_gone_blocks(life: Life, result_of: Any) -> None:
    life.look(FIRST)
    life.edit("releases/checklist.yml", "  - {metric: signup_rate}\n", "")
    (life.root / "metrics" / "signup_rate.yml").unlink()

    check = drift(life.look(SECOND), result_of)

    assert check.blocks
    assert "`signup_rate`: it is gone" in check.observed


def test_looks_kept_before_definitions_were_still_tell_a_change(life: Life, result_of: Any) -> None:
    life.look(FIRST)
    assert life.looks is not None
    kept = life.looks.as_dict()
    del kept["definitions"]
    for look in kept["looks"]:
        look["definition"] = look["definition"].partition("+")[0]
    life.looks = ReleaseLooks.of_dict(kept)

    assert drift(life.look(SECOND), result_of).passed

    life.looks = ReleaseLooks.of_dict(kept)
    life.edit("models/_models.yml", *HALVED)
    assert drift(life.look(SECOND), result_of).blocks

    life.edit("metrics/mean_view_seconds.yml", f"[{FIRST_REVISION}]", REVISED)
    assert not drift(life.look(SECOND), result_of).blocks
