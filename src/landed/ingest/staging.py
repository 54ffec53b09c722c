"""Records to typed rows: parse, project, type, refuse. In a sealed engine that sees only `raw`."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import SourceError, WarehouseError
from ..settings import Settings
from ..warehouse import Engine
from .envelope import Envelope, refusals, typed
from .formats.records import SCHEMA, json_fault
from .selection import CONTENT, GIVEN_ID, ROW, Selection, default_selection
from .sources import Source
from .tracking import TrackingPlan

#: Most distinct keys of JSON records that a `select *` may spread into columns.
MAX_COLUMNS = 500
#: What DuckDB lets pass and RFC 8259 does not; a hit is looked at closely, one by one.
_SUSPECT = (
    r"[:\[,]\s*-?(?i:nan|inf)|,\s*[}\]]|[0-9][eE]\+?[0-9]{3,}\s*[,}\]]"
    r"|[0-9]{300}"
)
_RECORDS = "_landed_records"
_ROW_OUT = f"{ROW}_"
_RAW = "rtrim(r.raw, chr(13) || chr(10))"


class Stage:
    """Turns chunks of one source's records into typed rows and refused records.

    Args:
        source: The source.
        plan: The tracking plan its events are held against.
        now: The ingest's clock; rows from after it plus a day are refused.
        settings: Threads and memory.
    """

    def __init__(
        self, source: Source, plan: TrackingPlan, now: datetime, settings: Settings
    ) -> None:
        self._source = source
        self._envelope: Envelope = source.envelope
        is_planned = source.kind == "events" and source.uses_tracking_plan
        self._plan = plan if is_planned else TrackingPlan()
        self._now = now.astimezone(UTC).replace(tzinfo=None)
        self._engine = Engine.open_sealed(settings=settings)

    def close(self) -> None:
        """Close the sealed engine."""
        self._engine.close()

    def run(self, records: pa.Table, columns: pa.Table | None) -> tuple[pa.Table, pa.Table]:
        """Typed rows, and refused records, of one chunk; together each record once.

        Args:
            records: Columns of SCHEMA and `file_no`.
            columns: The fields as text; None where `raw` is JSON.

        Returns:
            Rows with the envelope's columns, `row_no`, `event_hash` and position; and records with
            `row_no`, position, reason and detail.

        Raises:
            SourceError: The select cannot run on these columns.
        """
        if not records.column("reason").null_count:  # nothing that a select could read
            numbers = pa.array(range(records.num_rows), pa.int64())
            details = pa.array([""] * records.num_rows)
            return records.slice(0, 0), records.append_column("row_no", numbers).append_column(
                "detail", details
            )
        engine = self._engine
        numbered = records.append_column(ROW, pa.array(range(records.num_rows), pa.int64()))
        engine.register(_RECORDS, _in_batches(numbered))
        try:
            self._project(self._parse_json() if columns is None else self._show_columns(columns))
            names = ", ".join(self._envelope.columns)
            rows = engine.arrow(
                f"select {ROW} as row_no, {names}, event_hash from judged where reason is null"
            )
            refused = engine.arrow(
                f"select {ROW} as row_no,"
                " coalesce(r.reason, b.reason, j.reason, 'not_selected') as reason,"
                " coalesce(j.detail, '') as detail"
                f" from {_RECORDS} r left join broken b using ({ROW}) left join judged j"
                f" using ({ROW}) where r.reason is not null or b.reason is not null"
                f" or j.{ROW} is null or j.reason is not null"
            )
        finally:
            engine.unregister(_RECORDS)
        if rows.num_rows + refused.num_rows != records.num_rows:
            raise SourceError(
                f"the select gives {rows.num_rows + refused.num_rows} rows for"
                f" {records.num_rows} records",
                expected="at most one row a record",
                where=str(self._source.defined_in),
                fix="take out what multiplies rows.",
                code="source_select",
            )
        return _with_position(rows, records), _with_position(refused, records)

    def _parse_json(self) -> Selection:
        engine = self._engine
        engine.execute(
            f"""
            create or replace table parsed as
            select {ROW}, valid, case when valid then json_type(raw) end as kind,
                case when valid then json_keys(raw) end as keys,
                regexp_matches(raw, '{_SUSPECT}') as is_suspect
            from (
                select {ROW}, raw, json_valid(raw) as valid from {_RECORDS} where reason is null
            )
            """
        )
        engine.execute(
            """
            create or replace table key_lists as
            select keys, len(list_distinct(list_transform(keys, lambda k: lower(k)))) < len(keys)
                as repeats
            from (select distinct keys from parsed where kind = 'OBJECT')
            """
        )
        engine.execute(
            f"""
            create or replace table broken as
            select {ROW}, case when not valid then 'invalid_json'
                when kind <> 'OBJECT' then 'not_an_object' else 'duplicate_key' end as reason
            from parsed
            where not valid or kind <> 'OBJECT'
                or keys in (select keys from key_lists where repeats)
            """
        )
        self._look_closely(
            f"select p.{ROW}, r.raw from parsed p join {_RECORDS} r using ({ROW})"
            f" where is_suspect and valid and {ROW} not in (select {ROW} from broken)"
        )
        selection = self._source.selection or default_selection(
            self._envelope, None, self._source.event_id
        )
        spellings = self._spellings(selection)
        paths = ", ".join(
            "'/" + key.replace("~", "~0").replace("/", "~1").replace("'", "''") + "'"
            for _, key in spellings
        )
        by_name: dict[str, list[int]] = {}
        for index, (name, _) in enumerate(spellings, start=1):
            by_name.setdefault(name, []).append(index)
        fields = "".join(
            f", coalesce({', '.join(f'v[{index}]' for index in indexes)}, null)"
            f' as "{name.replace(chr(34), chr(34) * 2)}"'
            for name, indexes in by_name.items()
        )
        missing = "".join(
            f', cast(null as varchar) as "{name.replace(chr(34), chr(34) * 2)}"'
            for name in sorted(selection.names - {name.lower() for name in by_name} - {ROW})
        )
        engine.execute(
            f"""
            create or replace table raw as select {ROW}{fields}{missing} from (
                select {ROW}, json_extract_string(raw, [{paths}]::varchar[]) as v from {_RECORDS}
                where reason is null and {ROW} not in (select {ROW} from broken)
            )
            """
        )
        return selection

    def _spellings(self, selection: Selection) -> list[tuple[str, str]]:
        """Column name and key of everything the select needs; keys differing in case share one."""
        found = self._engine.rows(
            "select distinct unnest(keys) as key from key_lists where not repeats order by key"
        )
        names: dict[str, str] = {}
        spellings = []
        for (key,) in found:
            folded = key.lower()
            if not key or "\0" in key or folded == ROW:
                continue
            if selection.takes_all or folded in selection.names:
                spellings.append((names.setdefault(folded, key), key))
        if len(names) > MAX_COLUMNS:
            raise SourceError(
                f"the records have {len(names)} different keys",
                expected=f"at most {MAX_COLUMNS} for a select with *",
                where=str(self._source.defined_in),
                fix="name the columns in the select.",
                code="source_select",
            )
        return spellings

    def _show_columns(self, columns: pa.Table) -> Selection:
        engine = self._engine
        kept = [name for name in columns.column_names if name.lower() != ROW]
        shown = columns.select(kept).append_column(
            ROW, pa.array(range(columns.num_rows), pa.int64())
        )
        engine.register("_landed_columns", _in_batches(shown))
        engine.execute(
            f"""
            create or replace table raw as select c.* from _landed_columns c
            join {_RECORDS} r using ({ROW}) where r.reason is null
            """
        )
        engine.unregister("_landed_columns")
        engine.execute(
            f"create or replace table broken as select {ROW}, reason from {_RECORDS} where false"
        )
        return self._source.selection or default_selection(
            self._envelope, kept, self._source.event_id
        )

    def _project(self, selection: Selection) -> None:
        """Run the author's select into `given`; then type and judge what it gave."""
        engine, source = self._engine, self._source
        try:
            engine.execute(f"create or replace table given as {selection.sql}")
        except WarehouseError as error:
            raise SourceError(
                f"the select of `{source.source}` fails: {error.faults[0].what}",
                expected="columns that the files have",
                where=str(source.defined_in),
                fix="correct the select.",
                code="source_select",
            ) from error
        given = {str(row[0]).lower(): str(row[1]) for row in engine.rows("describe given")}
        self._check_columns(given)
        if source.event_id == CONTENT:
            # the record as it stands, not the projection: two records that differ in a column
            # the select leaves out are two events
            given[GIVEN_ID] = "VARCHAR"
            record_id = f"left(sha256({_RAW}), 32)"
        elif GIVEN_ID in given:
            record_id = f'cast(g."{GIVEN_ID}" as varchar)'
        else:
            name = source.event_id or self._envelope.id_column
            record_id = f'cast(g."{name}" as varchar)'
        self._judge(given, record_id)

    def _check_columns(self, given: dict[str, str]) -> None:
        """What could not be known before the files were seen: a star, or no select at all."""
        names = set(given) - {ROW, _ROW_OUT, GIVEN_ID}
        needed = {*self._envelope.required, self._envelope.time_column}
        if self._source.event_id is None:
            needed.add(self._envelope.id_column)
        missing = sorted(needed - names)
        extra = sorted(names - set(self._envelope.columns) - {self._source.event_id})
        if extra or missing:
            wrong = f"unknown {', '.join(extra)}" if extra else f"no {', '.join(missing)}"
            raise SourceError(
                f"the source `{self._source.source}` gives {wrong}",
                expected=", ".join(self._envelope.columns),
                where=str(self._source.defined_in),
                fix="write a select that names them.",
                code="source_select",
            )

    def _judge(self, given: dict[str, str], record_id: str) -> None:
        """Type each row of `given` into `judged`, with the first reason to refuse it, if any."""
        engine, envelope = self._engine, self._envelope
        columns = typed(envelope, given, self._source.timezone)
        columns[envelope.id_column] = f"nullif({record_id}, '')"
        listed = "".join(f", {sql} as {name}" for name, sql in columns.items())
        texts = "".join(
            f", nullif(trim(cast(g.{name} as varchar)), '') as _text_{name}"
            for name, kind in envelope.columns.items()
            if name in given and kind in ("timestamp", "double")
        )
        records = f"join {_RECORDS} r on r.{ROW} = g.{_ROW_OUT}"
        rules = [
            *refusals(envelope, given),
            ("not json_valid(t.properties)", "bad_properties", "properties"),
            ("json_type(t.properties) <> 'OBJECT'", "bad_properties", "properties"),
        ]
        first = " ".join(f"when {sql} then {index}" for index, (sql, _, _) in enumerate(rules, 1))
        reasons = ", ".join(f"'{reason}'" for _, reason, _ in rules)
        details = ", ".join(f"'{detail}'" for _, _, detail in rules)
        engine.execute(
            f"""
            create or replace table judged as
            select {ROW}, {", ".join(envelope.columns)}, [{reasons}][rule] as reason,
                [{details}][rule] as detail,
                md5_number_lower($source || chr(31) || {envelope.id_column}) as event_hash
            from (
                select t.*, case {first} end as rule from (
                    select g.{_ROW_OUT} as {ROW}{listed}{texts}
                    from given g {records if "r." in record_id else ""}
                ) t
            )
            """,
            {"now": self._now, "source": self._source.source},
        )
        self._refuse_repeated_keys()
        violation = self._plan.violation()
        if violation:
            engine.execute(
                "update judged set reason = 'tracking_plan', detail = event_name"
                f" where case when reason is null then {violation} else false end"
            )
        for name, is_valid in self._plan.validators.items():
            found = engine.rows(
                f"select {ROW}, properties from judged where reason is null and event_name = ?",
                [name],
            )
            self._refuse([row for row, text in found if not is_valid(text)], "tracking_plan", name)

    def _refuse_repeated_keys(self) -> None:
        """Properties with a key twice, or with numbers that no JSON has."""
        engine = self._engine
        engine.execute(
            """
            update judged set reason = 'bad_properties', detail = 'duplicate key'
            where reason is null and json_keys(properties) in (
                select keys from (
                    select distinct json_keys(properties) as keys from judged where reason is null
                ) where len(list_distinct(keys)) < len(keys)
            )
            """
        )
        suspects = engine.rows(
            f"select {ROW}, properties from judged where reason is null"
            f" and regexp_matches(properties, '{_SUSPECT}')"
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

    def _look_closely(self, sql: str) -> None:
        found = [(row, json_fault(text)) for row, text in self._engine.rows(sql)]
        bad = [(row, reason) for row, reason in found if reason]
        if not bad:
            return
        table = pa.table(
            {
                ROW: pa.array([row for row, _ in bad], pa.int64()),
                "reason": pa.array([reason for _, reason in bad], pa.string()),
            }
        )
        self._engine.register("_landed_bad", table)
        self._engine.execute(f"insert into broken select {ROW}, reason from _landed_bad")
        self._engine.unregister("_landed_bad")


def _with_position(rows: pa.Table, records: pa.Table) -> pa.Table:
    """Put file, line, offset and raw text beside rows that name their record."""
    found = records.select(["file_no", "line", "byte_offset", "raw"])
    found = found.take(rows.column("row_no")) if rows.num_rows else found.slice(0, 0)
    for name in found.column_names:
        column = found.column(name)
        if name == "raw":
            column = pc.utf8_rtrim(column, characters="\r\n")
        rows = rows.append_column(name, column)
    return rows


def _in_batches(table: pa.Table) -> pa.Table:
    """Cut an Arrow table so that the engine's threads share it. 16,384 rows: a few vectors each."""
    return pa.Table.from_batches(table.to_batches(max_chunksize=16_384), schema=table.schema)


def positioned(records: pa.Table, file_no: int) -> pa.Table:
    """Records with the number of their file within the batch."""
    numbers = pa.array([file_no] * records.num_rows, pa.int32())
    return records.select(SCHEMA.names).append_column("file_no", numbers)
