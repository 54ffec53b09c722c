"""Units whose cluster is not known, or that were in two of them."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share

_UNITS = """
select
    count(*),
    count(*) filter (where cluster_id is null and not is_in_two_clusters),
    count(*) filter (where is_in_two_clusters)

from units
"""


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    cluster = subject.release.cluster
    if cluster is None:
        return NotApplicable("the release assigns units, not clusters")
    from ...impact.exposure import UNITS_BY_CLUSTER  # scipy: as in sample_ratio.py

    row = subject.engine.one(
        UNITS_BY_CLUSTER + _UNITS,
        {"release": subject.release.release, "cutoff_at": subject.dates.cutoff_at},
    )
    total, without, in_two = (0, 0, 0) if row is None else row
    rate = (without + in_two) / total if total else 0.0
    return Fact(
        {"without_one_cluster_share": rate},
        f"of {total:,} exposed units {without:,} name no `{cluster}` and {in_two:,} name more"
        f" than one ({share(rate)})",
        f"at most {{limit}} of exposed units without exactly one `{cluster}`",
        limit_as="share",
        details={"exposed": total, "without_cluster": without, "two_clusters": in_two},
    )


CHECK = Check("data", ("without_one_cluster_share",), _find)
