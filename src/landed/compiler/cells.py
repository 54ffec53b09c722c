"""Cells: what many aggregates with conditions of their own are added up from.

A condition costs a pass over all rows for each aggregate that has it. Rows are brought down first
to one a group and combination of what the conditions look at, and the conditions hold over those.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sqlglot import exp

from ..catalog.formulas import Aggregate
from .facts import ROWS, row_filter, total
from .syntax import aliased, column, double, expression, where

#: Fewer aggregates are not worth the second step.
LEAST = 6
#: Combinations a group may have, by the definitions alone; five names by five places have 49.
MOST = 1024
_ADDED = {"sum": exp.Sum, "count": exp.Sum, "sum_boolean": exp.Sum, "min": exp.Min, "max": exp.Max}
_WORDS = {"t", "f", "y", "n", "true", "false", "yes", "no", "null", "infinity", "inf", "nan"}

Asked = Sequence[tuple[Aggregate, exp.Expr | None]]


class Cells:
    """Conditions and aggregates over cells.

    A column that conditions only compare with literals is kept as the number of the literal it
    equals, 0 for any other value and NULL for none: its values may be as many as rows.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._literals: dict[str, list[exp.Expr]] = {}  # by the column's text
        self._columns: dict[str, exp.Expr] = {}
        self._states: dict[str, exp.Expr] = {}
        atoms = [found for _, one in asked if one is not None for found in _atoms(one)]
        self.is_worth_it = (
            len(asked) >= LEAST
            and all(one.measure.agg in (*_ADDED, "average") for one, _ in asked)
            and all(self._takes(atom) for atom in atoms)
            and all(map(_are_distinct, self._literals.values()))
            and 1 < self._combinations() <= MOST
        )

    def keys(self) -> list[exp.Expr]:
        """What the conditions look at, as numbers, over rows."""
        found: list[exp.Expr] = []
        for at, (text, literals) in enumerate(self._literals.items()):
            looked_at = self._columns[text]
            is_none = exp.Is(this=looked_at.copy(), expression=exp.Null())
            ifs = [exp.If(this=is_none, true=exp.Null())]
            for position, literal in enumerate(literals, start=1):
                equal = exp.EQ(this=looked_at.copy(), expression=literal.copy())
                ifs.append(exp.If(this=equal, true=exp.Literal.number(position)))
            code = exp.Case(ifs=ifs, default=exp.Literal.number(0))
            found.append(aliased(code, f"b{at}"))
        return found

    def aggregates(self) -> list[exp.Expr]:
        """Each aggregate over cells, which makes known what the cells must hold."""
        return [self._added(one, condition) for one, condition in self._asked]

    def states(self) -> list[exp.Expr]:
        """What the cells hold, over rows."""
        return [aliased(tree, f"s{at}") for at, tree in enumerate(self._states.values())]

    def rows(self) -> list[exp.Expr]:
        """What every condition asks of a column alike, as conditions on rows: cheap to leave out.

        A row that any aggregate takes fulfils them; the others are in no cell.
        """
        asked = [_required(condition) for _, condition in self._asked]
        found: list[exp.Expr] = []
        for text, looked_at in self._columns.items():
            if asked and all(text in one for one in asked):
                every = {one.sql("duckdb"): one for of in asked for one in of[text]}
                values = [one.copy() for one in every.values()]
                found.append(exp.In(this=looked_at.copy(), expressions=values))
        return found

    def relevant(self) -> exp.Expr | None:
        """What a cell must fulfil to matter to any aggregate."""
        return row_filter([self._over_cells(condition) for _, condition in self._asked])

    def _added(self, aggregate: Aggregate, condition: exp.Expr | None) -> exp.Expr:
        measure, kept = aggregate.measure, self._over_cells(condition)
        value = expression(measure.expr, ROWS)
        if measure.agg == "average":
            added = [
                where(exp.Sum(this=self._state(function(this=value.copy()))), _copy(kept))
                for function in (exp.Sum, exp.Count)
            ]
            return exp.Div(
                this=double(added[0]),
                expression=exp.Nullif(this=added[1], expression=exp.Literal.number(0)),
            )
        state = self._state(total(measure, value))
        added_up = where(_ADDED[measure.agg](this=state), kept)
        if measure.agg not in ("count", "sum_boolean"):
            return added_up
        whole = exp.cast(added_up, "bigint", copy=False)  # a sum of counts may be wider
        return exp.Coalesce(this=whole, expressions=[exp.Literal.number(0)])

    def _state(self, tree: exp.Expr) -> exp.Expr:
        text = tree.sql("duckdb")
        self._states.setdefault(text, tree)
        return column(f"s{list(self._states).index(text)}")

    def _over_cells(self, condition: exp.Expr | None) -> exp.Expr | None:
        if condition is None:
            return None
        tree = exp.paren(condition.copy(), copy=False)
        for atom in list(_atoms(tree)):
            text = _looked_at(atom).sql("duckdb")
            code = column(f"b{list(self._literals).index(text)}")
            if not isinstance(atom, exp.Is):
                known = self._literals[text]
                sides = atom.expressions if isinstance(atom, exp.In) else [atom.expression]
                codes = [exp.Literal.number(known.index(one) + 1) for one in sides]
                atom.set("this", code)
                name = "expressions" if isinstance(atom, exp.In) else "expression"
                atom.set(name, codes if isinstance(atom, exp.In) else codes[0])
            else:
                atom.set("this", code)
        return tree

    def _takes(self, atom: exp.Expr) -> bool:
        """Whether a comparison can be made over cells; its literals are noted."""
        looked_at = _looked_at(atom)
        if not isinstance(looked_at, exp.Column):
            return False
        if isinstance(atom, exp.In):
            literals = atom.expressions
        elif isinstance(atom, exp.EQ | exp.NEQ):
            literals = [atom.expression]
        elif isinstance(atom, exp.Is) and isinstance(atom.expression, exp.Null):
            literals = []
        else:
            return False
        text = looked_at.sql("duckdb")
        self._columns.setdefault(text, looked_at)
        known = self._literals.setdefault(text, [])
        known += [one for at, one in enumerate(literals) if one not in (*known, *literals[:at])]
        return all(isinstance(one, exp.Literal | exp.Boolean) for one in literals)

    def _combinations(self) -> int:
        found = 1
        for literals in self._literals.values():
            found *= len(literals) + 2
        return found


