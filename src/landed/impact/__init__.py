"""From moments to a verdict: one estimate a metric and treatment, one decision a release."""

from .choose import statistic_for
from .conclude import Verdict, conclude
from .estimate import Estimate, estimate_release
from .exposure import Exposure, summarise_exposure
from .judge import Conclusion, judge_interval
from .measure import measure

__all__ = [
    "Conclusion",
    "Estimate",
    "Exposure",
    "Verdict",
    "conclude",
    "estimate_release",
    "judge_interval",
    "measure",
    "statistic_for",
    "summarise_exposure",
]
