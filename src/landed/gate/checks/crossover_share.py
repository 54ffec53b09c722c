"""Units, or clusters that were assigned, in several variants: few, and as many in every arm."""

from __future__ import annotations

from ..certain_share import planned_looks
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    from ...stats import (  # scipy: reading the suites, as `landed check` does, needs none
        binomial_tail,
        fisher_exact,
    )

    variants = subject.release.variants
    if len(variants) < 2:
        return NotApplicable("the release has one variant")
    crossed, units = dict.fromkeys(variants, 0), dict.fromkeys(variants, 0)
    is_clustered = subject.release.cluster is not None
    what = "clusters hold units of" if is_clustered else "exposed units met"
    for cell in subject.assigned if is_clustered else subject.exposed:
        crossed[cell.variant] = crossed.get(cell.variant, 0) + cell.crossovers
        units[cell.variant] = units.get(cell.variant, 0) + cell.units + cell.crossovers
    met_several, total = sum(crossed.values()), sum(units.values())
    rate = met_several / total if total else 0.0
    # each daily look has the same part of alpha: what crosses once may be gone at the next run
    alpha = parameters["alpha"] / 2 / planned_looks(subject)
    innocent = parameters["innocent_share"]
    by_chance = binomial_tail(met_several, total, innocent) if total else 1.0
    certain_difference, texts = 0.0, []
    control = variants[0]
    for variant in variants[1:]:
        if units[control] and units[variant]:
            difference = crossed[variant] / units[variant] - crossed[control] / units[control]
            if abs(difference) < max(parameters["least_difference"], certain_difference):
                continue
            p_value = fisher_exact(
                crossed[control], units[control], crossed[variant], units[variant]
            ).p_value
            if p_value < alpha / (len(variants) - 1):
                certain_difference = abs(difference)
                texts = [
                    f"{share(crossed[name] / units[name])} of those who met {name} first"
                    for name in (control, variant)
                ]
    observed = f"{met_several:,} of {total:,} {what} more than one variant"
    observed += f" ({share(rate)})" + "".join(f", {text}" for text in texts)
    return Fact(
        {
            "crossover_share": rate,
            "certain_crossover_share": rate if by_chance < alpha else 0.0,
            "crossover_difference": certain_difference,
        },
        observed,
        f"less than {{limit}} of {'clusters' if is_clustered else 'exposed units'} in more than one"
        " variant, as many in every arm",
        limit_as="share",
        details={
            "crossovers": met_several,
            "exposed": total,
            "by_first_variant": crossed,
            "chance": by_chance,
        },
    )


CHECK = Check("data", ("crossover_share", "certain_crossover_share", "crossover_difference"), _find)