def _atoms(tree: exp.Expr) -> Iterable[exp.Expr]:
    """The comparisons that AND, OR and NOT join."""
    if isinstance(tree, exp.And | exp.Or):
        yield from _atoms(tree.this)
        yield from _atoms(tree.expression)
    elif isinstance(tree, exp.Not | exp.Paren):
        yield from _atoms(tree.this)
    else:
        yield tree


def _required(condition: exp.Expr | None) -> dict[str, list[exp.Expr]]:
    """The literals of which a column must equal one, by the column's text."""
    found: dict[str, list[exp.Expr]] = {}
    tree = condition.unnest() if condition is not None else None
    if isinstance(tree, exp.And):
        return _required(tree.expression) | _required(tree.this)  # one of the two is enough
    if isinstance(tree, exp.EQ):
        found[_looked_at(tree).sql("duckdb")] = [tree.expression]
    elif isinstance(tree, exp.In):
        found[_looked_at(tree).sql("duckdb")] = tree.expressions
    return found


def _looked_at(atom: exp.Expr) -> exp.Expr:
    this = atom.this
    return this.unnest() if isinstance(this, exp.Expr) else atom


def _are_distinct(literals: Sequence[exp.Expr]) -> bool:
    """Whether no value equals two of them, whatever the column's type: else one would be lost."""
    if len(literals) < 2 or all(isinstance(one, exp.Boolean) for one in literals):
        return True
    if not all(isinstance(one, exp.Literal) and one.is_string for one in literals):
        return False
    words = [re.sub(r"[\W_]+", "", one.name.casefold()) for one in literals]
    is_text = all(word[:1].isalpha() and word not in _WORDS for word in words)
    return is_text and len(set(words)) == len(words)


def _copy(tree: exp.Expr | None) -> exp.Expr | None:
    return tree.copy() if tree is not None else None
