"""Records to typed rows: parse, select, type, judge. In a sealed engine that sees only `raw`.

Two ways lead into `staged`. The quick one is a single query over a chunk, and takes only rows that
are surely right: parsed without doubt, keys seen before, no reason to refuse. Every other row goes
the careful way (`careful.py`), whose word is final. Which way a row went leaves no trace.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from ..errors import SourceError, WarehouseError
from ..warehouse import Engine
from .careful import Careful
from .envelope import Envelope
from .formats.records import int64s
from .forms import SAMPLE, Form, formed, learned
from .judging import RECORDS, Judge, Spellings, check_columns, record_id, suspect
from .selection import GIVEN_ID, ROW, Selection, default_selection, folded
from .sources import Source
from .tracking import TrackingPlan

#: Records of a chunk from which a form is worth its while, and chunks in a row that it may fail.
LEAST_RECORDS = 2_000
MOST_MISSES = 3
_STAGED = "(select row_no from staged where row_no >= {})"
#: Columns of `refused`: what is kept of a record that is not accepted.
REFUSED = {
    "row_no": "bigint",
    "file_no": "integer",
    "line": "bigint",
    "byte_offset": "bigint",
    "raw": "varchar",
    "reason": "varchar",
    "detail": "varchar",
}


class Stage:
    """Turns chunks of one source's records into rows of `staged` and of `refused`.

    Args:
        source: The source.
        plan: The tracking plan its events are held against.
        now: The ingest's clock; rows from after it plus a day are refused.
        engine: The batch's own sealed engine; gets the tables `staged` and `refused`.
        key: The home's key, for personal data.
        erased: Keyed digests of erased ids, whose rows are refused.
    """

    def __init__(
        self,
        source: Source,
        plan: TrackingPlan,
        now: datetime,
        engine: Engine,
        *,
        key: bytes = b"",
        erased: frozenset[str] = frozenset(),
    ) -> None:
        self._source = source
        self._envelope: Envelope = source.envelope
        self._engine = engine
        is_planned = source.kind == "events" and source.uses_tracking_plan
        naive = now.astimezone(UTC).replace(tzinfo=None)
        self._judge = Judge(
            source, plan if is_planned else TrackingPlan(), naive, key, has_erased=bool(erased)
        )
        self._spellings = Spellings(
            source.selection or default_selection(self._envelope, None, source.event_id)
        )
        self._described: tuple[object, dict[str, str]] | None = None
        self._careful = Careful(source, engine, self._judge)
        self._known_forms: tuple[Form, ...] = ()
        self._misses = 0
        self._all_json = True
        columns = ", ".join(
            f"{name} {'varchar' if kind == 'json' else kind}"
            for name, kind in self._envelope.judged_columns.items()
        )
        engine.execute(f"create table staged (row_no bigint, {columns}, event_hash ubigint)")
        refused = ", ".join(f"{name} {kind}" for name, kind in REFUSED.items())
        engine.execute(f"create table refused ({refused})")
        # digests of lists of keys that hold none twice: of records (0) and of properties (1)
        engine.execute("create table known_keys (level tinyint, digest ubigint)")
        engine.execute("create table erased (digest varchar)")
        if erased:
            engine.execute("insert into erased select unnest(?::varchar[])", [sorted(erased)])

    def run(self, records: pa.Table, columns: pa.Table | None, base: int) -> None:
        """Stage or refuse every record of one chunk, each once.

        Args:
            records: Columns of SCHEMA and `file_no`.
            columns: The fields as text; None where `raw` is JSON.
            base: Number of the first record within the batch's part.

        Raises:
            SourceError: The select cannot run on these columns.
        """
        count = records.num_rows
        engine = self._engine
        numbers = int64s(np.arange(count))
        engine.register(RECORDS, in_batches(records.append_column(ROW, numbers)))
        shown = None
        if columns is not None:
            kept = [name for name in columns.column_names if folded(name) not in (ROW, GIVEN_ID)]
            shown = columns.select(kept)
            engine.register("_landed_columns", in_batches(shown.append_column(ROW, numbers)))
        try:
            names = None if shown is None else shown.column_names
            readable = records.column("reason").null_count
            staged = self._quick(names, base, readable, count) if readable else 0
            if staged < count:
                self._careful.run(names, base, self._spellings)
            self._check_count(count, base)
        finally:
            engine.unregister(RECORDS)
            if shown is not None:
                engine.unregister("_landed_columns")

    def _quick(self, columns: list[str] | None, base: int, readable: int, count: int) -> int:
        """Stage the rows of a chunk that are surely right; how many."""
        # a filter that lets all pass still costs a copy of every vector
        is_readable = "r.reason is null" if readable < count else "true"
        if columns is None:
            records = f"select {ROW}, raw from {RECORDS} r where {is_readable}"
            return self._quick_json(base, records, readable)
        selection = self._source.selection or default_selection(
            self._envelope, columns, self._source.event_id
        )
        joined = f" join {RECORDS} r using ({ROW})" if readable < count else ""
        relation = f"select c.* from _landed_columns c{joined} where {is_readable}"
        self._insert(relation, selection, base, tuple(columns))
        return self._settle(base)

    def _quick_json(self, base: int, readable: str, count: int) -> int:
        staged = 0
        forms = self._forms(readable, count)
        if forms:
            keys = {folded(key) for form in forms for key, _ in form.keys}
            selection = self._narrowed(keys)
            for is_sure in (True, False) if self._all_json else (False,):
                relation = formed(forms, selection, readable, is_sure=is_sure)
                if self._insert(relation, selection, base, forms, is_sound=selection.is_own):
                    break
                self._all_json = False  # `try` costs a tenth of the parse
            staged = self._settle(base)
            self._misses = 0 if staged * 2 > count else self._misses + 1
        if staged < count:
            unsure = self._unsure(base, staged)
            if staged:
                readable += f" and {ROW} + {base} not in {_STAGED.format(base)}"
            if unsure:
                readable += f" and {ROW} not in (select {ROW} from unsure)"
            selection = self._narrowed(set(self._spellings.found))
            relation = self._spellings.raw(readable, selection, is_sure=not unsure)
            is_sound = selection.is_own and not self._has_escapes()
            self._insert(relation, selection, base, self._spellings.names, is_sound=is_sound)
            staged = self._settle(base)
        return staged

    def _narrowed(self, keys: set[str]) -> Selection:
        """The selection without optional columns that no record has: NULL costs nothing then."""
        if self._source.selection is not None:
            return self._source.selection
        envelope = self._envelope
        needed = {envelope.id_column, envelope.time_column, *envelope.required}
        return default_selection(envelope, sorted(keys | needed), self._source.event_id)

    def _forms(self, readable: str, count: int) -> tuple[Form, ...]:
        """What most of the records are like; nothing where that was no help before."""
        if count < LEAST_RECORDS or self._misses >= MOST_MISSES:
            return ()
        if self._misses or not self._known_forms:
            step = count // SAMPLE + 1
            sample = self._engine.rows(f"select raw from ({readable}) where {ROW} % {step} = 0")
            self._known_forms = learned(text for (text,) in sample)
        return self._known_forms

    def _insert(
        self,
        relation: str,
        selection: Selection,
        base: int,
        shape: object,
        *,
        is_sound: bool = False,
    ) -> bool:
        """Stage the rows of a relation `raw` that no rule refuses; whether the query ran."""
        selected = (
            f"with raw as not materialized ({relation}),"
            f" given as not materialized ({selection.sql}\n)"
        )
        try:
            given = self._given(selected, shape)
            judged = self._judge.query(
                given,
                record_id(self._source, given),
                f"join {RECORDS} r on r.{ROW} = g.{ROW}_",
                is_sound=is_sound,
            )
            self._engine.execute(
                f"insert into staged by name {selected} select {ROW} + {base} as row_no,"
                f" * exclude ({ROW}, rule) from ({judged}) where rule is null",
                self._judge.params,
            )
        except WarehouseError:
            return False  # the careful way runs the same select, and says what is wrong
        return True

    def _settle(self, base: int) -> int:
        """Take back what must not stay of the rows that were staged; how many are left."""
        self._take_back(base)
        counted = self._engine.one("select count(*) from staged where row_no >= ?", [base])
        return int(counted[0]) if counted else 0

    def _given(self, selected: str, key: object) -> dict[str, str]:
        """SQL type by column of what the select gives; asked again only for other columns."""
        if self._described is None or self._described[0] != key:
            found = self._engine.rows(f"describe {selected} select * from given")
            given = {str(row[0]).lower(): str(row[1]) for row in found}
            check_columns(self._source, given)
            self._described = (key, given)
        return self._described[1]

    def _unsure(self, base: int, staged: int) -> int:
        """`unsure`: JSON records not yet staged that need a closer look; how many.

        A list of keys is examined once, by the first record that has it.
        """
        engine = self._engine
        rest = f" and {ROW} + {base} not in {_STAGED.format(base)}" if staged else ""
        counted = engine.one(
            f"""
            create or replace temp table unsure as
            select {ROW}, digest, is_suspect from (
                select {ROW}, hash(try(json_keys(raw))) as digest, {suspect("raw")} as is_suspect
                from {RECORDS} where reason is null{rest}
            )
            where is_suspect or digest is null
                or digest not in (select digest from known_keys where level = 0)
            """
        )
        found = int(counted[0]) if counted else 0
        if not found:
            return 0
        engine.execute(
            f"""
            create or replace temp table new_keys as
            select digest, keys,
                len(list_distinct(list_transform(keys, lambda k: lower(k)))) < len(keys) as repeats
            from (
                select digest, try(json_keys(raw)) as keys from {RECORDS} join (
                    select digest, min({ROW}) as {ROW} from unsure group by digest
                ) using ({ROW})
            )
            where len(keys) > 0
            """
        )
        fresh = engine.rows(
            "select distinct unnest(keys) as key from new_keys where not repeats order by key"
        )
        self._spellings.add(self._source, [str(key) for (key,) in fresh])
        engine.execute("insert into known_keys select 0, digest from new_keys where not repeats")
        cleared = engine.one(
            "delete from unsure where not is_suspect"
            " and digest in (select digest from known_keys where level = 0)"
        )
        return found - (int(cleared[0]) if cleared else 0)

    def _has_escapes(self) -> bool:
        """Whether a record holds a backslash: without one no text in it can hold JSON again."""
        return bool(
            self._engine.rows(f"select 1 from {RECORDS} where contains(raw, chr(92)) limit 1")
        )

    def _take_back(self, base: int) -> None:
        """Unstage rows whose properties hold a key twice or are no JSON: the careful way's."""
        if "properties" not in self._envelope.columns:
            return
        engine = self._engine
        keys = "try(json_keys(properties))"
        fresh = engine.rows(
            f"""
            select digest, min(row_no) from (
                select row_no, hash({keys}) as digest from staged where row_no >= ?
            )
            where digest is null or digest not in (select digest from known_keys where level = 1)
            group by digest
            """,
            [base],
        )
        if not fresh:
            return
        examined = engine.rows(
            f"""
            select hash({keys}), coalesce(len(list_distinct({keys})) < len({keys}), true)
            from staged where row_no in (select unnest(?::bigint[]))
            """,
            [[row for _, row in fresh]],
        )
        sound = [digest for digest, repeats in examined if not repeats]
        engine.execute("insert into known_keys select 1, unnest(?::ubigint[])", [sound])
        bad = [digest for digest, repeats in examined if repeats]
        if bad:
            engine.execute(
                f"delete from staged where row_no >= ?"
                f" and hash({keys}) in (select unnest(?::ubigint[]))",
                [base, bad],
            )

    def _check_count(self, count: int, base: int) -> None:
        counted = self._engine.one(
            "select count(*), count(distinct row_no) from ("
            " select row_no from staged where row_no >= $base"
            " union all select row_no from refused where row_no >= $base)",
            {"base": base},
        )
        if counted != (count, count):
            found, different = counted or (0, 0)
            raise SourceError(
                f"the select gives {found} rows of {different} for {count} records",
                expected="at most one row a record",
                where=str(self._source.defined_in),
                fix="take out what multiplies rows.",
                code="source_select",
            )


def in_batches(table: pa.Table) -> pa.Table:
    """Cut an Arrow table so that the engine's threads share it. 16,384 rows: a few vectors each."""
    return pa.Table.from_batches(table.to_batches(max_chunksize=16_384), schema=table.schema)


def positioned(records: pa.Table, file_no: int) -> pa.Table:
    """Records with the number of their file within the batch."""
    return records.append_column("file_no", int64s(np.full(records.num_rows, file_no)))
