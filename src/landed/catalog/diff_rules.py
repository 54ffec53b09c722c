"""Which change is harmless, compatible or breaking, and why: the table of rules.

`docs/reference/diff.md` prints this table; a test holds the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["harmless", "compatible", "breaking"]
SEVERITIES: tuple[Severity, ...] = ("harmless", "compatible", "breaking")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a kind of change is, and why."""

    severity: Severity
    why: str


_NUMBER = "the same query gives another number than before"
_NAME = "a query, report or dashboard that names it is refused"

RULES: dict[str, Rule] = {
    # what people read
    "label": Rule("harmless", "people read it; nothing is computed from it"),
    "description": Rule("harmless", "people read it; nothing is computed from it"),
    "owner": Rule("harmless", "it says whom to ask"),
    "tier_raised": Rule("harmless", "the same number is vouched for more"),
    "file_moved": Rule("harmless", "a definition is found by its name"),
    "written_otherwise": Rule("harmless", "what is computed is the same"),
    "revision_text": Rule("harmless", "it tells the past in other words"),
    "saved_query_order": Rule("harmless", "the same rows come in another order"),
    "dashboard": Rule("harmless", "it reads metrics; none reads it"),
    # what is more than before
    "metric_added": Rule("compatible", "nobody named it before"),
    "dimension_added": Rule("compatible", "nobody named it before"),
    "measure_added": Rule("compatible", "nobody named it before"),
    "entity_added": Rule("compatible", "nobody named it before"),
    "model_added": Rule("compatible", "nobody named it before"),
    "model_columns": Rule("compatible", "the columns of before are still the same"),
    "saved_query_added": Rule("compatible", "nobody read it before"),
    "saved_query_metric_added": Rule("compatible", "the columns of before are still there"),
    "unit_added": Rule("compatible", "it gains outcomes of units; its other numbers stay"),
    "gap_rows": Rule("compatible", "periods without rows are shown; the numbers of others stay"),
    "tier_lowered": Rule("compatible", "the same number is vouched for less"),
    "deprecated": Rule("compatible", "queries are warned, and answered until it ends"),
    "deprecation_extended": Rule("compatible", "it is answered longer"),
    "deprecation_withdrawn": Rule("compatible", "it stays"),
    "deprecation_successor": Rule("compatible", "the warning names another metric"),
    "revision_added": Rule("compatible", "a change of the definition is told"),
    "threshold_added": Rule("compatible", "a verdict can now say what it could not"),
    "retired": Rule("compatible", "it was deprecated, and its time is over"),
    "unused_measure": Rule("compatible", "no metric was made of it"),
    # what is another number
    "formula": Rule("breaking", _NUMBER),
    "unit_changed": Rule("breaking", "outcomes of units are those of other units"),
    "column_types": Rule("breaking", "the column holds other values than before"),
    "value": Rule("breaking", "the same number means something else"),
    "direction": Rule("breaking", "a rise that was good may now be called harm"),
    "threshold": Rule("breaking", "the same numbers may give another verdict"),
    "timezone": Rule("breaking", "days, weeks and months hold other rows"),
    "entity_changed": Rule("breaking", "rows are joined, or units told apart, by another key"),
    "dimension_changed": Rule("breaking", "groups and conditions hold other rows"),
    "model_changed": Rule("breaking", "its metrics and dimensions read another table"),
    "model_sql": Rule("breaking", "the rows that metrics are computed from may be other ones"),
    "saved_query_changed": Rule("breaking", "its readers get other rows"),
    # what is no longer there
    "metric_removed": Rule("breaking", _NAME),
    "metric_renamed": Rule("breaking", _NAME),
    "dimension_removed": Rule("breaking", _NAME),
    "dimension_renamed": Rule("breaking", _NAME),
    "dimension_type": Rule("breaking", "queries that group or compare it are refused or differ"),
    "dimension_ambiguous": Rule("breaking", "queries that name it in short are refused"),
    "dimension_unreachable": Rule("breaking", _NAME),
    "measure_removed": Rule("breaking", "whatever names it no longer loads"),
    "measure_renamed": Rule("breaking", "whatever names it no longer loads"),
    "entity_removed": Rule("breaking", "whatever is joined or grouped by it is refused"),
    "prefix_changed": Rule("breaking", "all its dimensions have other names"),
    "model_removed": Rule("breaking", "its measures and dimensions are gone"),
    "saved_query_removed": Rule("breaking", "its readers find nothing, or what is old"),
    "saved_query_metric_removed": Rule("breaking", "its readers miss a column"),
    "deprecation_shortened": Rule("breaking", "queries are refused earlier than was said"),
}
