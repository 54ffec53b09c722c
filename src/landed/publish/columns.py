"""What of a mart may be published: columns that definitions use, ids only as keyed digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from ..catalog import Catalog, SemanticModel
from ..catalog.expressions import column_names, parse_column_expression
from ..catalog.segments import segment_expressions
from ..errors import PlanError, WarehouseError

UNIT_ENTITY = "unit"
EXPOSURES = "fct_exposures"
PROPERTIES = "properties"
#: What people wrote; it stays in the lake.
FREE_TEXT = frozenset({"text"})
#: Columns that name a person, a device or a group of people, whatever a definition calls them.
IDS = frozenset({"unit_id", "user_id", "anonymous_id", "cluster_id"})
#: Columns that release scope reads of the exposures, named by no definition.
ALWAYS: Mapping[str, tuple[str, ...]] = {
    EXPOSURES: (
        "release",
        "unit_id",
        "variant",
        "cluster_id",
        "exposed_at",
        "is_in_two_clusters",
        "is_crossover",
        "is_bot",
    ),
}
#: Models without a person in them, copied whole where they are built.
WHOLE = ("dim_releases", "time_spine")


@dataclass(frozen=True, slots=True)
class Copy:
    """How one mart is copied.

    Args:
        model: The dbt model; its relation is `main.<model>`.
        plain: Columns as they are.
        digested: Columns of which a keyed digest is kept.
        property_keys: Keys of `properties` that definitions read; the others are dropped.
        counted: Ids that are only ever counted: kept as '' or null.
    """

    model: str
    plain: tuple[str, ...]
    digested: tuple[str, ...]
    property_keys: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()


@dataclass
class _Wanted:
    columns: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    counted: set[str] = field(default_factory=set)
    compared: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


def plan_copies(catalog: Catalog, built: Mapping[str, Sequence[str]]) -> tuple[Copy, ...]:
    """Decide, for every mart with a semantic model, which columns are published and how.

    Args:
        catalog: Definitions.
        built: Columns by model, as they were built.

    Raises:
        PlanError: A definition reads free text or all of `properties`.
        WarehouseError: A mart was not built, or lacks a column that a definition reads.
    """
    wanted: dict[str, _Wanted] = {}
    for model in catalog.semantic_models.values():
        _add(wanted.setdefault(model.model, _Wanted()), model)
    for text in segment_expressions(catalog.vocabulary).values():  # queries of a release use them
        wanted[EXPOSURES].columns.update(column_names(parse_column_expression(text)))
    copies = []
    for name, need in sorted(wanted.items()):
        if name not in built:
            raise WarehouseError(
                f"the model `{name}` was not built",
                where="main of the build database",
                fix="run `landed run --full`.",
                code="model_missing",
            )
        need.columns.update(column for column in ALWAYS.get(name, ()) if column in built[name])
        missing = sorted(need.columns - set(built[name]))
        if missing:
            raise WarehouseError(
                f"the model `{name}` has no column {', '.join(missing)}",
                expected="every column that a definition reads",
                where="main of the build database",
                fix="correct the expression, or add the column to the model.",
                code="column_missing",
            )
        chosen = [column for column in built[name] if column in need.columns]
        hidden = need.ids | {column for column in chosen if _is_id(column)}
        counted = (need.counted & hidden) - need.compared - set(ALWAYS.get(name, ()))
        copies.append(
            Copy(
                name,
                tuple(c for c in chosen if c not in hidden and c != PROPERTIES),
                tuple(c for c in chosen if c in hidden and c not in counted),
                tuple(sorted(need.keys)),
                tuple(c for c in chosen if c in counted),
            )
        )
    whole = [name for name in WHOLE if name in built and name not in wanted]
    return (*copies, *(Copy(name, tuple(built[name]), ()) for name in whole))


def copy_sql(copy: Copy, source: str, condition: str = "true") -> str:
    """`create table main.<model> as select …` from the attached database `source`.

    The statement takes the key of the digests as the parameter `key`, where it digests at all.
    """
    table = _quoted(copy.model)
    columns = [_quoted(column) for column in copy.plain]
    columns += [
        f"left(sha256($key || cast({_quoted(c)} as varchar)), 32) as {_quoted(c)}"
        for c in copy.digested
    ]
    columns += [f"left(cast({_quoted(c)} as varchar), 0) as {_quoted(c)}" for c in copy.counted]
    if copy.property_keys:
        pairs = ", ".join(
            f"{_text(key)}, json_extract({_quoted(PROPERTIES)}, {_text(_path(key))})"
            for key in copy.property_keys
        )
        columns.append(f"cast(json_object({pairs}) as varchar) as {_quoted(PROPERTIES)}")
    return (
        f"create table main.{table} as select {', '.join(columns)} "
        f"from {_quoted(source)}.main.{table} where {condition}"
    )


def _is_id(name: str) -> bool:
    return name in IDS or name.endswith("_id")


def _add(need: _Wanted, model: SemanticModel) -> None:
    unit = model.entities.get(UNIT_ENTITY)
    for entity in model.entities.values():
        tree = parse_column_expression(entity.expr)
        if entity.name == UNIT_ENTITY:
            need.columns.update(column_names(tree))
            need.compared.update(column_names(tree))
        need.ids.update(column_names(tree))
    shown = {item.expr for item in model.dimensions.values()}
    unit_columns = column_names(parse_column_expression(unit.expr)) if unit else ()
    need.ids -= {name for name in shown if not _is_id(name)} - set(unit_columns)
    expressions = [
        *((f"dimension `{name}`", item.expr, "") for name, item in model.dimensions.items()),
        *((f"measure `{name}`", item.expr, item.agg) for name, item in model.measures.items()),
    ]
    for what, text, agg in expressions:
        tree = parse_column_expression(text)
        names = column_names(tree)
        is_count = agg == "count" and isinstance(tree, exp.Column)
        (need.counted if is_count else need.compared).update(names)
        where = f"{what} of the semantic model `{model.name}`, {model.path}"
        for name in sorted(FREE_TEXT.intersection(names)):
            raise PlanError(
                f"the free text `{name}` is read",
                expected="no definition over what people wrote",
                where=where,
                fix="compute the number as a column of the model.",
                code="free_text",
            )
        need.columns.update(names)
        if PROPERTIES in names:
            need.keys.update(_keys(tree, where))


def _keys(tree: exp.Expr, where: str) -> set[str]:
    """Top-level keys of `properties` that an expression extracts."""
    keys: set[str] = set()
    for column in tree.find_all(exp.Column):
        if column.name != PROPERTIES:
            continue
        parent = column.parent
        while isinstance(parent, exp.Paren):
            parent = parent.parent
        path = parent.args.get("expression") if parent is not None else None
        steps = path.expressions if isinstance(path, exp.JSONPath) else []
        if (
            not isinstance(parent, exp.JSONExtract | exp.JSONExtractScalar)
            or len(steps) < 2
            or not isinstance(steps[1], exp.JSONPathKey)
            or not isinstance(steps[1].this, str)
        ):
            raise PlanError(
                "all of `properties` is read",
                expected="single properties, e.g. properties ->> 'amount'",
                where=where,
                fix="extract the property, or compute it as a column of the model.",
                code="whole_properties",
            )
        keys.add(steps[1].this)
    return keys


def _path(key: str) -> str:
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
