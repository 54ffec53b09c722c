"""Whether units differed between two arms before they were exposed: one test of all covariates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from ..errors import EstimationError

#: Directions in which covariates vary less than this part of the most are left out: they repeat
#: others.
_LEAST_VARIANCE = 1e-9

_Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Balance:
    """Two arms' covariates against each other.

    Args:
        p_value: Chance of covariates at least this far apart, all together. 0 to 1.
        statistic: Chi-squared, >= 0.
        degrees_of_freedom: Covariates that do not repeat others. Count.
        differences: Mean of the treatment minus control's, by covariate. Standard deviations.
        p_values: Of each covariate alone. 0 to 1.
    """

    p_value: float
    statistic: float
    degrees_of_freedom: int
    differences: tuple[float, ...]
    p_values: tuple[float, ...]


def joint_balance(units: _Array, sums: _Array, products: _Array) -> Balance:
    """Test all covariates of two arms at once, stratum by stratum.

    The test is that of the assignment: given who was in a stratum, how far would chance have moved
    the arms apart? With one stratum it is Hotelling's with the variance of all units.

    Args:
        units: Of control and treatment. Count; (strata, 2).
        sums: Of each covariate. (strata, 2, k).
        products: Of each two covariates. (strata, 2, k, k).

    Returns:
        The joint test, with each covariate's difference.

    Raises:
        EstimationError: No stratum has units of both arms, or nothing varies.

    Assumes:
        Within a stratum every unit had the same chance of each arm, whatever its covariates; a few
        dozen units have each value of a covariate.

    Source:
        Hansen and Bowers (2008), Covariate balance in simple, stratified and clustered comparative
        studies, Statistical Science 23, eq. 6.

    Examples:
        >>> import numpy as np
        >>> found = joint_balance(
        ...     np.array([[500, 500]]), np.array([[[250.0], [310.0]]]),
        ...     np.array([[[[250.0]], [[310.0]]]]),
        ... )
        >>> round(found.differences[0], 3), round(found.p_value, 5)
        (0.242, 0.00013)
    """
    units = np.asarray(units, dtype=float)
    total = units.sum(axis=1)
    is_mixed = (units > 0).all(axis=1)
    if not is_mixed.any():
        raise EstimationError("no stratum has units of both arms", expected="units of both")
    units, total = units[is_mixed], total[is_mixed]
    sums, products = np.asarray(sums)[is_mixed], np.asarray(products)[is_mixed]
    mean = sums.sum(axis=1) / total[:, None]
    off = sums[:, 1] - units[:, 1, None] * mean
    spread = products.sum(axis=1) - total[:, None, None] * mean[:, :, None] * mean[:, None, :]
    weight = units.prod(axis=1) / total
    covariance = (spread * (weight / np.maximum(total - 1, 1))[:, None, None]).sum(axis=0)
    difference = off.sum(axis=0)
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    varies = scale > np.sqrt(weight.sum()) * 1e-9
    if not varies.any():
        raise EstimationError("no covariate varies", expected="two values of at least one")
    safe = np.where(varies, scale, 1.0)
    z = np.where(varies, difference / safe, 0.0)
    correlation = (covariance / np.outer(safe, safe))[np.ix_(varies, varies)]
    values, vectors = np.linalg.eigh(correlation)
    is_kept = values > values.max() * _LEAST_VARIANCE
    along = (vectors.T @ z[varies])[is_kept]
    statistic = float((along**2 / values[is_kept]).sum())
    freedom = int(is_kept.sum())
    return Balance(
        p_value=float(special.chdtrc(freedom, statistic)),
        statistic=statistic,
        degrees_of_freedom=freedom,
        differences=tuple(float(one) for one in z / np.sqrt(weight.sum())),
        p_values=tuple(float(one) for one in 2 * special.ndtr(-np.abs(z))),
    )
