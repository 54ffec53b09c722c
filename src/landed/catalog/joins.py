"""Which models a fact may be joined to: along entities, and to at most one row each.

A hop goes from a model that has an entity to one in which that entity is primary, unique, or
natural with a validity (one row at each moment). Whatever would meet several rows is left out, and
can be explained. Names are those of dbt: the entities of the path, then the dimension.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..errors import QueryRefused
from .definitions import UNIT_ENTITY, Dimension, Entity, SemanticModel
from .expressions import canonical, parse_column_expression
from .names import refused, show

MAX_HOPS = 3  # longer ones are better written as a mart: each hop is a join over the whole fact


@dataclass(frozen=True, slots=True)
class Hop:
    """A join by one entity: many rows of a model to at most one of `model`.

    Args:
        entity: The entity's name.
        key: Its column in the model that is left.
        model: The model that is joined.
    """

    entity: str
    key: str
    model: SemanticModel = field(hash=False)

    @property
    def model_key(self) -> str:
        """The entity's column in the model that is joined."""
        return self.model.entities[self.entity].expr


Path = tuple[Hop, ...]
_Step = tuple[SemanticModel, Entity, SemanticModel]  # from, the entity as the other has it, to


@dataclass(frozen=True)
class JoinGraph:
    """Models as nodes, joins by an entity as edges."""

    models: Mapping[str, SemanticModel]

    def along(self, fact: SemanticModel, entities: tuple[str, ...]) -> list[Path]:
        """Every path from a fact by these entities, in order."""
        paths: list[Path] = [()] if 0 < len(entities) <= MAX_HOPS else []
        for name in entities:
            paths = [
                (*path, hop)
                for path in paths
                for hop in self._hops(fact, path)
                if hop.entity == name
            ]
        return paths

    def reachable(self, fact: SemanticModel) -> Iterator[Path]:
        """Every path from a fact, the shortest first."""
        paths: list[Path] = [()]
        for _ in range(MAX_HOPS):
            paths = [(*path, hop) for path in paths for hop in self._hops(fact, path)]
            yield from paths

    def dimensions(self, fact: SemanticModel) -> dict[str, Dimension]:
        """Dimensions that joins bring to a fact, by full name; without ambiguous ones."""
        found: dict[str, Dimension] = {}
        twice: set[str] = set()
        for path in self.reachable(fact):
            prefix = "__".join(hop.entity for hop in path)
            for name, dimension in path[-1].model.dimensions.items():
                full = f"{prefix}__{name}"
                if full in found:
                    twice.add(full)
                found[full] = dimension
        return {full: one for full, one in found.items() if full not in twice}

    def refusal(
        self, fact: SemanticModel, kind: str, name: str, paths: Sequence[Path]
    ) -> QueryRefused | None:
        """Why joins cannot bring a name; None where no model has such a name.

        Args:
            kind: dimension or entity.
            paths: Those that lead to it.
        """
        if len(paths) > 1:
            ways = " and ".join(_spelled(path, fact) for path in paths[:2])
            what = f"the {kind} {show(name)} of {fact.name} is reached by {ways}"
            fix = "rename the entity or the name in one of the models."
            return refused(what, fix, "ambiguous_join")
        if name.count("__") > MAX_HOPS:
            what = f"the {kind} {show(name)} goes over {name.count('__')} joins"
            return refused(what, f"at most {MAX_HOPS}; bring it nearer in a mart.", "join_path")
        fan = self._fan_out(fact, name) if kind == "dimension" else None
        return refused(*fan, "fan_out") if fan is not None else None

    def _fan_out(self, fact: SemanticModel, name: str) -> tuple[str, str] | None:
        """Why a name that no path reaches would meet many rows, and what to do."""
        *entities, short = name.split("__")
        owner = entities[-1] if entities else None
        routes: list[list[_Step]] = [[]]
        seen: set[tuple[str, str]] = set()
        for _ in range(MAX_HOPS):
            onward: list[list[_Step]] = []
            for route in routes:
                for step in self._any(route[-1][2] if route else fact):
                    _, entity, target = step
                    if target is fact or (target.name, entity.name) in seen:
                        continue
                    seen.add((target.name, entity.name))
                    onward.append([*route, step])
                    is_owner = owner in (None, entity.name) or owner in target.prefixes
                    wrong = [one for one in onward[-1] if not _is_one(one[1], one[2])]
                    if short in target.dimensions and is_owner and wrong:
                        return _explained(name, target, *wrong[0])
            routes = onward
        return None

    def _hops(self, fact: SemanticModel, path: Path) -> list[Hop]:
        """The hops that go on from a path; no model and no entity twice."""
        seen = {fact.name, *(hop.model.name for hop in path)}
        used = {hop.entity for hop in path}
        left = path[-1].model if path else fact
        return [
            Hop(name, entity.expr, model)
            for name, entity in left.entities.items()
            if name not in used
            for model in self._by_entity.get(name, ())
            if model.name not in seen and _is_one(model.entities[name], model)
        ]

    def _any(self, left: SemanticModel) -> Iterator[_Step]:
        """Steps to every model that shares an entity, however many rows it would meet."""
        for name in left.entities:
            for model in self._by_entity.get(name, ()):
                yield left, model.entities[name], model

    @cached_property
    def _by_entity(self) -> dict[str, list[SemanticModel]]:
        found: dict[str, list[SemanticModel]] = {}
        for model in self.models.values():
            for name in model.entities:
                found.setdefault(name, []).append(model)
        return found


def spelled_hops(path: Path) -> list[Any]:
    """The joins of a path for a digest; none of the direct one to the units, which always was."""
    if len(path) == 1 and path[0].entity == UNIT_ENTITY == path[0].model.primary_entity:
        return []
    return [
        [
            canonical(parse_column_expression(hop.key)),
            hop.model.model,
            canonical(parse_column_expression(hop.model_key)),
            [canonical(parse_column_expression(one.expr)) for one in hop.model.validity or ()],
        ]
        for hop in path
    ]


def _spelled(path: Path, fact: SemanticModel) -> str:
    return " → ".join([fact.name, *(hop.model.name for hop in path)])


def _is_one(entity: Entity, model: SemanticModel) -> bool:
    """Whether a value of the entity has at most one row in the model (at each moment)."""
    if entity.kind == "natural":
        return model.validity is not None
    return entity.kind in ("primary", "unique")


def _explained(
    name: str, target: SemanticModel, left: SemanticModel, entity: Entity, right: SemanticModel
) -> tuple[str, str]:
    what = (
        f"the dimension {show(name)} of {target.name} would fan out, for {show(entity.name)} is "
        f"{entity.kind} in {right.name} and one row of {left.name} meets many there"
    )
    if entity.expr in right.unique_columns:
        fix = (
            f"{show(entity.expr)} of {right.model} is tested unique, so make {show(entity.name)} "
            f"`type: unique` in {right.name}."
        )
    else:
        fix = f"name a metric of {right.name}, or a model with one row per {entity.name}."
    return what, fix
