"""A source's `select`: one projection over `raw`, checked here and run in a sealed engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from ..errors import Fault, WarehouseError
from ..warehouse import Engine
from .envelope import Envelope

#: Column by which a row finds its file, line and offset again.
ROW = "_row"
#: A column by which a filter stays above what it filters. Else the engine pushes it below, and
#: works out every expression it names a second time: each record would be parsed once a column.
BARRIER = "random() as _barrier"
GIVEN_ID = "_landed_id"
CONTENT = "content"

_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_REFUSED = {
    "with_": "a with clause", "with": "a with clause", "joins": "a join", "laterals": "a lateral",
    "group": "group by", "having": "having", "qualify": "qualify", "windows": "a window",
    "distinct": "distinct", "order": "order by", "limit": "limit", "offset": "offset",
    "sample": "a sample", "into": "into", "pivots": "a pivot", "cluster": "cluster by",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Selection:
    """A checked select.

    Args:
        sql: The author's own text with `_row` (and the id's column) put in front.
        names: Lower-case names of `raw` columns it reads.
        takes_all: Whether it has a star, so that every column is needed.
        gives: Names of the columns it returns; empty where a star hides them.
        is_own: Whether it takes columns as they are: properties are then JSON that the record held.
    """

    sql: str
    names: frozenset[str]
    takes_all: bool
    gives: tuple[str, ...]
    is_own: bool = False


def read_selection(
    text: str, envelope: Envelope, event_id: str | None, where: str
) -> tuple[Selection | None, list[Fault]]:
    """Check a select and put the row's number in front; all its faults at once.

    The author's text is kept as it stands: a tree printed back could mean something else.
    """
    faults: list[Fault] = []

    def fault(what: str, expected: str, fix: str) -> None:
        faults.append(Fault(what, expected, where, fix, "source_select"))

    one = "one select over raw"
    try:
        trees = sqlglot.parse(text, dialect="duckdb")
        tokens = sqlglot.tokenize(text, dialect="duckdb")
        kinds, unsteady = _looked_up(text, _called(tokens))
    except (WarehouseError, sqlglot.errors.SqlglotError) as error:
        fault(f"the select does not parse: {str(error).splitlines()[0]}", one, "correct it.")
        return None, faults
    tree = trees[0] if trees else None
    if kinds != ("SELECT",) or len(trees) != 1 or not isinstance(tree, exp.Select):
        found = ", ".join(kind.lower() for kind in kinds) or "nothing"
        fault(f"the select holds {found}", one, "keep one plain select.")
        return None, faults
    if tokens[0].token_type is not sqlglot.TokenType.SELECT:
        fault(f"the select starts with `{tokens[0].text}`", "select", "start with select.")
    for key, name in _REFUSED.items():
        if tree.args.get(key):
            fault(f"the select has {name}", "a plain projection or filter", "do that in a model.")
    _check_tree(tree, fault)
    for name in unsteady:
        fault(
            f"the select calls {name}",
            "functions of the record's own values, one value a record",
            "leave it out: a record that is delivered again must give the same row.",
        )
    outputs = [folded(one.output_name) for one in tree.expressions]
    gives = tuple(name for name in outputs if name != "*")
    takes_all = any(True for _ in tree.find_all(exp.Star, exp.Columns))
    if not takes_all:
        _check_names(gives, envelope, event_id, fault)
    if faults:
        return None, faults
    names = {folded(column.name) for column in tree.find_all(exp.Column)}
    extra = f' raw."{ROW}" as "{ROW}_",'
    if event_id not in (None, CONTENT) and str(event_id) not in gives:
        names.add(folded(str(event_id)))
        quoted = str(event_id).replace('"', '""')
        extra += f' raw."{quoted}" as "{GIVEN_ID}",'
    head = tokens[0].end + 1
    # a source over an alias of raw is refused above, so `raw.` always resolves
    return Selection(text[:head] + extra + text[head:], frozenset(names), takes_all, gives), []


def _called(tokens: Sequence[sqlglot.Token]) -> tuple[str, ...]:
    """Names of what a text calls, with and without brackets; words of the language among them."""
    called = {
        folded(one.text)
        for one, after in zip(tokens, [*tokens[1:], None], strict=True)
        if (after is not None and after.token_type is sqlglot.TokenType.L_PAREN)
        or one.token_type.name.startswith(("CURRENT_", "LOCAL"))
    }
    return tuple(sorted(called))


@functools.lru_cache(maxsize=256)
def _looked_up(text: str, called: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Kinds of the statements, and those functions whose value is not one of their arguments.

    Those change from call to call, tell of the engine, or give several rows. Kept, as opening an
    engine takes 20 ms and a sensor reads its sources every few seconds.
    """
    with Engine.open(None) as engine:
        kinds = tuple(engine.statement_kinds(text))
        found = engine.rows(
            "select distinct function_name from duckdb_functions()"
            " where list_contains(?::varchar[], function_name) and ("
            " stability in ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')"
            " or contains(macro_definition, 'unnest(')) order by 1",
            [list(called)],
        )
    return kinds, tuple(str(name) for (name,) in found)


