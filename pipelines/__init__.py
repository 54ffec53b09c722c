"""The Dagster code location: thin definitions over the library."""

import warnings

from dagster import BetaWarning, PreviewWarning

# Single-run backfills and partitioned checks are marked beta; the version is pinned, and a
# test holds their behaviour, so the reader of a run need not see it.
warnings.filterwarnings("ignore", category=BetaWarning)
warnings.filterwarnings("ignore", category=PreviewWarning)
