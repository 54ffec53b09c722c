"""Two rows of moments to one comparison: which statistic, adjusted or not, and who is refused.

Whatever decides that is a count of units or of the pre-period, never an outcome by variant: a
choice made on results would change what its error rate promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import EstimationError
from ..stats import (
    Difference,
    JointSums,
    Moments,
    NotEstimable,
    QuantileOfRows,
    adjusted_difference,
    difference_of_quantiles,
    refuse_skew,
    skew_of_difference,
    skewness,
)
from ..stats.skew import LARGEST_SKEW
from .choose import statistic_for
from .clustered import compare_clusters
from .measure_quantiles import FORM as QUANTILES

Row = Mapping[str, Any]
Compared = tuple[str | None, Difference | NotEstimable, float]

#: Units of both arms with a pre-period value other than 0, from which on a difference is adjusted.
#: With fewer the coefficient is more noise than help.
LEAST_WITH_HISTORY = 100
#: Events (and non-events) that each arm is expected to have before a proportion leaves its score
#: interval for an adjusted one; seen to keep both tails within 2.2 to 2.8 % from 25 an arm.
LEAST_EXPECTED_EVENTS = 50
#: Share of units with a pre-period value other than 0 from which on a small release has history
#: too. A release to new users has next to none, and its values before say nothing of them.
LEAST_HISTORY_SHARE = 0.05

#: Products of the pre-period, by the letters there are.
_BEFORE = {"x": ("xx", "xxx"), "wx": ("ww", "wx", "xx", "www", "wwx", "wxx", "xxx")}
_SECOND = ("yy", "dd", "yd", "xx", "ww", "xw", "xy", "xd", "wy", "wd")


def compare(
    form: str,
    control: Row | None,
    treatment: Row | None,
    *,
    confidence_level: float = 0.95,
    adjust: bool = True,
) -> Compared:
    """Compare two variants by their rows of moments.

    A difference is adjusted by the metric's own value in the pre-period (CUPED) where 100 units
    of both arms had such a value; a proportion only where each arm is
    expected to have 50 events and non-events and the arms are not too unequal. A mean or ratio
    is refused where history says that its values are too skewed, see `refuse_skew`. Where clusters
    were assigned nothing is adjusted, see `compare_clusters`.

    Args:
        form: mean, unit_mean, proportion, ratio or quantile.
        control: Control's row, with the columns of `MOMENT_COLUMNS`; None where there is none.
        treatment: Treatment's row.
        confidence_level: Of the two-sided interval. Share.
        adjust: Whether the release adjusts at all.

    Returns:
        Name of the statistic (None for a form that has none), what it found, and the share of
        variance that adjusting removed, 0.0 without.
    """
    if form == QUANTILES:
        return "difference_of_quantiles", _of_quantiles(control, treatment, confidence_level), 0.0
    try:
        method, statistic = statistic_for(form)
    except EstimationError as error:
        return None, NotEstimable(error.faults[0].what), 0.0
    arms: list[tuple[Row, Moments]] = []
    for name, row in (("control", control), ("treatment", treatment)):
        if row is None or not int(row["n"] or 0):
            return method, _nobody(name, row), 0.0
        try:
            arms.append((row, moments_of(row)))
        except EstimationError as error:
            what = f"the sums of {name} are wrong: {error.faults[0].what}"
            return method, NotEstimable(what), 0.0
    (of_control, left), (of_treatment, right) = arms
    try:
        refused = _too_skewed(form, of_control, of_treatment)
        if refused is not None:
            return method, refused, 0.0
        if of_control.get("clusters") is not None:
            by_cluster = compare_clusters(form, of_control, of_treatment, confidence_level)
            return "difference_of_clusters", by_cluster, 0.0
        if adjust and _adjustable(form, of_control, of_treatment):
            sums, covariates = _sums_with_covariates(form, of_control, of_treatment)
            found = adjusted_difference(*sums, covariates, confidence_level)
            if isinstance(found, NotEstimable):
                return "adjusted_difference", found, 0.0
            return found.difference.method, found.difference, found.variance_reduction_share
        return method, statistic(left, right, confidence_level), 0.0
    except EstimationError as error:
        return method, NotEstimable(f"its sums are wrong: {error.faults[0].what}"), 0.0


def difference_of_units(
    control: Row | None, treatment: Row | None
) -> Difference | NotEstimable | None:
    """The difference with every unit taken as independent; None where a row cannot give one."""
    if control is None or treatment is None or not control["n"] or not treatment["n"]:
        return None
    try:
        _, statistic = statistic_for(str(control["form"]))
        return statistic(moments_of(control), moments_of(treatment), 0.95)
    except EstimationError:
        return None  # its reason is the estimate's


def mean_of(row: Row) -> float | None:
    """The arm's mean, ratio or quantile, where there is one to show.

    Raises:
        EstimationError: Its sums are impossible.
    """
    if not row["n"]:
        return None
    if row["form"] == QUANTILES:
        known = row["quantile"]
        return known.value if isinstance(known, QuantileOfRows) else None
    moments = moments_of(row)
    if moments.sum_d is None:
        return moments.mean()
    return moments.sum_y / moments.sum_d if moments.sum_d else None


def moments_of(row: Row) -> Moments:
    """The outcome's moments of a row."""
    is_ratio = row["form"] == "ratio"
    return Moments(
        int(row["n"]),
        _number(row, "sum_y"),
        _number(row, "sum_yy"),
        _number(row, "sum_d") if is_ratio else None,
        _number(row, "sum_dd") if is_ratio else None,
        _number(row, "sum_yd") if is_ratio else None,
        _number(row, "shift_y"),
        _number(row, "shift_d"),
    )


