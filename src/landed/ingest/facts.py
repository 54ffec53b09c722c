"""What an ingest brought, for people who look at a run: counts, freshness and a few rows.

Nothing here names a person: no ids, no texts, no properties.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..project import Home
from ..settings import Settings
from ..warehouse import Engine
from .ledger import Ledger
from .storing import listed_in

#: Event names that are told apart; the others are counted together.
TOP_EVENTS = 20
SAMPLE_ROWS = 5


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Events that batches after a sequence number brought into the lake.

    Args:
        rows_by_event: Rows by event name, the most frequent first; `(other)` for the rest. Counts.
        latest_at: Latest time of an event, UTC; None without a row.
        latest_by_source: The same of each source that brought rows.
        age_seconds: From `latest_at` to now. Seconds; None without a row.
        sample: Some rows of events: name, time, version and source.
    """

    rows_by_event: dict[str, int]
    latest_at: datetime | None
    latest_by_source: dict[str, datetime]
    age_seconds: float | None
    sample: list[dict[str, Any]]


def arrivals(home: Home, settings: Settings, since_sequence: int, now: datetime) -> Arrivals:
    """Look at the lake files of the batches after a sequence number.

    Args:
        home: Its lake.
        settings: Threads and memory.
        since_sequence: Number of the last batch that is not looked at; 0 looks at all.
        now: What the age is counted to.
    """
    ledger = Ledger(home)
    events = [file.path for file in ledger.files("events", since_sequence)]
    if not events:
        return Arrivals({}, None, {}, None, [])
    batches = [one for sequence, one in ledger.batch_ids().items() if sequence > since_sequence]
    with Engine.open(None, settings=settings) as engine:
        # a merged file holds rows of earlier batches too
        engine.execute(
            "create temp table arrived as select event_name, occurred_at, app_version, source,"
            f" event_hash from read_parquet({listed_in(events)}, hive_partitioning = false)"
            " where batch_id in (select unnest($batches::varchar[]))",
            {"batches": batches},
        )
        counted = engine.rows(
            "select event_name, count(*) as n from arrived group by all order by n desc, 1"
        )
        latest = engine.rows("select source, max(occurred_at) from arrived group by all order by 1")
        sample = engine.dicts(
            "select event_name, strftime(occurred_at, '%Y-%m-%dT%H:%M:%SZ') as occurred_at,"
            f" app_version, source from arrived order by event_hash limit {SAMPLE_ROWS}"
        )
    by_event = {str(name): int(rows) for name, rows in counted[:TOP_EVENTS]}
    if len(counted) > TOP_EVENTS:
        by_event["(other)"] = sum(int(rows) for _, rows in counted[TOP_EVENTS:])
    by_source = {str(source): at.replace(tzinfo=UTC) for source, at in latest}
    latest_at = max(by_source.values(), default=None)
    age = (now - latest_at).total_seconds() if latest_at else None
    return Arrivals(by_event, latest_at, by_source, age, sample)
