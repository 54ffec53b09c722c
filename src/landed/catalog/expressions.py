"""The three small grammars of a definition: conditions, column expressions, arithmetic.

Text is parsed to a syntax tree, every node of which must be on a list; the tree is kept, the text
is not used again. Templates are read by one pattern and never executed.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ..documents import canonical_json
from .names import refused, show

MAX_TEXT = 4000  # characters; the longest condition seen in the field has 600
MAX_NESTING = 40  # brackets; the parser recurses, and a definition with more is not read by people

#: Periods that a time may be truncated to; a `us_week` begins on Sunday.
CALENDAR = ("hour", "day", "week", "us_week", "month", "quarter", "year")

_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_CALL = re.compile(
    r"\s*(Dimension|TimeDimension|Entity)\(\s*(['\"])([a-z][a-z0-9_]*)\2\s*"
    r"(?:,\s*(['\"])(hour|day|week|us_week|month|quarter|year)\4\s*)?"
    r"(?:,\s*entity_path\s*=\s*\[([a-z0-9_'\", ]*)\]\s*)?\)\s*"
)
_PATH = re.compile(r"\s*(?:(['\"])([a-z][a-z0-9_]*)\1\s*,?\s*)+")
_PLACEHOLDER = "landed_ref_"
_BRACES = ("{{", "}}", "{%", "%}", "{#", "#}")

_COMPARISONS: set[type[exp.Expr]] = {
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
    exp.In, exp.Is, exp.Between, exp.Null, exp.Boolean, exp.Literal, exp.Neg, exp.Column,
    exp.Identifier, exp.Cast, exp.DataType, exp.Lower, exp.Upper, exp.Coalesce, exp.Abs,
}  # fmt: skip
_ARITHMETIC: set[type[exp.Expr]] = {
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Nullif, exp.Greatest, exp.Least, exp.Round,
    exp.Case, exp.If,
}  # fmt: skip
_COLUMNS: set[type[exp.Expr]] = {
    exp.Mod, exp.TryCast, exp.JSONExtract, exp.JSONExtractScalar, exp.JSONPath, exp.JSONPathRoot,
    exp.JSONPathKey, exp.JSONPathSubscript, exp.DateDiff, exp.TimestampTrunc, exp.Var,
    exp.TimeToUnix, exp.Length, exp.Trim, exp.Like, exp.DPipe,
}  # fmt: skip
_TYPES = {
    exp.DataType.Type.INT, exp.DataType.Type.BIGINT, exp.DataType.Type.DOUBLE,
    exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT, exp.DataType.Type.BOOLEAN,
    exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP,
}  # fmt: skip
_PREDICATES = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
    exp.In, exp.Is, exp.Between, exp.Boolean, exp.Column,
)  # fmt: skip

ReferenceKind = Literal["dimension", "time", "entity", "name"]


@dataclass(frozen=True, slots=True)
class Reference:
    """What a condition names: a dimension, a time dimension with its grain, an entity, a name."""

    kind: ReferenceKind
    name: str
    grain: str | None = None


@dataclass(frozen=True)
class Condition:
    """A parsed condition. Column `landed_ref_<i>` of the tree stands for `references[i]`."""

    tree: exp.Expr
    references: tuple[Reference, ...]

    def bind(self, resolve: Callable[[Reference], exp.Expr]) -> exp.Expr:
        """The tree with every reference replaced; the condition itself stays as it is."""

        def replace(column: exp.Column) -> exp.Expr:
            return resolve(self.references[int(column.name.removeprefix(_PLACEHOLDER))])

        return replace_columns(self.tree, replace)

    def conjuncts(self) -> tuple[Condition, ...]:
        """The conditions that AND joins at its top, each on its own."""
        tree = self.tree.unnest()
        if not isinstance(tree, exp.And):
            return (self,)
        sides = (self._part(side) for side in (tree.this, tree.expression))
        return tuple(one for side in sides for one in side.conjuncts())

    def _part(self, tree: exp.Expr) -> Condition:
        found: list[Reference] = []

        def renumber(node: exp.Expr) -> exp.Expr:
            if isinstance(node, exp.Column):
                found.append(self.references[int(node.name.removeprefix(_PLACEHOLDER))])
                return exp.column(f"{_PLACEHOLDER}{len(found) - 1}")
            return node

        return Condition(tree.copy().transform(renumber, copy=False), tuple(found))


@functools.lru_cache(maxsize=4096)
def parse_condition(text: str, *, bare_names: bool = False) -> Condition:
    """Read a condition such as `{{ Dimension('event__event_name') }} = 'signup'`.

    Args:
        text: The condition.
        bare_names: Whether dimensions may also stand as plain names, as queries write them.

    Raises:
        QueryRefused: It is not in the grammar; one line that names the token.
    """
    references: list[Reference] = []

    def placeholder(found: re.Match[str]) -> str:
        call = _CALL.fullmatch(found.group(1))
        if call is None:
            raise refused(
                f"the template {show(found.group(0))} is not allowed",
                "write {{ Dimension('entity__name') }}, {{ TimeDimension('…', 'day') }} or "
                "{{ Entity('…') }}.",
                "template",
            )
        kind, name, grain, path = call.group(1), call.group(3), call.group(5), call.group(6)
        if grain and kind != "TimeDimension":
            raise refused(f"{show(kind)} takes no grain", "use TimeDimension.", "template")
        if grain == "us_week" and not bare_names:  # definitions keep to the grains of dbt
            raise refused("a definition has no grain `us_week`", "use week.", "template")
        kinds: dict[str, ReferenceKind] = {
            "Dimension": "dimension",
            "TimeDimension": "time",
            "Entity": "entity",
        }
        if name.count("__") > (kind != "Entity"):  # dbt takes one entity in the name itself
            *before, last, short = name.split("__")
            near = f"{last}__{short}" if kind != "Entity" else short
            before = before if kind != "Entity" else [*before, last]
            raise refused(
                f"{show(kind)} has a path in the name {show(name)}",
                f"write {kind}('{near}', entity_path={before}).",
                "template",
            )
        names = _entity_path(path, found.group(0)) if path is not None else ()
        references.append(Reference(kinds[kind], "__".join((*names, name)), grain))
        return f" {_PLACEHOLDER}{len(references) - 1} "

    if _PLACEHOLDER in text.lower():
        raise refused(f"the name {show(_PLACEHOLDER)} is reserved", "rename it.", "reserved_name")
    replaced = _TEMPLATE.sub(placeholder, text)
    for brace in _BRACES:
        if brace in replaced:
            raise refused(
                f"the template {show(brace)} is not closed or not allowed",
                "only {{ Dimension('…') }} and its kin may stand here.",
                "template",
            )
    allowed = _COMPARISONS | ({exp.TimestampTrunc, exp.Var} if bare_names else set())
    tree = _parse(replaced, allowed, text)
    if not isinstance(tree, _PREDICATES):
        raise refused(f"{show(text)} is no condition", "compare it with something.", "condition")
    used = 0
    for column in list(tree.find_all(exp.Column)):
        if column.name.startswith(_PLACEHOLDER):
            used += 1
            continue
        if not bare_names:
            raise refused(
                f"the name {show(column.name)} is no template",
                f"write {{{{ Dimension('entity__{column.name[:40]}') }}}}.",
                "bare_name",
            )
        name = column.name if column.this.quoted else column.name.lower()
        column.set("this", exp.to_identifier(f"{_PLACEHOLDER}{len(references)}"))
        grain = None
        if isinstance(column.parent, exp.TimestampTrunc):
            grain = _grain_of(column.parent)
            column.parent.replace(column)
        references.append(Reference("name", name, grain))
        used += 1
    if (left := tree.find(exp.TimestampTrunc)) is not None:
        raise refused(
            f"{show(left.sql('duckdb'))} truncates no name",
            "write date_trunc('day', metric_time).",
            "grain",
        )
    if used != len(references):
        raise refused(
            f"a template stands inside quotes in {show(text)}", "take the quotes off.", "template"
        )
    return Condition(tree, tuple(references))


def _entity_path(path: str, template: str) -> tuple[str, ...]:
    """The entities that dbt's `entity_path=['order']` joins by, before the one of the name."""
    if path.strip() and not _PATH.fullmatch(path):
        raise refused(
            f"the path of {show(template)} is no list of entities",
            "write entity_path=['order'].",
            "template",
        )
    return tuple(re.findall(r"['\"]([a-z][a-z0-9_]*)['\"]", path))


