"""From moments to a verdict: one estimate a metric and treatment, one decision a release."""

from .choose import statistic_for
from .compare import compare
from .conclude import Verdict, conclude
from .estimate import Estimate, estimate_release
from .exposure import Exposure, summarise_exposure
from .judge import Conclusion, judge_interval
from .measure import Measured, measure, measure_segments, outcome_sums, pre_period_sums
from .segments import SegmentEffect, segment_effects

__all__ = [
    "Conclusion",
    "Estimate",
    "Exposure",
    "Measured",
    "SegmentEffect",
    "Verdict",
    "compare",
    "conclude",
    "estimate_release",
    "judge_interval",
    "measure",
    "measure_segments",
    "outcome_sums",
    "pre_period_sums",
    "segment_effects",
    "statistic_for",
    "summarise_exposure",
]
