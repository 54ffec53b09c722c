"""From moments to a verdict: one estimate a metric and treatment, one decision a release."""

from .choose import statistic_for
from .conclude import Verdict, conclude
from .estimate import Estimate, estimate_release
from .exposure import Exposure, summarise_exposure
from .judge import Conclusion, judge_interval
from .measure import Measured, measure, measure_segments, outcome_sums, pre_period_sums

__all__ = [
    "Conclusion",
    "Estimate",
    "Exposure",
    "Measured",
    "Verdict",
    "conclude",
    "estimate_release",
    "judge_interval",
    "measure",
    "measure_segments",
    "outcome_sums",
    "pre_period_sums",
    "statistic_for",
    "summarise_exposure",
]
