"""The benchmark suite: ratios in one run against raw DuckDB on the same rows."""
