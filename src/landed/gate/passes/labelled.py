"""Units with an arm's label, and whether their exposure was logged: by arm and day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..facts import Subject

# A unit enters once: with the first event that carries its label, when a day has passed since.
_LABELLED = """
with

labelled as (

    select
        unit_id,
        min_by(variant, labelled_at) as variant,
        min(labelled_at) as labelled_at

    from main.int_labels

    where
        release = $release
        and list_contains($variants, variant)

    group by unit_id

),

judged as (

    select
        labelled.variant,
        date_trunc('day', labelled.labelled_at) + interval 1 day as day_at,
        exposures.unit_id is null
        or exposures.exposed_at > labelled.labelled_at + interval 1 day as is_missing

    from labelled

    inner join main.dim_units as units
        on labelled.unit_id = units.unit_id

    left join main.fct_exposures as exposures
        on
            labelled.unit_id = exposures.unit_id
            and exposures.release = $release

    where
        labelled.labelled_at < least($cutoff_at, $until) - interval 1 day
        and not coalesce(units.is_bot, false)

)

select
    variant,
    day_at,
    count(*) as units,
    count(*) filter (where is_missing) as missing

from judged

group by all

order by all
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Units of one arm that were labelled a day ago. Counts."""

    variant: str
    day_at: datetime
    units: int
    missing: int


def read_labelled(subject: Subject) -> tuple[Labelled, ...]:
    """Count the labelled; ask for it with `subject.once`."""
    rows = subject.engine.rows(
        _LABELLED,
        {
            "release": subject.release.release,
            "variants": list(subject.release.variants),
            "cutoff_at": subject.dates.cutoff_at,
            "until": subject.dates.exposure_until,
        },
    )
    return tuple(Labelled(*row) for row in rows)