def default_selection(
    envelope: Envelope, columns: list[str] | None, event_id: str | None
) -> Selection:
    """Take the envelope's columns by name.

    Args:
        envelope: The kind's envelope.
        columns: Columns that `raw` has; None where a missing one reads as NULL.
        event_id: A column, `content`, or None for the envelope's own.
    """
    known = None if columns is None else {folded(name) for name in columns}
    gives = [name for name in envelope.given_columns if known is None or name in known]
    names = set(gives)
    parts = [f'raw."{ROW}" as "{ROW}_"', *(f'raw."{name}" as "{name}"' for name in gives)]
    if event_id not in (None, CONTENT) and str(event_id) not in gives:
        names.add(folded(str(event_id)))
        quoted = str(event_id).replace('"', '""')
        parts.append(f'raw."{quoted}" as "{GIVEN_ID}"')
    sql = f"select {', '.join(parts)} from raw"
    return Selection(sql, frozenset(names), takes_all=False, gives=tuple(gives), is_own=True)


def folded(name: str) -> str:
    """A name in lower case, as the engine takes names: by the letters of ASCII alone."""
    return name.translate(_LOWER)


def first_of(values: Sequence[str]) -> str:
    """SQL of the first of some values that is not null."""
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def _check_tree(tree: exp.Select, fault: Callable[[str, str, str], None]) -> None:
    tables = list(tree.find_all(exp.Table))
    named = [table.name or table.sql() for table in tables]
    if [name.lower() for name in named] != ["raw"] or tables[0].args.get("db"):
        fault(
            f"the select reads {', '.join(named) or 'nothing'}", "raw", "read raw once, no other."
        )
    elif tables[0].alias:
        fault(f"raw is called `{tables[0].alias}`", "raw", "leave the alias out.")
    elif tables[0].args.get("sample"):
        fault("the select takes a sample", "every record, or a where", "leave it out.")
    if any(found is not tree for found in tree.find_all(exp.Query)):
        fault("the select has a query inside", "a plain projection", "do that in a model.")
    if any(True for _ in tree.find_all(exp.AggFunc, exp.Window, exp.Unnest, exp.Explode)):
        fault(
            "the select has an aggregate, a window or an unnest",
            "one row out for a row in",
            "do that in a model.",
        )


def _check_names(
    gives: tuple[str, ...],
    envelope: Envelope,
    event_id: str | None,
    fault: Callable[[str, str, str], None],
) -> None:
    unknown = [name or "an expression without a name" for name in gives]
    unknown = [name for name in unknown if name not in envelope.given_columns]
    if unknown:
        known = ", ".join(envelope.given_columns)
        fix = "name it `as …`, or put it into properties with json_object."
        fault(f"the select gives {', '.join(unknown)}", f"columns among {known}", fix)
    twice = sorted({name for name in gives if gives.count(name) > 1})
    if twice:
        fault(f"the select gives {', '.join(twice)} twice", "each column once", "remove one.")
    needed = [*envelope.required, envelope.time_column]
    if event_id is None:
        needed.append(envelope.id_column)
    missing = [name for name in needed if name not in gives]
    if missing:
        fix = "add it `as …`"
        if envelope.id_column in missing:
            fix += f"; where rows have no id of their own, set event_id: {CONTENT}"
        fault(f"the select lacks {', '.join(missing)}", "all required columns", f"{fix}.")
    if envelope.has_unit and not {"user_id", "anonymous_id"} & set(gives):
        fault("the select names nobody", "user_id or anonymous_id", "add one of them.")
