"""Statistics from moments alone: pure functions of counts and sums, no rows, no I/O, no clock.

Whatever cannot be estimated comes back as `NotEstimable`; NaN and infinity never leave.
"""

from .confidence_sequence import sequence_bound
from .exact import FisherExact, fisher_exact
from .intervals import critical_value, interval_at, relative_interval_at
from .joint import JointSums
from .means import welch
from .moments import Moments
from .placebo import PlaceboDifference, placebo_difference
from .power import minimum_detectable_effect, size_factor, units_needed
from .proportions import two_proportions
from .ratios import ratio_of_sums
from .relative import fieller_relative_effect
from .results import Difference, NotEstimable, RelativeEffect
from .sample_ratio import SampleRatio, sample_ratio, staged_sample_ratio
from .sequential import Look, crossing_probabilities, next_bound, planned_looks, spend
from .staggered import GroupTime, PreTrend, StaggeredEffect, staggered_effect
from .synthetic import SyntheticControl, synthetic_control

__all__ = [
    "Difference",
    "FisherExact",
    "GroupTime",
    "JointSums",
    "Look",
    "Moments",
    "NotEstimable",
    "PlaceboDifference",
    "PreTrend",
    "RelativeEffect",
    "SampleRatio",
    "StaggeredEffect",
    "SyntheticControl",
    "critical_value",
    "crossing_probabilities",
    "fieller_relative_effect",
    "fisher_exact",
    "interval_at",
    "minimum_detectable_effect",
    "next_bound",
    "placebo_difference",
    "planned_looks",
    "ratio_of_sums",
    "relative_interval_at",
    "sample_ratio",
    "sequence_bound",
    "size_factor",
    "spend",
    "staged_sample_ratio",
    "staggered_effect",
    "synthetic_control",
    "two_proportions",
    "units_needed",
    "welch",
]
