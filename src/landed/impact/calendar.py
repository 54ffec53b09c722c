"""When a release's verdict is due, and how far its data reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..catalog import Catalog
from ..catalog.releases import Release
from ..warehouse import Engine, without_zone

#: Days in which nearly every source has an event: what is older is read for the others only.
_RECENT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Calendar:
    """The instants of one release that the data decide, UTC.

    Args:
        release: The release's name.
        decides_at: When the verdict is due; None without a horizon.
        data_through: End of the last whole day that every event source covers.
        cutoff_at: Outcomes at or after it do not count: the earlier of the two.
    """

    release: str
    decides_at: datetime | None
    data_through: datetime
    cutoff_at: datetime

    @property
    def is_decided(self) -> bool:
        """Whether the data cover the whole horizon."""
        return self.decides_at is not None and self.data_through >= self.decides_at


def release_calendar(release: Release, catalog: Catalog, data_through: datetime) -> Calendar:
    """Derive a release's instants from its horizon, its metrics' windows and the data."""
    windows = [
        catalog.metrics[name].window_days for name in release.metrics if name in catalog.metrics
    ]
    decides_at = release.decides_at(windows)
    cutoff_at = data_through if decides_at is None else min(decides_at, data_through)
    return Calendar(release.release, decides_at, data_through, cutoff_at)


def read_data_through(engine: Engine, now: datetime) -> datetime | None:
    """End of the last whole day of data; None where there is no event at all.

    A source that declares `complete_through` is whole until then; of any other, the day of its
    latest event may still grow and does not count. The least of all event sources, and never
    later than `now`: nobody can promise the future.
    """
    newest = engine.one("select max(event_on) from lake.events")
    if newest is None or newest[0] is None:
        return None
    # the days before the newest are read only for a source that has nothing among the last ones
    row = engine.one(
        """
        with recent as (
            select source, max(event_on) as latest_on from lake.events
            where event_on >= $since group by source
        ),
        silent as (
            select source from lake.sources
            where kind = 'events' and source not in (select source from recent)
        ),
        latest as (
            select source, latest_on from recent
            union all
            select source, max(event_on) as latest_on from lake.events
            where source in (select source from silent) group by source
        )
        select min(
            greatest(
                cast(latest.latest_on as timestamp),
                coalesce(sources.complete_through, cast(latest.latest_on as timestamp))
            )
        )
        from latest
        left join lake.sources as sources on latest.source = sources.source
        """,
        {"since": newest[0] - timedelta(days=_RECENT_DAYS)},
    )
    if row is None or row[0] is None:
        return None
    through: datetime = row[0]
    return min(through.replace(tzinfo=UTC), now)


def write_releases(
    engine: Engine, releases: Iterable[Release], calendars: dict[str, Calendar]
) -> None:
    """Replace `lake.releases`: one row per declared release, for the models to join."""
    engine.execute(
        """
        create or replace table lake.releases (
            release varchar, shipped_at timestamp, owner varchar, hypothesis varchar,
            unit varchar, kind varchar, app_version varchar, exposure_event varchar,
            exposure_flag varchar, variant_property varchar, cluster_property varchar,
            control varchar, treatments varchar[], variants varchar[],
            exposure_ends_at timestamp, decides_at timestamp, cutoff_at timestamp
        )
        """
    )
    for release in releases:
        calendar = calendars.get(release.release)
        rule = release.exposure
        engine.execute(
            "insert into lake.releases values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                release.release,
                _plain(release.shipped_at),
                release.owner,
                release.hypothesis,
                release.unit,
                release.kind,
                release.app_version,
                rule.event if rule else None,
                rule.flag if rule else None,
                rule.variant_property if rule else None,
                release.cluster,
                release.control,
                list(release.treatments),
                list(release.variants),
                _plain(release.ends_at),
                _plain(calendar.decides_at if calendar else None),
                _plain(calendar.cutoff_at if calendar else None),
            ],
        )


def _plain(instant: datetime | None) -> datetime | None:
    """The engine keeps UTC without a zone."""
    return None if instant is None else without_zone(instant)