def _nobody(name: str, row: Row | None) -> NotEstimable:
    waiting = 0 if row is None else int(row["n_immature"] or 0)
    reason = f"no unit of {name} entered"
    if waiting:
        reason += f"; {waiting} still wait for the end of their outcome window"
    return NotEstimable(reason, True)


def _of_quantiles(
    control: Row | None, treatment: Row | None, confidence_level: float
) -> Difference | NotEstimable:
    known: list[QuantileOfRows] = []
    for name, row in (("control", control), ("treatment", treatment)):
        if row is None or not row["n"]:
            return _nobody(name, row)
        if isinstance(row["quantile"], NotEstimable):
            refused = row["quantile"]
            return NotEstimable(f"{name}: {refused.reason}", refused.resolves_with_more_units)
        known.append(row["quantile"])
    return difference_of_quantiles(known[0], known[1], confidence_level)


def _number(row: Row, name: str) -> float:
    found = row.get(name)
    return 0.0 if found is None else float(found)


def _adjustable(form: str, control: Row, treatment: Row) -> bool:
    """Whether the rule above lets the pre-period in."""
    n = int(control["n"]), int(treatment["n"])
    if control.get("sum_xx") is None or treatment.get("sum_xx") is None:
        return False
    nonzero = int(control["nonzero_x"]) + int(treatment["nonzero_x"])
    if nonzero < LEAST_WITH_HISTORY:
        return False
    if form != "proportion":
        return form != "ratio" or all(row["n_x"] == row["n"] for row in (control, treatment))
    # of both arms together, so that nothing of their difference is seen
    share = (_number(control, "sum_y") + _number(treatment, "sum_y")) / sum(n)
    if min(share, 1 - share) * min(n) < LEAST_EXPECTED_EVENTS:
        return False
    if sum(n) - nonzero < LEAST_WITH_HISTORY:
        return False  # nearly all have it: nothing to tell them apart by
    skew = (1 - 2 * share) / (share * (1 - share)) ** 0.5
    return skew_of_difference(skew, *n) <= LARGEST_SKEW


def _too_skewed(form: str, control: Row, treatment: Row) -> NotEstimable | None:
    """What the pre-period says of skewness; None without history, or where all is well."""
    rows = (control, treatment)
    if form == "proportion" or any(row.get("sum_xxx") is None for row in rows):
        return None
    n_x = sum(int(row["n_x"]) for row in rows)
    nonzero = sum(int(row["nonzero_x"]) for row in rows)
    if not nonzero or (nonzero < LEAST_WITH_HISTORY and nonzero < LEAST_HISTORY_SHARE * n_x):
        return None
    letters = "wx" if form == "ratio" else "x"
    before = _pre_period(control, letters) + _pre_period(treatment, letters)
    units = skewness(before, "x", "w" if form == "ratio" else None)
    return refuse_skew(units, nonzero / n_x, int(control["n"]), int(treatment["n"]))


def _pre_period(row: Row, letters: str) -> JointSums:
    """Sums of x (and w) alone, third powers included, over the units that have them."""
    n = int(row["n_x"])
    shifts = {one: float(row[f"shift_{one}"]) for one in letters}
    sums = {one: float(row[f"sum_{one}"]) - n * shift for one, shift in shifts.items()}
    for product in _BEFORE[letters]:
        # columns name x first
        sums[product] = float(row[f"sum_{product.replace('w', '') + 'w' * product.count('w')}"])
    return JointSums(n, shifts, sums)


def _sums_with_covariates(
    form: str, control: Row, treatment: Row
) -> tuple[tuple[JointSums, JointSums], tuple[str, ...]]:
    """Sums of both arms, and their covariates: x (of a ratio x to w), m where x is missing."""
    has_missing = any(row["n_x"] != row["n"] for row in (control, treatment))
    if has_missing and control["shift_x"] != treatment["shift_x"]:
        raise EstimationError(
            f"shift_x is {control['shift_x']} and {treatment['shift_x']}",
            expected="one for both variants: it stands for the values that are missing",
        )
    sums = (_joint(control, has_missing), _joint(treatment, has_missing))
    if form == "ratio":
        return sums, ("xw",)
    return sums, ("x", "m") if has_missing else ("x",)


def _joint(row: Row, has_missing: bool) -> JointSums:
    n, n_x = int(row["n"]), int(row["n_x"])
    shifts = {one: float(row[f"shift_{one}"]) for one in "ydxw" if row[f"shift_{one}"] is not None}
    counts = {"y": n, "d": n, "x": n_x, "w": n_x}
    sums = {one: float(row[f"sum_{one}"]) - counts[one] * shift for one, shift in shifts.items()}
    for letters in _SECOND:
        a, b = sorted(letters)
        if a in shifts and b in shifts:
            sums[a + b] = float(row[f"sum_{letters}"])
    if has_missing:
        # x is at its shift for units without one: they add nothing to sums of x
        without = float(n - n_x)
        y = float(row["sum_y"]) - float(row["sum_y_with_x"]) - without * shifts["y"]
        shifts["m"] = 0.0
        sums |= {"m": without, "mm": without, "mx": 0.0, "my": y}
    return JointSums(n, shifts, sums)
