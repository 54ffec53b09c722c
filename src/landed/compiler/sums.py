"""The sums of one metric: which aggregates they need over units, how they are shown.

Letters: y the outcome (of a ratio its numerator), d its denominator, x and w the same two in the
pre-period. Products are of deviations from a constant, the shift: raw squares of values of size m
that differ by s lose m²/s² of the variance's digits.
"""

from __future__ import annotations

from sqlglot import exp

from .outcomes import Value
from .syntax import aliased, column, count_rows, double, where, zero_if_null

_FIRST = ("y", "d", "x", "w")
_SECOND = ("yy", "dd", "yd", "xx", "ww", "xw", "xy", "xd", "wy", "wd")
_THIRD = ("yyy", "yyd", "ydd", "ddd", "xxx", "xxw", "xww", "www")
#: Columns of the moments behind their keys.
SUMS = (
    "n",
    "n_missing",
    "n_immature",
    "n_x",
    "nonzero",
    "nonzero_x",
    *(f"shift_{letter}" for letter in _FIRST),
    *(f"sum_{letter}" for letter in _FIRST),
    "sum_y_with_x",
    *(f"sum_{letters}" for letters in (*_SECOND, *_THIRD)),
)


class Sums:
    """The aggregates of one metric over the wide rows of units.

    Args:
        value: The metric's place in a wide row.
        units: Name of the relation of wide rows.
        centres: Name of the relation of one row with the shifts.
    """

    def __init__(self, value: Value, units: str, centres: str) -> None:
        self._value, self._units, self._centres = value, units, centres
        self._letters = set(value.parts)
        self.shifts = {
            letter: f"shift_{value.name(letter)}"
            for letter in _FIRST
            if value.is_wide and letter in self._letters
        }
        self._aggregates = self._needed()

    @property
    def columns(self) -> list[str]:
        """Names of the aggregates, which add up over cells."""
        return list(self._aggregates)

    def centres(self) -> list[exp.Expr]:
        """The shifts: the mean over all units, of single precision.

        Its few digits make it the same however the engine adds up, and deviations from it exact
        where values are near; a mean that is not finite leaves the values as they are.
        """
        found: list[exp.Expr] = []
        for letter, name in self.shifts.items():
            mean = exp.Avg(this=column(self._value.name(letter), self._units))
            short = double(exp.TryCast(this=mean, to=exp.DataType.build("float")))
            found.append(aliased(zero_if_null(short), name))
        return found

    def of_units(self) -> list[exp.Expr]:
        """The aggregates over units, under their names."""
        return [aliased(tree.copy(), name) for name, tree in self._aggregates.items()]

    @property
    def entered(self) -> str:
        """The aggregate that counts the units that entered."""
        return f"n{self._value.index}" if self._value.can_miss else self._value.mature

    @property
    def is_ratio(self) -> bool:
        """Whether a unit has a denominator of its own."""
        return "d" in self._letters

    def of_cluster(self, letter: str, clusters: str) -> exp.Expr:
        """The sum of y or d over a cluster's units; of all but ratios about the shift.

        Args:
            clusters: Name of the relation of one row a cluster.
        """
        total: exp.Expr = column(self._name(letter), clusters)
        if not self.is_ratio or letter not in self.shifts:
            return total
        shift = column(self.shifts[letter], self._centres)
        moved = exp.Mul(this=column(self.entered, clusters), expression=shift)
        return exp.paren(exp.Add(this=total, expression=moved), copy=False)

    def shown(self) -> dict[str, exp.Expr]:
        """Each column of `SUMS` over the added-up cells; NULL where the metric has no such part."""
        value = self._value
        mature = column(value.mature)
        n = self._count("n") if value.can_miss else mature
        n_x = self._count("n_x") if value.can_miss else mature
        shown: dict[str, exp.Expr] = {
            "n": n,
            "n_missing": exp.Sub(this=mature.copy(), expression=n.copy()),
            "n_immature": exp.Sub(this=column("units"), expression=mature.copy()),
            "n_x": n_x,
            "nonzero": self._nonzero("y"),
            "nonzero_x": self._nonzero("x"),
        }
        for letter in _FIRST:
            has = letter in self._letters
            shift = column(self.shifts[letter]) if letter in self.shifts else double(_zero())
            shown[f"shift_{letter}"] = shift if has else double(exp.Null())
            count = n_x if letter in "xw" else n
            shown[f"sum_{letter}"] = self._raw(letter, self._name(letter), count)
        if value.can_miss:
            shown["sum_y_with_x"] = self._raw("y", f"with_x{value.index}", n_x)
        else:
            shown["sum_y_with_x"] = shown["sum_y"].copy()
        for letters in (*_SECOND, *_THIRD):
            name = self._power(letters)
            has = set(letters) <= self._letters
            shown[f"sum_{letters}"] = double(column(name) if has else exp.Null())
        return {
            name: exp.cast(tree.copy(), "bigint", copy=False) if name[0] == "n" else tree.copy()
            for name, tree in shown.items()
        }

    def _needed(self) -> dict[str, exp.Expr]:
        value, found = self._value, dict[str, exp.Expr]()
        if value.can_miss:
            has_x = exp.Not(this=exp.Is(this=self._plain("x"), expression=exp.Null()))
            found[f"n{value.index}"] = exp.Count(this=self._plain("y"))
            found[f"n_x{value.index}"] = exp.Count(this=self._plain("x"))
            found[f"with_x{value.index}"] = where(exp.Sum(this=self._deviation("y")), has_x)
        for letter in _FIRST:
            if letter in self._letters:
                found[self._name(letter)] = exp.Sum(this=self._deviation(letter))
        if not value.is_binary:
            for letter in ("y", "x"):
                moves = exp.NEQ(this=self._plain(letter), expression=_zero())
                found[f"nonzero_{value.name(letter)}"] = where(count_rows(), moves)
        for letters in (*_SECOND, *_THIRD):
            name = self._power(letters)
            if set(letters) <= self._letters and name not in found:
                product = self._deviation(letters[0])
                for letter in letters[1:]:
                    product = exp.Mul(this=product, expression=self._deviation(letter))
                found[name] = exp.Sum(this=product)
        return found

    def _power(self, letters: str) -> str:
        """The aggregate of a product; powers of 0 and 1 are what they are powers of."""
        return self._name("".join(sorted(set(letters))) if self._value.is_binary else letters)

    def _name(self, letters: str) -> str:
        return f"{letters}{self._value.index}"

    def _count(self, name: str) -> exp.Expr:
        return column(f"{name}{self._value.index}")

    def _nonzero(self, letter: str) -> exp.Expr:
        if self._value.is_binary:
            return column(self._name(letter))
        return column(f"nonzero_{self._value.name(letter)}")

    def _raw(self, letter: str, name: str, count: exp.Expr) -> exp.Expr:
        """A sum of values from that of their deviations."""
        if letter not in self._letters:
            return double(exp.Null())
        if letter not in self.shifts:
            return double(column(name))
        moved = exp.Mul(this=count.copy(), expression=column(self.shifts[letter]))
        return double(exp.paren(exp.Add(this=column(name), expression=moved), copy=False))

    def _plain(self, letter: str) -> exp.Expr:
        return column(self._value.name(letter), self._units)

    def _deviation(self, letter: str) -> exp.Expr:
        if letter not in self.shifts:
            return self._plain(letter)
        shift = column(self.shifts[letter], self._centres)
        return exp.paren(exp.Sub(this=self._plain(letter), expression=shift), copy=False)


def _zero() -> exp.Expr:
    return exp.Literal.number("0")
