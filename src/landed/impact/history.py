"""What a release would have met, had it run over the days before: units a day, and their values.

The release is *replayed* on history: it is taken to have shipped so many days before the data end
that all its outcome windows have passed. Its units, values and pre-periods are then those of the
query that measures a release.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ..catalog import Catalog
from ..catalog.definitions import EXPOSURES_MODEL
from ..catalog.releases import FLAG_EVENT, ExposureRule, Release
from ..compiler.outcomes import PRE_PERIOD_DAYS
from ..errors import PlanError
from ..warehouse import Engine, without_zone
from .measure import measure

Row = Mapping[str, Any]
#: Alias under which the marts of history are attached.
HISTORY = "history"
#: The one variant of a replay.
STAND_IN = "history"
#: With fewer days before a release that has shipped, later ones are taken as well.
LEAST_DAYS = 7
_DAY = timedelta(days=1)

_POPULATION = f"""
create or replace table {EXPOSURES_MODEL} as
select
    $release as release,
    events.unit_id,
    $variant as variant,
    min(events.occurred_at) as exposed_at,
    false as is_crossover,
    coalesce(bool_or(units.is_bot), false) as is_bot
    %(cluster)s

from {HISTORY}.main.fct_events as events

left join {HISTORY}.main.dim_units as units
    on events.unit_id = units.unit_id

where
    events.unit_id is not null
    and events.occurred_at >= $starts_at
    and events.occurred_at < $until
    and ($event is null or events.event_name = $event)

group by events.unit_id
"""

#: Where clusters are assigned: the one that a unit's events name.
_CLUSTER = """,
    max(nullif(json_extract_string(events.properties, $cluster), '')) as cluster_id,
    count(distinct nullif(json_extract_string(events.properties, $cluster), '')) > 1
        as is_in_two_clusters
"""
#: Share of the units of history whose cluster has to be known to plan by it.
_LEAST_KNOWN = 0.9

_ARRIVALS = f"""
select
    cast(floor(epoch(exposed_at - $starts_at) / 86400) as integer) as day,
    count(*) as units

from {EXPOSURES_MODEL}

where not is_bot

group by day

order by day
"""


_EVALUATIONS = """
select sum(times), max(last_at)
from (
    select count(*) as times, max(occurred_at) as last_at from lake.events
    where
        event_name = $event
        and $flag in (
            json_extract_string(properties, '/feature_flag.key'),
            json_extract_string(properties, '/$feature_flag'),
            json_extract_string(properties, '/flag')
        )
    union all
    select count(*), max(exposed_at) from lake.exposures where flag = $flag
)
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """An event in history.

    Args:
        count: How often. Count.
        last_at: Its latest; None where there is none. UTC.
    """

    count: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """A release replayed on the days before it.

    Args:
        begins_at: The first event of all. UTC.
        starts_at: When it is taken to have shipped. UTC.
        ends_at: Outcomes before it count. UTC.
        arrivals: New units on each day since `starts_at`. Counts; (days,).
        rows: Moments of all units as one variant, a row a metric, as `measure` gives them.
        exposed_by: Event whose first one stands for the exposure; None for any event.
        pre_period_days: Days of history before the first exposure that the pre-period could use.
        seen: How often each event occurred in all history, by name.
        is_after_shipping: Whether days are in it that the release itself may have moved.
    """

    begins_at: datetime
    starts_at: datetime
    ends_at: datetime
    arrivals: tuple[int, ...]
    rows: tuple[Row, ...]
    exposed_by: str | None
    pre_period_days: int
    seen: Mapping[str, Seen]
    is_after_shipping: bool = False


def attach_history(engine: Engine, models: Iterable[str]) -> None:
    """Show attached marts under the names that queries use; exposures are left to the replay.

    Args:
        engine: One in memory, to which the marts are attached as `HISTORY`.
        models: Names of the marts.
    """
    for model in sorted(set(models) - {EXPOSURES_MODEL}):
        name = '"' + model.replace('"', '""') + '"'
        engine.execute(f"create view main.{name} as select * from {HISTORY}.main.{name}")


