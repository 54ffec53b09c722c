"""One run of the gate: lake in memory, compiled models, the product's own assessment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from sql.lake_rows import LAKE

from landed.catalog import Catalog
from landed.catalog.releases import Release
from landed.gate import ModelTest, Suite, judging
from landed.gate.expectations import Answer, GateError
from landed.gate.suites import Expectation
from landed.impact import ReleaseLooks
from landed.impact.calendar import read_data_through, release_calendar, write_releases
from landed.report.assess import Assessment, assess_release
from landed.settings import Settings
from landed.warehouse import Engine

from ..account import Account
from .models import Compiled, compiled
from .product import NOW, Drawn, draw

_SOURCES = """
create table lake.sources (source varchar, kind varchar, complete_through timestamp);
insert into lake.sources values ('app', 'events', null);
"""


@dataclass
class Case:
    """A product that a fault is planted in, step by step: lake, marts, what the run is told."""

    made: Compiled
    drawn: Drawn
    engine: Engine
    release: Release
    catalog: Catalog
    suites: Mapping[str, Suite]
    accounts: list[Account]
    now: datetime = NOW
    model_tests: list[ModelTest] = field(
        default_factory=lambda: [ModelTest("fct_exposures", "unique_together", True)]
    )
    looks: Callable[[], ReleaseLooks | None] = lambda: None

    def sql(self, text: str, **values: Any) -> None:
        """Change the lake, or the marts once they are built."""
        self.engine.execute(text, values or None)

    def count_rows(self) -> None:
        """Account for the lake as it is: whatever got an id of its own was accepted."""
        (rows,) = self.engine.one("select count(*) from lake.events") or (0,)
        self.accounts[0].rows_in = self.accounts[0].accepted = rows

    def build(self, **how: Any) -> None:
        """The marts of the lake as it is, but for what `Compiled.build` is told."""
        through = read_data_through(self.engine, self.now)
        assert through is not None
        calendar = release_calendar(self.release, self.catalog, through)
        write_releases(self.engine, [self.release], {self.release.release: calendar})
        self.engine.execute(
            "create or replace view lake.touched_events as select * from lake.events"
        )
        self.made.build(self.engine, **how)

    def test_models(self) -> None:
        """The models' data tests on the marts as they are; else one that passed stands for all."""
        self.model_tests = self.made.test(self.engine)

    def assess(self) -> Assessment:
        through = read_data_through(self.engine, self.now)
        assert through is not None
        return assess_release(
            self.engine,
            self.catalog,
            self.release,
            release_calendar(self.release, self.catalog, through),
            suites=self.suites,
            accounts=self.accounts,
            model_tests=self.model_tests,
            now=self.now,
            snapshot="0" * 16,
            provenance={"lake": "0"},
            looks=self.looks,
        )


@contextmanager
def open_case(people: int, seed: int) -> Iterator[Case]:
    """The clean product of a seed, its lake filled and nothing built."""
    made, drawn = compiled(), draw(people, seed)
    with Engine.open(None, settings=Settings(threads=1, memory_limit_mb=8192)) as engine:
        engine.execute(LAKE + _SOURCES)
        engine.register("clean", drawn.events)
        engine.execute("create or replace table lake.events as select * from clean")
        engine.register("truth", drawn.truth)
        rows = len(drawn.events)
        yield Case(
            made,
            drawn,
            engine,
            made.release,
            made.catalog,
            made.suites,
            [Account("app", "events", rows, rows)],
        )


class PlainJudge:
    """Stands in for Great Expectations, at 6 ms an expectation; a test holds both equal."""

    def answers(self, suite: str, frame: Any, expectations: Sequence[Expectation]) -> list[Answer]:
        if not expectations:
            raise GateError(f"the suite `{suite}` asks nothing")
        return [Answer(self._meets(frame, each)) for each in expectations]

    def _meets(self, frame: Any, asked: Expectation) -> bool:
        if asked.type != "expect_column_values_to_be_between":
            raise NotImplementedError(asked.type)
        known = dict(asked.kwargs)
        column, low, high = (known.pop(key, None) for key in ("column", "min_value", "max_value"))
        strict_low, strict_high = known.pop("strict_min", False), known.pop("strict_max", False)
        if known:
            raise NotImplementedError(f"{asked.type} with {sorted(known)}")
        return all(
            (low is None or value > low or (value == low and not strict_low))
            and (high is None or value < high or (value == high and not strict_high))
            for value in frame[column]
        )


@contextmanager
def plainly_judged() -> Iterator[None]:
    """The gate with the plain judge."""
    with pytest.MonkeyPatch.context() as patch:
        plain = PlainJudge()
        patch.setattr(judging, "judge_of_process", lambda: plain)
        yield


@dataclass(frozen=True)
class Outcome:
    """What one run came to.

    Args:
        verdict: Of the report; None where none was published.
        blocked_by: Failed critical checks.
        warned_by: Failed checks that do not block.
        checks: Every check's `observed`.
        headline: Absolute effect by metric, of a published report.
    """

    verdict: str | None
    blocked_by: frozenset[str]
    warned_by: frozenset[str]
    checks: Mapping[str, str]
    headline: Mapping[str, float | None]

    @property
    def is_published(self) -> bool:
        return self.verdict is not None


def outcome_of(found: Assessment) -> Outcome:
    decision = found.decision
    return Outcome(
        found.verdict.decision if found.verdict is not None else None,
        frozenset(check.check_id for check in decision.failed),
        frozenset(check.check_id for check in decision.warnings),
        {check.check_id: check.observed for check in decision.checks},
        {one.metric: one.absolute_effect for one in found.estimates},
    )


__all__ = ["Account", "Case", "Outcome", "PlainJudge", "open_case", "outcome_of", "replace"]
