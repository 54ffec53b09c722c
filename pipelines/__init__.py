"""The Dagster code location: thin definitions over the library."""
