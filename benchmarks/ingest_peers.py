"""Others doing less: none checks a row, keeps what it refuses, or accounts for what it read.

Runs in each peer's own environment, without landed: only the peer is imported, and only here.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Work = Callable[[], Mapping[str, Any]]
TEXTS = ("event_id", "event_name", "user_id", "anonymous_id", "session_id", "app_version")
TIMES = ("occurred_at", "received_at")


def use_dlt(*, out: str, path: str, unique: bool = False) -> Work:
    """dlt: read_jsonl into DuckDB by Parquet files. Types inferred; appended, repeats and all.

    Args:
        out: Folder of its state and its database.
        path: The file.
        unique: Whether it merges by the event's id instead.
    """
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"
    os.environ["DLT_DATA_DIR"] = f"{out}/dlt"
    dlt: Any = importlib.import_module("dlt")
    sources: Any = importlib.import_module("dlt.sources.filesystem")

    Path(out).mkdir(parents=True)
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=f"{out}/dlt",
        destination=dlt.destinations.duckdb(f"{out}/dlt.duckdb"),
        dataset_name="bench",
    )
    file = Path(path)

    def work() -> dict[str, Any]:
        files = sources.filesystem(bucket_url=file.parent.as_uri(), file_glob=file.name)
        events = (files | sources.read_jsonl()).with_name("events")
        if unique:
            events.apply_hints(write_disposition="merge", primary_key="event_id")
        pipeline.run(events, loader_file_format="parquet").raise_on_failed_jobs()
        with pipeline.sql_client() as client:
            rows = client.execute_sql("select count(*) from events")[0][0]
        merged = ", merged by id" if unique else ""
        return {"rows": int(rows), "version": f"dlt {dlt.__version__}{merged}"}

    return work


def use_pandas(*, out: str, path: str) -> Work:
    """pandas: read_json in chunks, drop_duplicates by id, to_parquet in one file."""
    pandas: Any = importlib.import_module("pandas")

    Path(out).mkdir(parents=True)

    def work() -> dict[str, Any]:
        parts = pandas.read_json(
            path,
            lines=True,
            chunksize=100_000,
            dtype=dict.fromkeys(TEXTS, "str"),
            convert_dates=list(TIMES),
        )
        frame = pandas.concat(parts).drop_duplicates("event_id")
        frame.to_parquet(f"{out}/pandas.parquet", compression="zstd", index=False)
        return {"rows": len(frame), "version": f"pandas {pandas.__version__}"}

    return work


def use_polars(*, out: str, path: str, unique: bool = True) -> Work:
    """polars: scan_ndjson with its columns named, unique by id, sink_parquet in one file.

    Args:
        out: Folder of the file.
        path: What to read.
        unique: Whether repeated ids are dropped; it is what takes most of the memory.
    """
    os.environ["POLARS_MAX_THREADS"] = "2"
    polars: Any = importlib.import_module("polars")

    Path(out).mkdir(parents=True)
    texts = dict.fromkeys(TEXTS, polars.String)
    properties = polars.Struct(
        {
            **dict.fromkeys(("page", "country", "platform", "plan", "variant"), polars.String),
            **dict.fromkeys(("usd", "ms"), polars.Float64),
            "n": polars.Int64,
        }
    )
    columns = {**texts, **dict.fromkeys(TIMES, polars.String), "properties": properties}

    def work() -> dict[str, Any]:
        lines = polars.scan_ndjson(path, schema=columns)
        typed = lines.with_columns(
            polars.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ") for name in TIMES
        )
        target = f"{out}/polars.parquet"
        kept = typed.unique("event_id", keep="any") if unique else typed
        kept.sink_parquet(target, compression="zstd")
        rows = polars.scan_parquet(target).select(polars.len()).collect().item()
        return {
            "rows": int(rows),
            "version": f"polars {polars.__version__}{'' if unique else ', repeats kept'}",
        }

    return work