def replay(
    engine: Engine,
    catalog: Catalog,
    release: Release,
    *,
    days: int | None = None,
    exposed_by: str | None = None,
) -> History:
    """Replay a release on the days before it ships, or before the data end.

    Args:
        engine: Prepared by `attach_history`.
        catalog: Definitions of its metrics.
        release: The release.
        days: Days of exposure to replay; None takes as many as it plans. No more than there are.
        exposed_by: Event whose first one stands for the exposure. None takes the release's own
            where history has it, else any event: flags that nobody had yet leave no trace.

    Raises:
        PlanError: There is no event, less history than its longest outcome window and one day, or
            the event never occurred.
    """
    seen = _events(engine)
    latest = max((one.last_at for one in seen.values() if one.last_at), default=None)
    first = engine.one(f"select min(occurred_at) from {HISTORY}.main.fct_events")
    if latest is None or first is None:
        raise PlanError(
            "there is no event yet",
            expected="history to plan from",
            fix="run `landed run` once there are events.",
            code="no_events",
        )
    begins_at = first[0].replace(tzinfo=UTC)
    window = timedelta(days=math.ceil(_longest_window(catalog, release)))
    ends_at = _midnight(min(latest, release.shipped_at))  # the last day may still grow
    there = math.floor((ends_at - window - begins_at) / _DAY)
    is_after_shipping = there < LEAST_DAYS and release.shipped_at < _midnight(latest)
    if is_after_shipping:
        ends_at = _midnight(latest)
        there = math.floor((ends_at - window - begins_at) / _DAY)
    if there < 1:
        raise PlanError(
            f"there are {max(math.floor((ends_at - begins_at) / _DAY), 0)} whole days of events",
            expected=f"more than {window.days}, the longest outcome window",
            where=f"release {release.release}",
            fix="wait for more history, or shorten `window_days`.",
            code="history_too_short",
        )
    event = _exposure_event(release, seen, exposed_by)
    length = min(days or planned_days(release) or there, there)
    starts_at = ends_at - window - length * _DAY
    arrivals = _arrivals(engine, release, event, starts_at, length)
    if not any(arrivals) and event is not None and exposed_by is None:
        event = None  # it began with the release: history has others only
        arrivals = _arrivals(engine, release, event, starts_at, length)
    if not any(arrivals):
        raise PlanError(
            f"no unit had {'an event' if event is None else f'the event `{event}`'}"
            f" from {starts_at:%Y-%m-%d} on",
            expected="units that would have been exposed",
            where=f"release {release.release}",
            fix="name another event with --exposed-by, or more days with --days.",
            code="no_units",
        )
    stand_in = replace(
        release,
        cluster=release.cluster if _knows_clusters(engine, release) else None,
        control=None,
        treatments=(STAND_IN,),
        shipped_at=starts_at,
        segments=(),
    )
    return History(
        begins_at,
        starts_at,
        ends_at,
        tuple(arrivals),
        tuple(measure(engine, catalog, stand_in, cutoff_at=ends_at)),
        event,
        max(min(math.floor((starts_at - begins_at) / _DAY), PRE_PERIOD_DAYS), 0),
        seen,
        is_after_shipping,
    )


def flag_evaluations(engine: Engine, flag: str) -> Seen:
    """How often a flag was evaluated, by all records of the lake.

    Args:
        engine: One with the lake attached.
        flag: The flag's key.
    """
    found = engine.one(_EVALUATIONS, {"event": FLAG_EVENT, "flag": flag})
    times, last = found if found is not None else (0, None)
    return Seen(int(times or 0), None if last is None else last.replace(tzinfo=UTC))


def planned_days(release: Release) -> int | None:
    """Days in which it exposes units, rounded up; None without a horizon."""
    end = release.ends_at
    return None if end is None else math.ceil((end - release.shipped_at) / _DAY)


def _events(engine: Engine) -> dict[str, Seen]:
    rows: Sequence[tuple[Any, ...]] = engine.rows(
        f"select event_name, count(*), max(occurred_at) from {HISTORY}.main.fct_events group by 1"
    )
    return {name: Seen(count, last.replace(tzinfo=UTC)) for name, count, last in rows}


def _longest_window(catalog: Catalog, release: Release) -> float:
    windows = [catalog.metric(name).window_days or 0.0 for name in release.metrics]
    return max(windows, default=0.0)


def _exposure_event(
    release: Release, seen: Mapping[str, Seen], exposed_by: str | None
) -> str | None:
    if exposed_by is not None:
        if exposed_by not in seen:
            raise PlanError(
                f"the event `{exposed_by}` never occurred",
                expected="one of " + ", ".join(sorted(seen)[:20]),
                fix="name an event that stands for meeting the change.",
                code="event_unseen",
            )
        return exposed_by
    rule: ExposureRule | None = release.exposure
    # an evaluation of another flag tells nothing of who will meet this one
    if rule is None or rule.event == FLAG_EVENT or rule.event not in seen:
        return None
    return rule.event


def _arrivals(
    engine: Engine, release: Release, event: str | None, starts_at: datetime, length: int
) -> list[int]:
    """Make the exposures of a replay, and count its units a day."""
    params: dict[str, Any] = {}
    if release.cluster is not None:
        params["cluster"] = "/" + release.cluster.replace("~", "~0").replace("/", "~1")
    engine.execute(
        _POPULATION % {"cluster": _CLUSTER if params else ""},
        {
            **params,
            "release": release.release,
            "variant": STAND_IN,
            "event": event,
            "starts_at": without_zone(starts_at),
            "until": without_zone(starts_at + length * _DAY),
        },
    )
    found = [0] * length
    for day, units in engine.rows(_ARRIVALS, {"starts_at": without_zone(starts_at)}):
        found[day] = units
    return found


def _knows_clusters(engine: Engine, release: Release) -> bool:
    """Whether nearly all units of a replay are of one cluster."""
    if release.cluster is None:
        return False
    found = engine.one(
        f"select avg((cluster_id is not null and not is_in_two_clusters)::integer)"
        f" from {EXPOSURES_MODEL} where not is_bot"
    )
    return found is not None and (found[0] or 0.0) >= _LEAST_KNOWN


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
