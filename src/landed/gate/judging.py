"""From facts to a decision, in two steps: the data before the estimates, then the results."""

from __future__ import annotations

import functools
import math
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..catalog import Catalog
from ..catalog.releases import Release
from ..errors import GateRefused
from ..warehouse import Engine
from .checks import CHECKS
from .decision import CheckResult, GateDecision, Stage, decide, gate_error
from .exemptions import exempted, exemption_expired
from .expectations import Answer, GateError, Judge
from .facts import MOST_SAMPLED, Account, Fact, ModelTest, NotApplicable, Parameters, Subject, share
from .suites import BOUND_NAMES, SEVERITIES, Expectation, Suite, load_suites
from .told import shown, told

if TYPE_CHECKING:
    from ..impact import Estimate, Exposure, ReleaseLooks

#: A gate that takes longer has hung: it blocks the release instead of holding up the others.
TIMEOUT_SECONDS = 900.0
_MOST_FACTS = 1000  # rows of a project's facts; Great Expectations judges a summary, not a table
_NULL_TYPES = ("expect_column_values_to_be_null", "expect_column_values_to_not_be_null")


def judge_data(
    engine: Engine,
    catalog: Catalog,
    release: Release,
    *,
    accounts: Sequence[Account],
    model_tests: Sequence[ModelTest],
    as_of: datetime,
    exposure: Exposure | None,
    suites: Mapping[str, Suite] | None = None,
    looks: Callable[[], ReleaseLooks | None] = lambda: None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> GateDecision:
    """Judge data and comparison of one release, before any of its numbers are computed.

    Args:
        engine: The build database with its marts.
        catalog: Metric definitions.
        release: The release's file.
        accounts: Row accounts of every source over its whole life.
        model_tests: Results of the models' data tests.
        as_of: The instant of the run; freshness and exemptions look at it.
        exposure: The counts the report will show; they must be the gate's own.
        suites: What `load_suites` gave for the project; None takes the core's alone.
        looks: Reads the looks taken at it before; None where there are none.
        timeout_seconds: Longer than this is a failed check. Seconds, > 0.
    """
    subject = Subject(
        engine,
        catalog,
        release,
        accounts=accounts,
        model_tests=model_tests,
        as_of=as_of,
        looks=looks,
    )

    def work(found: _Found) -> None:
        _judge(subject, "data", suites, found)
        if exposure is not None and not found.errors:
            found.errors.extend(_other_counts(subject, exposure))

    return _decide(release, _within(timeout_seconds, work), as_of, "data")


def judge_results(  # noqa: PLR0917 - the decision first, then as in judge_data, then the numbers
    data_decision: GateDecision,
    engine: Engine,
    catalog: Catalog,
    release: Release,
    moments: Iterable[Mapping[str, Any]],
    estimates: Iterable[Estimate],
    *,
    cutoff_at: datetime,
    by_segment: Iterable[Mapping[str, Any]] = (),
    suites: Mapping[str, Suite] | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> GateDecision:
    """Judge the numbers of a release whose data passed: the gate's last word.

    A release whose data are blocked stays blocked; its decision comes back as it is.

    Args:
        data_decision: What `judge_data` said.
        engine: The build database with its marts.
        catalog: Metric definitions.
        release: The release's file.
        moments: Rows of `landed.impact.measure`.
        estimates: The estimates made of them.
        cutoff_at: Outcomes at or after it do not count.
        by_segment: Rows of moments by level of each segment, where there are any.
        suites: As in `judge_data`.
        timeout_seconds: As in `judge_data`.

    Raises:
        GateRefused: The decision is about another release.
    """
    if data_decision.release != release.release:
        raise GateRefused(
            f"the decision is about `{data_decision.release}`",
            expected=f"one about `{release.release}`",
            fix="judge the data of this release first.",
            code="other_release",
        )
    if not data_decision.passed:
        return data_decision
    subject = Subject(
        engine,
        catalog,
        release,
        moments=tuple(moments),
        by_segment=tuple(by_segment),
        estimates=tuple(estimates),
        given_cutoff_at=cutoff_at,
    )
    found = _within(timeout_seconds, lambda found: _judge(subject, "results", suites, found))
    judged_at = data_decision.judged_at or cutoff_at
    results = _decide(release, found, judged_at, "results")
    return decide(
        release.release,
        (*results.failed, *data_decision.checks, *(c for c in results.checks if not c.blocks)),
        skipped={**data_decision.skipped, **results.skipped},
        stage="results",
        judged_at=judged_at,
    )


@dataclass
class _Found:
    """What one stage brought to light."""

    checks: list[CheckResult] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    given_up: threading.Event = field(default_factory=threading.Event)

    def add(
        self,
        suite: Suite,
        answers: Sequence[tuple[Expectation, Answer]],
        expected: Callable[[Expectation], str],
        fact: Fact,
    ) -> None:
        """One result of all expectations of a check: the gravest failure, else the gravest pass."""
        check_id = answers[0][0].check_id
        errors = [answer.error for _, answer in answers if answer.error]
        if errors:
            self.errors.append(f"check `{check_id}`: {errors[0]}")
            return
        failed = [each for each, answer in answers if not answer.success]
        gravest = max(
            failed or [each for each, _ in answers],
            key=lambda each: SEVERITIES.index(each.severity),
        )
        self.checks.append(
            CheckResult(
                check_id=check_id,
                suite=suite.name,
                severity=gravest.severity,
                passed=not failed,
                observed=fact.observed,
                expected=expected(gravest),
                because=gravest.because,
                fix=f"{fact.fix} {gravest.fix}".strip() if failed else gravest.fix,
                details=fact.details,
                sample=tuple(fact.sample[:MOST_SAMPLED]) if failed else (),
                values={name: float(value) for name, value in fact.columns.items()},
            )
        )


def _judge(
    subject: Subject, stage: Stage, suites: Mapping[str, Suite] | None, found: _Found
) -> None:
    try:
        made = suites if suites is not None else _core_suites()
        judge = judge_of_process()
    except Exception as error:  # noqa: BLE001 - whatever it is, it must block and say so
        found.errors.append(f"the gate cannot start: {told(error)}")
        return
    asked = {check_id for suite in made.values() for check_id in suite.check_ids}
    found.errors.extend(
        f"no suite makes the check `{check_id}`"
        for check_id, check in CHECKS.items()
        if check.stage == stage and check_id not in asked
    )
    for suite in made.values():
        if found.given_up.is_set():
            return
        try:
            if not suite.expectations:
                found.errors.append(f"the suite `{suite.name}` asks nothing")
            elif suite.facts is None:
                _judge_built_in(judge, suite, subject, stage, found)
            elif stage == "data":
                _judge_own_facts(judge, suite, subject, found)
        except Exception as error:  # noqa: BLE001 - likewise
            found.errors.append(f"suite `{suite.name}`: {told(error)}")


def _judge_built_in(
    judge: Judge, suite: Suite, subject: Subject, stage: Stage, found: _Found
) -> None:
    """Built-in checks of one suite: their facts side by side in one row."""
    facts: dict[str, Fact] = {}
    for check_id in suite.check_ids:
        if check_id not in CHECKS:
            found.errors.append(f"check `{check_id}`: it is not built in")
            continue
        if CHECKS[check_id].stage != stage:
            continue
        if found.given_up.is_set():
            return
        try:
            fact = CHECKS[check_id].find(subject, _parameters(suite.of_check(check_id)))
            if isinstance(fact, NotApplicable):
                found.skipped[check_id] = fact.reason
            else:
                _refuse_undecidable(fact)
                facts[check_id] = fact
        except Exception as error:  # noqa: BLE001 - likewise
            found.errors.append(f"check `{check_id}`: {told(error)}")
    if not facts or found.given_up.is_set():
        return
    import pandas as pd

    row = {name: value for fact in facts.values() for name, value in fact.columns.items()}
    expectations = [each for each in suite.expectations if each.check_id in facts]
    answers = judge.answers(suite.name, pd.DataFrame([row]), expectations)
    for check_id, fact in facts.items():
        found.add(
            suite,
            _of_check(check_id, expectations, answers),
            functools.partial(_expected, fact),
            fact,
        )


def _judge_own_facts(judge: Judge, suite: Suite, subject: Subject, found: _Found) -> None:
    """Checks over a project's own facts."""
    sql = suite.facts or ""
    known = {
        "release": subject.release.release,
        "shipped_at": subject.dates.shipped_at,
        "cutoff_at": subject.dates.cutoff_at,
    }
    bound = {name: known[name] for name in sorted(BOUND_NAMES) if re.search(rf"\${name}\b", sql)}
    frame = subject.engine.frame(sql, bound)
    if not 1 <= len(frame) <= _MOST_FACTS:
        raise GateError(f"its facts have {len(frame):,} rows", expected=f"1 to {_MOST_FACTS:,}")
    for each in suite.expectations:
        column = each.kwargs.get("column")
        if column in frame and each.type not in _NULL_TYPES and frame[column].isna().any():
            raise GateError(f"its fact `{column}` has a null", expected="a value in every row")
    answers = judge.answers(suite.name, frame, suite.expectations)
    for check_id in suite.check_ids:
        mine = _of_check(check_id, suite.expectations, answers)
        column = str(mine[0][0].kwargs.get("column", ""))
        named = (subject.release.variants, *(each.kwargs.values() for each, _ in mine))
        found.add(suite, mine, _described, Fact({}, shown(frame, column, named), ""))


def _of_check(
    check_id: str, expectations: Sequence[Expectation], answers: Sequence[Answer]
) -> list[tuple[Expectation, Answer]]:
    pairs = zip(expectations, answers, strict=True)
    return [(each, answer) for each, answer in pairs if each.check_id == check_id]


def _decide(release: Release, found: _Found, as_of: datetime, stage: Stage) -> GateDecision:
    """Apply the exemptions and decide; the gate's own failures stand first."""
    first = [gate_error(found.errors)] if found.errors else []
    lapsed = [each for each in release.exemptions if each.expires_at <= as_of]
    if lapsed and stage == "data":
        first.append(exemption_expired(lapsed))
    valid = {each.check: each for each in release.exemptions if each not in lapsed}
    judged = [
        exempted(check, valid[check.check_id])
        if check.blocks and check.check_id in valid
        else check
        for check in found.checks
    ]
    order = {check_id: position for position, check_id in enumerate(CHECKS)}
    ordered = sorted(
        judged, key=lambda check: (not check.blocks, order.get(check.check_id, len(order)))
    )
    return decide(
        release.release, (*first, *ordered), skipped=found.skipped, stage=stage, judged_at=as_of
    )


def _other_counts(subject: Subject, exposure: Exposure) -> list[str]:
    """Where the counts the report will show are not the counts the gate judged."""
    shown = {variant: int(units) for variant, units in exposure.counts.items()}
    return [
        f"the report counts {shown.get(variant, 0):,} units in {variant}, the gate {units:,}"
        for variant, units in subject.units_by_variant.items()
        if shown.get(variant, 0) != units
    ]


def _refuse_undecidable(fact: Fact) -> None:
    """Great Expectations lets a null pass any range: it must never see one."""
    if not isinstance(fact, Fact):
        raise GateError("it found nothing", expected="a finding, or why it does not apply")
    for name, value in fact.columns.items():
        if value is None or not math.isfinite(value):
            raise GateError(f"its fact `{name}` is {value}", expected="a finite number")


def _parameters(expectations: Sequence[Expectation]) -> Parameters:
    given = {name: value for each in expectations for name, value in each.parameters.items()}
    sources = {source for each in expectations for source in each.by_source}
    by_source = {
        source: {n: v for each in expectations for n, v in each.by_source.get(source, {}).items()}
        for source in sources
    }
    return Parameters(given, by_source)


def _expected(fact: Fact, expectation: Expectation) -> str:
    kwargs = expectation.kwargs
    limit = (
        kwargs.get("max_value") if kwargs.get("max_value") is not None else kwargs.get("min_value")
    )
    if limit is None:
        return fact.expected
    written = share(float(limit)) if fact.limit_as == "share" else f"{limit:g}"
    return fact.expected.replace("{limit}", written)


def _described(expectation: Expectation) -> str:
    words = expectation.type.removeprefix("expect_").replace("_", " ")
    rest = ", ".join(f"{name} {value}" for name, value in sorted(expectation.kwargs.items()))
    return f"{words} ({rest})"


@functools.cache
def _core_suites() -> Mapping[str, Suite]:
    return load_suites()


@functools.cache
def judge_of_process() -> Judge:
    """The one judge of this process: making it imports Great Expectations."""
    return Judge()


def _within(seconds: float, work: Callable[[_Found], None]) -> _Found:
    """Do the work in a thread that may be given up; time spent is a failed check, not a hang.

    A thread cannot be stopped from outside: one given up ends before its next query or suite.
    """
    found, ended = _Found(), threading.Event()

    def run() -> None:
        try:
            work(found)
        except BaseException as error:  # noqa: BLE001 - likewise, also what a library exits with
            found.errors.append(told(error))
        finally:
            ended.set()

    threading.Thread(target=run, name="landed-gate", daemon=True).start()
    if ended.wait(seconds):
        return found
    found.given_up.set()
    return _Found(errors=[f"no answer within {seconds:g} seconds"])
