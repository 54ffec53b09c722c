"""Exposures to variants that the release does not name: nobody measures them."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, share

_NONE = "(none)"
_LEAST_UNITS = 5
_MOST_LABELS = 5

# What stands where a variant should may be anything that somebody sent, an address too: a label is
# told only where several units share it.
_LABELS = f"""
with

labels as (

    select
        coalesce(nullif(variant, ''), '{_NONE}') as variant,
        count(distinct unit_id) as units

    from main.int_exposure_events

    where
        release = $release
        and exposed_at >= $shipped_at
        and exposed_at < $until

    group by all

),

told as (

    select
        case
            when list_contains($known::varchar[], variant) or units >= {_LEAST_UNITS} then variant
        end as label,
        units

    from labels

)

select
    label,
    sum(units)::bigint as units

from told

group by label

order by units desc, label
"""


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    if not subject.release.has_concurrent_control:
        return NotApplicable("the release is not exposed by variant")
    rows: list[tuple[str | None, int]] = [
        (label, units)
        for label, units in subject.engine.rows(
            _LABELS,
            {
                "release": subject.release.release,
                "shipped_at": subject.dates.shipped_at,
                "until": subject.dates.exposure_until,
                "known": [*subject.release.variants, _NONE],
            },
        )
    ]
    unknown = [(label, units) for label, units in rows if label not in subject.release.variants]
    told = {label: units for label, units in unknown if label is not None}
    told = dict(list(told.items())[:_MOST_LABELS])
    total, unnamed = (sum(units for _, units in each) for each in (rows, unknown))
    rate = unnamed / total if total else 0.0
    observed = f"all exposures of {total:,} units name a variant of the release"
    if unknown:
        labels = [f"`{label}` ({count(units, 'unit')})" for label, units in told.items()]
        if others := unnamed - sum(told.values()):
            labels.append(f"other labels ({count(others, 'unit')})")
        observed = (
            f"{share(rate)} of exposed units met a variant the release does not name:"
            f" {', '.join(labels)}"
        )
    return Fact(
        {"unknown_variant_share": rate},
        observed,
        "at most {limit} of exposed units in a variant other than "
        + ", ".join(subject.release.variants),
        limit_as="share",
        details={"unknown": told, "unnamed": unnamed, "exposed": total},
    )


CHECK = Check("data", ("unknown_variant_share",), _find)
