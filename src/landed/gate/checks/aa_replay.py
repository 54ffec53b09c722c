"""Random splits of the exposed do not differ, before their exposure, more often than chance."""

from __future__ import annotations

from datetime import timedelta

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..passes.covariates import balance_looks, covariates_until

#: A split differs below this p-value: a share of as many do where the test is right.
LEVEL = 0.05
_SEED = 20261128  # the same data give the same splits


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    import numpy as np

    from ...stats import binomial_tail, replayed_splits  # scipy: reading the suites needs none

    if not subject.release.has_concurrent_control:
        return NotApplicable("the release has no control to compare with")
    if subject.release.cluster is not None:
        return NotApplicable("clusters were assigned, and units alone are split")
    looks = balance_looks(subject, parameters["least_units"])
    if not looks:
        return NotApplicable(f"fewer than {parameters['least_units']:,.0f} units were exposed")
    active = subject.once(covariates_until(looks["first"] + timedelta(days=1))).active
    if not any(events for events, _ in active):
        return NotApplicable("no unit was there before its exposure")
    shares = subject.stages[-1].shares if subject.stages else {}
    of_control = shares.get(subject.release.control or "", 0.0)
    of_treatments = [one for name in subject.release.treatments if (one := shares.get(name, 0.0))]
    if not of_control or not of_treatments:
        return NotApplicable("its last allocation leaves nobody to compare with")
    smallest = min(of_treatments)
    found = replayed_splits(
        [events for events, _ in active],
        [units for _, units in active],
        treated_share=smallest / (smallest + of_control),
        splits=int(parameters["splits"]),
        level=LEVEL,
        rng=np.random.default_rng(_SEED),
    )
    if not found.compared:
        return NotApplicable(
            "its units have as many events before, or a split leaves an arm without units"
        )
    rate = found.differing / found.compared
    return Fact(
        {"aa_replay_p_value": binomial_tail(found.differing, found.compared, LEVEL)},
        f"{found.differing} of {found.compared} random splits ({share(rate)}) differ in events"
        f" before the exposure with p < {LEVEL:g}",
        f"about {share(LEVEL)} of them; so many with a chance of at least {{limit}}",
        details={"differing": found.differing, "splits": found.compared},
    )


CHECK = Check("data", ("aa_replay_p_value",), _find)
