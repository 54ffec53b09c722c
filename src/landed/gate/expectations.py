"""Great Expectations judges one small frame of facts. The only module that imports it."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import LandedError

if TYPE_CHECKING:
    import pandas as pd

    from .suites import Expectation


class GateError(LandedError):
    """The judge gave no answer, or not one to every question."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Great Expectations said to one expectation.

    Args:
        success: Whether the frame met it.
        error: Why there is no answer; None where there is one.
    """

    success: bool
    error: str | None = None


class Judge:
    """One ephemeral Great Expectations context; nothing is written, nothing is sent.

    Making one imports the library, which costs seconds: make it once and judge all suites with it.
    """

    def __init__(self) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when the library is imported
        self._lock = threading.Lock()
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        self._gx = gx
        self._context = gx.get_context(mode="ephemeral")
        bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        self._context.variables.progress_bars = bars
        source = self._context.data_sources.add_pandas("facts")
        asset = source.add_dataframe_asset("facts")
        self._batch = asset.add_batch_definition_whole_dataframe("facts")

    def answers(
        self, suite: str, frame: pd.DataFrame, expectations: Sequence[Expectation]
    ) -> list[Answer]:
        """Judge a frame: one answer an expectation, in their order.

        Raises:
            GateError: There is nothing to ask, or not exactly one answer a question.
        """
        if not expectations:
            raise GateError(
                f"the suite `{suite}` asks nothing",
                expected="at least one expectation",
                code="empty_suite",
            )
        from great_expectations.expectations.expectation_configuration import (
            ExpectationConfiguration,
        )
        from great_expectations.expectations.metadata_types import FailureSeverity

        asked = self._gx.ExpectationSuite(
            name=suite,
            expectations=[
                ExpectationConfiguration(
                    type=each.type,
                    kwargs=dict(each.kwargs),
                    severity=FailureSeverity(each.severity),
                    meta={"position": position},
                )
                for position, each in enumerate(expectations)
            ],
        )
        with self._lock:  # the context is shared: two at once would judge each other's frames
            results = self._batch.get_batch({"dataframe": frame}).validate(asked).results
        return match_answers(suite, results, len(expectations))


def match_answers(suite: str, results: Sequence[Any], asked: int) -> list[Answer]:
    """Bring results into the order of the questions; results with errors come first in theirs.

    Raises:
        GateError: A question has no result, or more than one.
    """
    by_position: dict[int, Answer] = {}
    for result in results:
        position = result.expectation_config.meta["position"]
        error = _exception_of(result)
        by_position[position] = Answer(result.success is True and error is None, error)
    if len(results) != asked or sorted(by_position) != list(range(asked)):
        raise GateError(
            f"the suite `{suite}` got {len(results)} results",
            expected=f"{asked}, one an expectation",
            code="missing_result",
        )
    return [by_position[position] for position in range(asked)]


def _exception_of(result: Any) -> str | None:
    """Why a result is none, in our words: those of the library quote values of the frame.

    What `exception_info` says is in one mapping, or in one a metric.
    """
    info, asked = result.exception_info, result.expectation_config
    if not isinstance(info, Mapping):
        return None
    column = asked.kwargs.get("column")
    of_column = "" if column is None else f" of the column `{column}`"
    for entry in (info, *info.values()):
        if isinstance(entry, Mapping) and entry.get("raised_exception"):
            said = str(entry.get("exception_message"))
            if f'The column "{column}" in BatchData does not exist' in said:
                return f"there is no column `{column}` in its facts"
            return f"Great Expectations cannot judge `{asked.type}`{of_column}"
    return None
