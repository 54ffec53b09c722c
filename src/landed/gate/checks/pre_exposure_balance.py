"""The arms' units were alike before they were exposed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, chance, listed
from ..passes.covariates import ATTRIBUTES, CovariateCell, balance_looks, covariates_until

if TYPE_CHECKING:
    from ...stats import Balance

_NUMBERS = ("events before the exposure", "days since first seen")


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    control = subject.release.control
    if control is None or not subject.release.has_concurrent_control:
        return NotApplicable("the release has no control to compare with")
    looks = balance_looks(subject, parameters["least_units"])
    if not looks:
        what = "units" if subject.release.cluster is None else "clusters"
        return NotApplicable(f"fewer than {parameters['least_units']:,.0f} {what} were exposed")
    cells = subject.once(covariates_until(looks["first"] + timedelta(days=1))).cells
    found = []
    for look, day in looks.items():
        known = [cell for cell in cells if cell.is_first or look == "last"]
        for treatment in subject.release.treatments:
            tested = _balance(known, control, treatment, parameters["least_share"])
            if tested is not None:
                found.append(_described(*tested, treatment, str(day.date()), parameters, subject))
    if not found:
        return NotApplicable("no covariate varies among the units of both arms")
    worst = max(found, key=lambda each: (each["certain"], -each["p_value"]))
    uneven = found[-1]["uneven"] if len(looks) > 1 or len(found) == 1 else worst["uneven"]
    observed = worst["text"]
    if uneven:
        observed += f"; by themselves uneven: {listed(uneven)}"
    return Fact(
        {"certain_imbalance": worst["certain"], "uneven_covariates": len(uneven)},
        observed,
        "units as alike before the exposure as chance makes them,"
        " or no covariate {limit} standard deviations apart",
        details={"tests": found},
    )


def _described(  # noqa: PLR0917 - one test and where it was made
    names: Sequence[str],
    tested: Balance,
    treatment: str,
    day: str,
    parameters: Parameters,
    subject: Subject,
) -> dict[str, Any]:
    from ...stats import false_discovery_p_values

    largest = max(range(len(names)), key=lambda at: abs(tested.differences[at]))
    certain = tested.p_value < parameters["alpha"] / len(subject.release.treatments)
    adjusted = false_discovery_p_values(list(tested.p_values))
    return {
        "treatment": treatment,
        "on": day,
        "p_value": tested.p_value,
        "certain": abs(tested.differences[largest]) if certain else 0.0,
        "uneven": [
            name
            for name, p_value in zip(names, adjusted, strict=True)
            if p_value < parameters["covariate_rate"]
        ],
        "text": (
            f"{treatment} against {subject.release.control} up to {day}: joint"
            f" {chance(tested.p_value)} over {len(names)} covariates, furthest apart"
            f" {names[largest]} ({tested.differences[largest]:+.3f} standard deviations)"
        ),
    }


def _balance(
    cells: Sequence[CovariateCell], control: str, treatment: str, least_share: float
) -> tuple[list[str], Balance] | None:
    """All covariates of two arms, stage by stage; None where nothing can be compared."""
    import numpy as np

    from ...errors import EstimationError
    from ...stats import joint_balance

    mine = [cell for cell in cells if cell.variant in (control, treatment)]
    units = np.array([cell.units for cell in mine], dtype=float)
    if not mine:
        return None
    names = list(_NUMBERS)
    numbers = np.array([cell.sums for cell in mine])
    columns = [numbers[:, 0] / units, numbers[:, 1] / units]
    for at, attribute in enumerate(ATTRIBUTES):
        shares: dict[str, float] = {}
        for cell in mine:
            shares[cell.levels[at]] = shares.get(cell.levels[at], 0.0) + cell.units / units.sum()
        for level in sorted(level for level, part in shares.items() if least_share <= part < 1):
            names.append(f"{attribute} {level or '(none)'}")
            columns.append(np.array([float(cell.levels[at] == level) for cell in mine]))
    x = np.stack(columns, axis=-1)
    products = units[:, None, None] * x[:, :, None] * x[:, None, :]
    products[:, 0, 0], products[:, 1, 1] = numbers[:, 2], numbers[:, 4]
    products[:, 0, 1] = products[:, 1, 0] = numbers[:, 3]
    stages = sorted({cell.stage for cell in mine})
    place = np.array([stages.index(cell.stage) for cell in mine])
    arm = np.array([int(cell.variant == treatment) for cell in mine])
    n = np.zeros((len(stages), 2))
    sums = np.zeros((*n.shape, len(names)))
    squares = np.zeros((*sums.shape, len(names)))
    np.add.at(n, (place, arm), units)
    np.add.at(sums, (place, arm), units[:, None] * x)
    np.add.at(squares, (place, arm), products)
    try:
        return names, joint_balance(n, sums, squares)
    except EstimationError:
        return None


CHECK = Check("data", ("certain_imbalance", "uneven_covariates"), _find)
