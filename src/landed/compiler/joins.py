"""Joins of a fact to the models that its dimensions stand in: left, and to one row at most.

The one place that says how a join is written: by key, and by key as of a moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from ..catalog.definitions import UNIT_ENTITY, Dimension, SemanticModel
from ..catalog.joins import Path
from .query import Relations
from .syntax import aliased, all_of, column, expression, identifier, is_known, relation

UNITS = "u"  # the units' alias
# no names of columns around them, which ClickHouse would take for them
_VERSIONS, _ENDED = "landed_versions", "landed_ended"
_FROM, _UNTIL = "landed_from", "landed_until"


@dataclass
class Joins:
    """The joins that one scan needs; every path once, behind those it goes on from."""

    aliases: dict[Path, str] = field(default_factory=dict)

    def alias(self, path: Path) -> str:
        """Alias of the model at the end of a path, which is joined from now on."""
        for length in range(1, len(path) + 1):
            part = path[:length]
            if part not in self.aliases:
                self.aliases[part] = UNITS if _is_units(part) else f"j{len(self.aliases)}"
        return self.aliases[path]

    def onto(
        self, select: exp.Select, rows: str, moment: exp.Expr, relations: Relations
    ) -> exp.Select:
        """The statement with its joins.

        Args:
            rows: The fact's alias.
            moment: The instant of a row, at which a version of a model has to be valid.
        """
        for path, alias in self.aliases.items():
            hop = path[-1]
            left = self.aliases[path[:-1]] if len(path) > 1 else rows
            key, model = expression(hop.key, left), hop.model
            if model.validity is None:
                on: exp.Expr | None = exp.EQ(this=key, expression=expression(hop.model_key, alias))
                joined: exp.Expr = relation(model.model, alias, relations)
            else:
                on = _as_of(key, expression(hop.model_key, alias), moment, alias)
                joined = _versions(model, model.validity, hop.entity, alias, relations)
            select = select.join(joined, on=on, join_type="left", copy=False)
        return select

    def models(self) -> set[str]:
        """dbt models that are joined."""
        return {path[-1].model.model for path in self.aliases}


def instant_of(model: SemanticModel, dimension: str, table: str) -> exp.Expr:
    """A time dimension as an instant; a day is its midnight."""
    tree = expression(model.dimensions[dimension].expr, table)
    is_day = model.time_type(dimension) == "date"
    return exp.cast(tree, "timestamp", copy=False) if is_day else tree


def _is_units(path: Path) -> bool:
    """Whether it is the direct way to the model with one row a unit."""
    hop = path[-1]
    return len(path) == 1 and hop.entity == UNIT_ENTITY == hop.model.primary_entity


def _as_of(key: exp.Expr, other: exp.Expr, moment: exp.Expr, alias: str) -> exp.Expr | None:
    """Whether a version is of the key, and valid at a moment."""
    until = column(_UNTIL, alias)
    return all_of(
        [
            exp.EQ(this=key, expression=other),
            exp.LTE(this=column(_FROM, alias), expression=moment.copy()),
            exp.or_(
                exp.Is(this=until, expression=exp.Null()),
                exp.LT(this=moment.copy(), expression=until.copy()),
                copy=False,
            ),
        ]
    )


def _versions(
    model: SemanticModel,
    validity: tuple[Dimension, Dimension],
    entity: str,
    alias: str,
    relations: Relations,
) -> exp.Subquery:
    """Versions that never overlap: each ends where it says, or where the next one of it starts.

    Data whose versions overlap would otherwise double rows of the fact. Of several that start
    at one instant the last one by end, then by every other column, is taken.
    """
    first, last = validity
    start = instant_of(model, first.name, _VERSIONS)
    end = instant_of(model, last.name, _VERSIONS)
    key = expression(model.entities[entity].expr, _VERSIONS)
    rest = [
        one.expr for name, one in model.dimensions.items() if name not in (first.name, last.name)
    ]
    rest += [one.expr for name, one in model.entities.items() if name != entity]
    order = [start.copy(), end.copy(), *(expression(one, _VERSIONS) for one in rest)]
    following = exp.Window(
        this=exp.Lead(this=start.copy()),
        partition_by=[key.copy()],
        order=exp.Order(expressions=[exp.Ordered(this=one, nulls_first=False) for one in order]),
    )
    is_endless = exp.Is(this=end.copy(), expression=exp.Null())
    is_real = [
        is_known(key),
        is_known(start.copy()),
        exp.or_(is_endless, exp.LT(this=start.copy(), expression=end.copy()), copy=False),
    ]
    inner = (
        exp.select(
            exp.Column(this=exp.Star(), table=identifier(_VERSIONS)),
            aliased(start, _FROM),
            aliased(end, "landed_end"),
            aliased(following, "landed_next"),
        )
        .from_(relation(model.model, _VERSIONS, relations), copy=False)
        .where(all_of(is_real), copy=False)
    )
    said, next_ = column("landed_end", _ENDED), column("landed_next", _ENDED)
    is_next = exp.or_(
        exp.Is(this=said.copy(), expression=exp.Null()),
        exp.LT(this=next_.copy(), expression=said.copy()),
        copy=False,
    )
    until = exp.Case(ifs=[exp.If(this=is_next, true=next_)], default=said)
    outer = exp.select(
        exp.Column(this=exp.Star(), table=identifier(_ENDED)), aliased(until, _UNTIL)
    ).from_(inner.subquery(identifier(_ENDED), copy=False), copy=False)
    return outer.subquery(identifier(alias), copy=False)