def _grain_of(tree: exp.TimestampTrunc) -> str:
    grain = tree.text("unit").lower()
    if grain not in CALENDAR:
        raise refused(
            f"the grain {show(grain)} is not known", f"use one of {', '.join(CALENDAR)}.", "grain"
        )
    return grain


@functools.lru_cache(maxsize=4096)
def parse_column_expression(text: str) -> exp.Expr:
    """Read the `expr` of a measure, dimension or entity: an expression over plain columns.

    Raises:
        QueryRefused: It is not in the grammar.
    """
    _refuse_templates(text)
    return _parse(text, _COMPARISONS | _ARITHMETIC | _COLUMNS)


@functools.lru_cache(maxsize=4096)
def parse_arithmetic(text: str) -> exp.Expr:
    """Read the `expr` of a derived metric: arithmetic over the aliases of its inputs.

    Raises:
        QueryRefused: It is not in the grammar.
    """
    _refuse_templates(text)
    return _parse(text, _COMPARISONS | _ARITHMETIC)


def replace_columns(tree: exp.Expr, replace: Callable[[exp.Column], exp.Expr]) -> exp.Expr:
    """A copy of the tree with every column replaced, divisions by zero made NULL."""

    def visit(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return replace(node)
        return node

    return divide_safely(tree.copy().transform(visit, copy=False))


def divide_safely(tree: exp.Expr) -> exp.Expr:
    """Turn every `a / b` of a tree of one's own into `cast(a as double) / nullif(b, 0)`."""
    for division in list(tree.find_all(exp.Div)):
        if not isinstance(division.expression, exp.Nullif):
            above = exp.cast(exp.paren(division.this, copy=False), "double", copy=False)
            below = exp.Nullif(this=division.expression, expression=exp.Literal.number(0))
            division.set("this", above)
            division.set("expression", below)
    # `a ->> b = c` binds as `a ->> (b = c)` in DuckDB: brackets keep what was meant
    for node in list(tree.find_all(exp.JSONExtract, exp.JSONExtractScalar)):
        if node.parent is not None and not isinstance(node.parent, exp.Paren):
            node.replace(exp.paren(node.copy(), copy=False))
    return tree


def column_names(tree: exp.Expr) -> tuple[str, ...]:
    """Names of the columns an expression reads, each once, in order."""
    return tuple(dict.fromkeys(column.name for column in tree.find_all(exp.Column)))


def canonical(node: exp.Expr, name: Callable[[str], Any] = str) -> Any:
    """One spelling of a tree as JSON: brackets, the order of AND and IN, and case do not matter."""
    if isinstance(node, exp.Paren):
        return canonical(node.this, name)
    if isinstance(node, exp.Column):
        return ["column", name(node.name)]
    if isinstance(node, exp.Literal):
        return ["text" if node.is_string else "number", node.name]
    if isinstance(node, exp.DataType):
        return ["type", node.sql("duckdb")]
    if isinstance(node, exp.And | exp.Or):
        parts = [canonical(part, name) for part in node.flatten(unnest=True)]
        return [node.key, *sorted(parts, key=canonical_json)]
    if isinstance(node, exp.In):
        values = [canonical(value, name) for value in node.expressions]
        return ["in", canonical(node.this, name), sorted(values, key=canonical_json)]
    parts = []
    for key, value in sorted(node.args.items()):
        values = value if isinstance(value, list) else [value]
        found = [
            canonical(item, name) if isinstance(item, exp.Expr) else item
            for item in values
            if isinstance(item, exp.Expr | str)
        ]
        if found:
            parts.append([key, *found])
    return [node.key, *parts]


def _refuse_templates(text: str) -> None:
    for brace in _BRACES:
        if brace in text:
            raise refused(
                f"the template {show(brace)} is not allowed here",
                "templates stand in filter and where only.",
                "template",
            )


def _parse(source: str, allowed: set[type[exp.Expr]], written: str | None = None) -> exp.Expr:
    text = written or source  # what the author wrote, for messages
    tree = parse_bounded(source, "duckdb")
    for node in tree.walk():
        if type(node) not in allowed:
            raise refused(
                f"{show(_name_of(node))} is not allowed in {show(text)}",
                "use comparisons, IN, BETWEEN, IS NULL, AND, OR, NOT, lower, upper, coalesce, abs "
                "and cast."
                if exp.Add not in allowed
                else "use columns, arithmetic, case, cast, coalesce and nullif.",
                "not_in_grammar",
            )
        _check_parts(node, text)
        if isinstance(node, exp.Cast):  # TryCast too
            node.meta["is_defined"] = (
                True  # what the compiler casts itself every engine casts alike
            )
    return tree


def _check_parts(node: exp.Expr, text: str) -> None:
    """What an allowed node may still hide: a table, a subquery, a type of its own."""
    if isinstance(node, exp.Column) and node.args.get("table"):
        raise refused(
            f"the name {show(node.sql('duckdb'))} has a dot", "name the column alone.", "dotted"
        )
    if isinstance(node, exp.In) and not node.expressions:
        raise refused(f"IN without a list in {show(text)}", "write IN ('a', 'b').", "in_list")
    if isinstance(node, exp.DataType) and (node.this not in _TYPES or node.expressions):
        raise refused(
            f"the type {show(node.sql('duckdb'))} is not allowed",
            "cast to int, bigint, double, varchar, boolean, date or timestamp.",
            "cast_type",
        )


def parse_bounded(text: str, dialect: str) -> exp.Expr:
    """Parse one statement or expression; long, deep or several ones are refused first.

    Raises:
        QueryRefused: It cannot be read as one statement.
    """
    if len(text) > MAX_TEXT:
        raise refused(
            f"{show(text)} has {len(text)} characters", f"use at most {MAX_TEXT}.", "too_long"
        )
    if not text.strip():
        raise refused("the text is empty", "write a condition or a query.", "empty")
    depth = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if depth > MAX_NESTING:
            raise refused(
                f"{show(text)} nests brackets too deeply", f"use at most {MAX_NESTING}.", "too_deep"
            )
    logger = logging.getLogger("sqlglot")
    before = logger.disabled
    logger.disabled = True  # it warns about statements that are refused below anyway
    try:
        trees = sqlglot.parse(text, dialect=dialect)
    except RecursionError:
        raise refused(f"{show(text)} nests too deeply", "simplify it.", "too_deep") from None
    except SqlglotError as error:
        raise refused(
            f"cannot read {show(_near(error, text))}", "correct the syntax there.", "syntax"
        ) from None
    finally:
        logger.disabled = before
    found = [tree for tree in trees if tree is not None]
    if len(found) != 1:
        raise refused(f"{show(text)} is not one statement", "write one, without `;`.", "statements")
    for node in found[0].walk():
        node.pop_comments()
    return found[0]


def _near(error: SqlglotError, text: str) -> str:
    errors = getattr(error, "errors", None)
    if errors:
        first = errors[0]
        return f"{first.get('start_context', '')[-20:]}{first.get('highlight', '')}"
    return text


def _name_of(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return f"{node.name}()"
    if isinstance(node, exp.Func):
        return f"{node.sql_name().lower()}()"
    return node.key
