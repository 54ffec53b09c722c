"""How the lake and the releases are cut."""

from __future__ import annotations

import dagster as dg

# Events before 2015 stay in the lake and in every number; they only lack a square in the UI.
days = dg.DailyPartitionsDefinition(start_date="2015-01-01", timezone="UTC")
releases = dg.DynamicPartitionsDefinition(name="releases")

# A run may cover any range of partitions in one step: steps are few and fat.
in_one_run = dg.BackfillPolicy.single_run()
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"

# A day that was never filled must not hold back what reads all days.
when_updated = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())
