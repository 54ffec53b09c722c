"""From moments to a verdict: one estimate a metric and treatment, one decision a release."""

from .choose import statistic_for
from .compare import compare
from .conclude import Verdict, conclude
from .estimate import Estimate, estimate_release
from .exploratory import Exploratory, explore
from .exposure import Exposure, summarise_exposure
from .judge import Conclusion, conclude_metric, crossed_at
from .kept_definitions import Revised, revised_metrics
from .look_plan import as_planned, plan_changes, plan_looks
from .looks import ReleaseLooks, begin_or_continue
from .measure import Measured, measure, measure_segments, outcome_sums, pre_period_sums
from .measure_quantiles import measure_quantiles
from .segments import SegmentEffect, segment_effects

__all__ = [
    "Conclusion",
    "Estimate",
    "Exploratory",
    "Exposure",
    "Measured",
    "ReleaseLooks",
    "Revised",
    "SegmentEffect",
    "Verdict",
    "as_planned",
    "begin_or_continue",
    "compare",
    "conclude",
    "conclude_metric",
    "crossed_at",
    "estimate_release",
    "explore",
    "measure",
    "measure_quantiles",
    "measure_segments",
    "outcome_sums",
    "plan_changes",
    "plan_looks",
    "pre_period_sums",
    "revised_metrics",
    "segment_effects",
    "statistic_for",
    "summarise_exposure",
]
