"""Exposures to variants that the release does not name: nobody measures them."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, share

_LABELS = """
select
    coalesce(nullif(variant, ''), '(none)') as variant,
    count(distinct unit_id) as units

from main.int_exposure_events

where
    release = $release
    and exposed_at >= $shipped_at
    and exposed_at < $until

group by all

order by units desc, variant
"""


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    if not subject.release.has_concurrent_control:
        return NotApplicable("the release is not exposed by variant")
    rows: list[tuple[str, int]] = [
        (label, units)
        for label, units in subject.engine.rows(
            _LABELS,
            {
                "release": subject.release.release,
                "shipped_at": subject.dates.shipped_at,
                "until": subject.dates.exposure_until,
            },
        )
    ]
    unknown = {label: units for label, units in rows if label not in subject.release.variants}
    total = sum(units for _, units in rows)
    rate = sum(unknown.values()) / total if total else 0.0
    observed = f"all exposures of {total:,} units name a variant of the release"
    if unknown:
        labels = ", ".join(
            f"`{label}` ({count(units, 'unit')})" for label, units in unknown.items()
        )
        observed = (
            f"{share(rate)} of exposed units met a variant the release does not name: {labels}"
        )
    return Fact(
        {"unknown_variant_share": rate},
        observed,
        "at most {limit} of exposed units in a variant other than "
        + ", ".join(subject.release.variants),
        limit_as="share",
        details={"unknown": unknown, "exposed": total},
    )


CHECK = Check("data", ("unknown_variant_share",), _find)
