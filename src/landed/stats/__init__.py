"""Statistics from moments alone: pure functions of counts and sums, no rows, no I/O, no clock.

Whatever cannot be estimated comes back as `NotEstimable`; NaN and infinity never leave.
"""

from .absence import absence_p_value, part_silence_p_value, silence_p_value
from .adjustment import Adjusted, adjusted_difference
from .balance import Balance, joint_balance
from .change_in_allocation import AllocationChange, change_in_allocation
from .clusters import design_effect, difference_of_clusters, intracluster_correlation
from .confidence_sequence import sequence_bound
from .design import correlated_paths, detectable_drift, explained_share
from .difference_looks import DifferenceLook, difference_path
from .exact import FisherExact, binomial_tail, fisher_exact
from .interaction import Interaction, false_discovery_p_values, interaction, shrunken_effects
from .intervals import critical_value, interval_at, relative_interval_at
from .joint import JointSums
from .means import welch
from .moments import Moments
from .placebo import PlaceboDifference, placebo_difference
from .power import minimum_detectable_effect, size_factor, units_needed
from .proportions import two_proportions
from .quantiles import QuantileOfRows, difference_of_quantiles, quantile_of_rows
from .ratios import ratio_of_sums
from .relative import fieller_relative_effect
from .replay import Replay, replayed_splits
from .results import Difference, NotEstimable, RelativeEffect
from .reversal import Reversal, reversal
from .sample_ratio import SampleRatio, sample_ratio, staged_sample_ratio
from .sample_ratio_looks import SampleRatioLook, SampleRatioPath, sample_ratio_path
from .sequential import Look, crossing_probabilities, next_bound, planned_looks, spend
from .skew import refuse_skew, skew_of_difference, skewness
from .staggered import GroupTime, PreTrend, StaggeredEffect, staggered_effect
from .synthetic import SyntheticControl, synthetic_control
from .trend import EffectTrend, effect_trend

__all__ = [
    "Adjusted",
    "AllocationChange",
    "Balance",
    "Difference",
    "DifferenceLook",
    "EffectTrend",
    "FisherExact",
    "GroupTime",
    "Interaction",
    "JointSums",
    "Look",
    "Moments",
    "NotEstimable",
    "PlaceboDifference",
    "PreTrend",
    "QuantileOfRows",
    "RelativeEffect",
    "Replay",
    "Reversal",
    "SampleRatio",
    "SampleRatioLook",
    "SampleRatioPath",
    "StaggeredEffect",
    "SyntheticControl",
    "absence_p_value",
    "adjusted_difference",
    "binomial_tail",
    "change_in_allocation",
    "correlated_paths",
    "critical_value",
    "crossing_probabilities",
    "design_effect",
    "detectable_drift",
    "difference_of_clusters",
    "difference_of_quantiles",
    "difference_path",
    "effect_trend",
    "explained_share",
    "false_discovery_p_values",
    "fieller_relative_effect",
    "fisher_exact",
    "interaction",
    "interval_at",
    "intracluster_correlation",
    "joint_balance",
    "minimum_detectable_effect",
    "next_bound",
    "part_silence_p_value",
    "placebo_difference",
    "planned_looks",
    "quantile_of_rows",
    "ratio_of_sums",
    "refuse_skew",
    "relative_interval_at",
    "replayed_splits",
    "reversal",
    "sample_ratio",
    "sample_ratio_path",
    "sequence_bound",
    "shrunken_effects",
    "silence_p_value",
    "size_factor",
    "skew_of_difference",
    "skewness",
    "spend",
    "staged_sample_ratio",
    "staggered_effect",
    "synthetic_control",
    "two_proportions",
    "units_needed",
    "welch",
]
