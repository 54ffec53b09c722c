"""Statistics from moments alone: pure functions of counts and sums, no rows, no I/O, no clock.

Whatever cannot be estimated comes back as `NotEstimable`; NaN and infinity never leave.
"""

from .exact import FisherExact, fisher_exact
from .joint import JointSums
from .means import welch
from .moments import Moments
from .power import minimum_detectable_effect, size_factor, units_needed
from .proportions import two_proportions
from .ratios import ratio_of_sums
from .relative import fieller_relative_effect
from .results import Difference, NotEstimable, RelativeEffect
from .sample_ratio import SampleRatio, sample_ratio, staged_sample_ratio

__all__ = [
    "Difference",
    "FisherExact",
    "JointSums",
    "Moments",
    "NotEstimable",
    "RelativeEffect",
    "SampleRatio",
    "fieller_relative_effect",
    "fisher_exact",
    "minimum_detectable_effect",
    "ratio_of_sums",
    "sample_ratio",
    "size_factor",
    "staged_sample_ratio",
    "two_proportions",
    "units_needed",
    "welch",
]
