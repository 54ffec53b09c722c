"""The careful way of a record: parsed by itself, its keys counted, its reason told."""

from __future__ import annotations

import pyarrow as pa

from ..errors import SourceError, WarehouseError
from ..warehouse import Engine
from .formats.records import json_fault
from .judging import RECORDS, Judge, Spellings, check_columns, record_id, suspect
from .selection import ROW, default_selection
from .sources import Source

#: Records of a chunk that a select may fail on; beyond that it is the select that is wrong.
MOST_FAILING = 200


class Careful:
    """Judges the records of a chunk that the quick way left alone.

    Args:
        source: The source.
        engine: Holds `staged`, `refused` and the chunk's records.
        judge: Types and judges rows.
    """

    def __init__(self, source: Source, engine: Engine, judge: Judge) -> None:
        self._source, self._engine, self._judge = source, engine, judge

    def run(self, columns: list[str] | None, base: int, spellings: Spellings) -> None:
        """Stage or refuse every record that is not staged yet.

        Args:
            columns: Names of the fields that were read; None where `raw` is JSON.
            base: Number of the chunk's first record.
            spellings: Keys known so far; gets those that are found here.

        Raises:
            SourceError: The select cannot run on these columns.
        """
        engine = self._engine
        engine.execute(
            f"""
            create or replace temp table remaining as
            select {ROW}, raw, reason from {RECORDS}
            where {ROW} + {base} not in (select row_no from staged where row_no >= {base})
            """
        )
        engine.execute(
            f"create or replace temp table broken as"
            f" select {ROW}, reason from remaining where reason is not null"
        )
        selection = self._source.selection
        if columns is None:
            self._find_broken(spellings)
            readable = (
                f"select {ROW}, raw from remaining where {ROW} not in (select {ROW} from broken)"
            )
            selection = spellings.selection
            relation = spellings.raw(readable, selection, is_sure=False)
        else:
            relation = (
                f"select c.* from _landed_columns c join remaining r using ({ROW})"
                " where r.reason is null"
            )
            if selection is None:
                selection = default_selection(self._source.envelope, columns, self._source.event_id)
        engine.execute(f"create or replace temp table raw as {relation}")
        if engine.rows("select 1 from raw limit 1"):
            self._judge_rows(selection.sql)
        else:  # nothing that a select could read
            engine.execute(
                f"create or replace temp table judged as select *, '' as reason, '' as detail,"
                f" 0::bigint as {ROW} from staged limit 0"
            )
        names = ", ".join(self._source.envelope.judged_columns)
        engine.execute(
            f"insert into staged by name select {ROW} + {base} as row_no, {names}, event_hash"
            " from judged where reason is null"
        )
        engine.execute(
            f"""
            insert into refused
            select {ROW} + {base}, file_no, line, byte_offset,
                case when j.reason = 'erased' then '' else rtrim(r.raw, chr(13) || chr(10)) end,
                coalesce(b.reason, j.reason, 'not_selected'), coalesce(j.detail, '')
            from {RECORDS} r join (select {ROW} from remaining) using ({ROW})
            left join broken b using ({ROW}) left join judged j using ({ROW})
            where b.reason is not null or j.{ROW} is null or j.reason is not null
            """
        )

    def _find_broken(self, spellings: Spellings) -> None:
        """`broken`: records that are no object of JSON with each key once, with their reason."""
        engine = self._engine
        engine.execute(
            f"""
            create or replace temp table parsed as
            select {ROW}, valid, case when valid then json_type(raw) end as kind,
                case when valid then json_keys(raw) end as keys, {suspect("raw")} as is_suspect
            from (select {ROW}, raw, json_valid(raw) as valid from remaining where reason is null)
            """
        )
        engine.execute(
            """
            create or replace temp table key_lists as
            select keys, len(list_distinct(list_transform(keys, lambda k: lower(k)))) < len(keys)
                as repeats
            from (select distinct keys from parsed where kind = 'OBJECT')
            """
        )
        engine.execute(
            f"""
            insert into broken
            select {ROW}, case when not valid then 'invalid_json'
                when kind <> 'OBJECT' then 'not_an_object' else 'duplicate_key' end
            from parsed
            where not valid or kind <> 'OBJECT'
                or keys in (select keys from key_lists where repeats)
            """
        )
        suspects = engine.rows(
            f"select p.{ROW}, r.raw from parsed p join remaining r using ({ROW})"
            f" where is_suspect and valid and {ROW} not in (select {ROW} from broken)"
        )
        found = [(row, json_fault(text)) for row, text in suspects]
        bad = [(row, reason) for row, reason in found if reason]
        if bad:
            table = pa.table(
                {
                    ROW: pa.array([row for row, _ in bad], pa.int64()),
                    "reason": pa.array([reason for _, reason in bad], pa.string()),
                }
            )
            engine.register("_landed_bad", table)
            engine.execute(f"insert into broken select {ROW}, reason from _landed_bad")
            engine.unregister("_landed_bad")
        keys = engine.rows(
            "select distinct unnest(keys) as key from key_lists where not repeats order by key"
        )
        spellings.add(self._source, [str(key) for (key,) in keys])

    def _judge_rows(self, select: str) -> None:
        """Run the author's select over `raw`; type and judge what it gives into `judged`."""
        engine, source, judge = self._engine, self._source, self._judge
        try:
            engine.execute(f"create or replace temp table given as {select}")
        except WarehouseError:
            self._give_one_by_one(select)
        given = {str(row[0]).lower(): str(row[1]) for row in engine.rows("describe given")}
        check_columns(source, given)
        query = judge.query(
            given,
            record_id(source, given),
            f"join remaining r on r.{ROW} = g.{ROW}_",
            is_careful=True,
        )
        rules = judge.rules(given)
        reasons = ", ".join(f"'{reason}'" for _, reason, _ in rules)
        details = " ".join(f"when {at} then {sql}" for at, (_, _, sql) in enumerate(rules, 1))
        engine.execute(
            f"create or replace temp table judged as select *, [{reasons}][rule] as reason,"
            f" case rule {details} end as detail from ({query}) t",
            judge.params,
        )
        if "properties" in source.envelope.columns:
            self._refuse_bad_properties()
        for name, is_valid in judge.plan.validators.items():
            found = engine.rows(
                f"select {ROW}, _properties from judged where reason is null and event_name = ?",
                [name],
            )
            self._refuse([row for row, text in found if not is_valid(text)], "tracking_plan", name)

    def _give_one_by_one(self, select: str) -> None:
        """`given` without the records that the select fails on, such as a cast of a text to a
        number; those become `broken`. They are found by halves.

        Raises:
            SourceError: It fails whatever the values, or on more than MOST_FAILING records.
        """
        engine = self._engine
        try:
            engine.execute(
                f"create or replace temp table given as select * from ({select}\n) limit 0"
            )
        except WarehouseError as error:
            what = f"the select of `{self._source.source}` fails: {error.faults[0].what}"
            raise self._wrong_select(what, "columns that the files have") from error
        engine.execute("create or replace temp table every_raw as select * from raw")
        rows = [row for (row,) in engine.rows(f"select {ROW} from every_raw order by {ROW}")]
        failing: list[int] = []
        waiting = [(0, len(rows))]
        while waiting:
            start, end = waiting.pop()
            engine.execute(
                f"create or replace temp table raw as select * from every_raw"
                f" where {ROW} between {rows[start]} and {rows[end - 1]}"
            )
            try:
                engine.execute(f"insert into given {select}")
            except WarehouseError:
                if end - start > 1:
                    middle = (start + end) // 2
                    waiting += [(middle, end), (start, middle)]
                    continue
                failing.append(rows[start])
            if len(failing) > MOST_FAILING:
                # the engine's own words hold a value, and that may be a person's
                line = engine.one(f"select line from {RECORDS} where {ROW} = {failing[0]}")
                what = (
                    f"the select of `{self._source.source}` fails on more than {MOST_FAILING}"
                    f" records, first on line {line[0] if line else '?'}"
                )
                raise self._wrong_select(what, "expressions that take every value, e.g. try_cast")
        self._engine.register("_landed_bad", pa.table({ROW: pa.array(failing, pa.int64())}))
        engine.execute(f"insert into broken select {ROW}, 'select_failed' from _landed_bad")
        engine.unregister("_landed_bad")

    def _wrong_select(self, what: str, expected: str) -> SourceError:
        return SourceError(
            what,
            expected=expected,
            where=str(self._source.defined_in),
            fix="correct the select.",
            code="source_select",
        )

    def _refuse_bad_properties(self) -> None:
        """Properties with a key twice, or with numbers that no JSON has."""
        engine = self._engine
        sound = "(reason is null or reason = 'tracking_plan')"
        engine.execute(
            f"""
            update judged set reason = 'bad_properties', detail = 'duplicate key'
            where {sound} and try(json_keys(_properties)) in (
                select keys from (
                    select distinct try(json_keys(_properties)) as keys from judged where {sound}
                ) where len(list_distinct(keys)) < len(keys)
            )
            """
        )
        suspects = engine.rows(
            f"select {ROW}, _properties from judged where {sound} and {suspect('_properties')}"
        )
        bad = [row for row, text in suspects if json_fault(text)]
        self._refuse(bad, "bad_properties", "not JSON")

    def _refuse(self, rows: list[int], reason: str, detail: str) -> None:
        if not rows:
            return
        self._engine.register("_landed_bad", pa.table({ROW: pa.array(rows, pa.int64())}))
        self._engine.execute(
            f"update judged set reason = ?, detail = ?"
            f" where {ROW} in (select {ROW} from _landed_bad)",
            [reason, detail],
        )
        self._engine.unregister("_landed_bad")
