"""What was assigned as a whole, of the exposed."""

from __future__ import annotations

#: The one cluster of a row of `fct_exposures`; null where it names none or more.
CLUSTER = "case when not coalesce(is_in_two_clusters, false) then cluster_id end"
