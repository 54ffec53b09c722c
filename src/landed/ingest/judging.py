"""How a record becomes a judged row, as SQL: one text for the quick and for the careful way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..errors import SourceError
from .dedup import event_hash
from .envelope import NOT_JSON, Envelope, clocked, instants, refusals, text_of, typed
from .person import IS_ALIAS
from .personal import ambiguous, digest_sql, without_personal
from .selection import BARRIER, CONTENT, GIVEN_ID, ROW, Selection, first_of, folded
from .sources import Source
from .tracking import TrackingPlan

RECORDS = "_landed_records"
#: Most distinct keys of JSON records that a `select *` may spread into columns.
MAX_COLUMNS = 500

_NUMBER = r"-?(?:[0-9.]{20}|[0-9.]+[eE]|[nN][aA]|[iI][nN])"
# what DuckDB's JSON lets pass and RFC 8259 does not: NaN, infinities, numbers beyond a double and
# trailing commas. Three patterns, each with one literal in front: the engine finds that by a scan
# of bytes, and is twice as fast as with one pattern of alternatives.
_PATTERNS = (rf":\s*{_NUMBER}", rf",\s*(?:[\}}\]]|{_NUMBER})", rf"\[\s*{_NUMBER}")


def suspect(column: str) -> str:
    """SQL that holds for every JSON text that might not be one by the letter of RFC 8259.

    A hit is looked at closely, one by one; a text without a hit that DuckDB takes for valid is.
    """
    return "(" + " or ".join(f"regexp_matches({column}, '{one}')" for one in _PATTERNS) + ")"


@dataclass(slots=True)
class Spellings:
    """Keys of JSON records that a selection needs, as they were found, in their order.

    Args:
        selection: What needs them.
        found: Spellings by lower-case name; keys that differ in case share a column.
    """

    selection: Selection
    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, source: Source, keys: Iterable[str]) -> None:
        """Take in keys that records were seen to have.

        Raises:
            SourceError: A select with a star would spread more than MAX_COLUMNS.
        """
        for key in keys:
            name = folded(key)
            if not key or "\0" in key or name in (ROW, GIVEN_ID):
                continue
            if self.selection.takes_all or name in self.selection.names:
                spelled = self.found.setdefault(name, [])
                if key not in spelled:
                    spelled.append(key)
        if len(self.found) > MAX_COLUMNS:
            raise SourceError(
                f"the records have {len(self.found)} different keys",
                expected=f"at most {MAX_COLUMNS} for a select with *",
                where=str(source.defined_in),
                fix="name the columns in the select.",
                code="source_select",
            )

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """All of them, to tell whether they changed."""
        return tuple(tuple(spelled) for spelled in self.found.values())

    def raw(self, records: str, selection: Selection, *, is_sure: bool) -> str:
        """SQL of the relation `raw`: `_row` and a text column for every name.

        Args:
            records: SQL of a relation of `_row` and `raw`.
            selection: What needs the columns.
            is_sure: Whether every `raw` is known to be JSON; else one that is none gives NULLs.
        """
        paths = ", ".join(
            _text("/" + key.replace("~", "~0").replace("/", "~1"))
            for spelled in self.found.values()
            for key in spelled
        )
        fields, index = "", 0
        for spelled in self.found.values():
            values = [f"v[{index + number}]" for number in range(1, len(spelled) + 1)]
            index += len(spelled)
            fields += f", {first_of(values)} as {_name(spelled[0])}"
        missing = sorted(selection.names - set(self.found) - {ROW})
        fields += "".join(f", cast(null as varchar) as {_name(name)}" for name in missing)
        if not paths:
            return f"select {ROW}{fields} from ({records})"
        # one list of paths: the record is parsed once, whatever is taken from it
        value = f"json_extract_string(raw, [{paths}])"
        value = value if is_sure else f"try({value})"
        return f"select {ROW}{fields} from (select {ROW}, {value} as v from ({records}))"


class Judge:
    """Types and judges what a select gives.

    Args:
        source: The source.
        plan: The tracking plan its events are held against.
        now: The ingest's clock, naive UTC.
        key: The home's key, for personal data.
        has_erased: Whether the table `erased` holds anything.
    """

    def __init__(
        self, source: Source, plan: TrackingPlan, now: datetime, key: bytes, *, has_erased: bool
    ) -> None:
        self._source, self._key, self._has_erased = source, key, has_erased
        self.plan = plan
        self.envelope: Envelope = source.envelope
        self.params: dict[str, Any] = {"now": now, "source": source.source}

    def rules(self, given: Mapping[str, str]) -> list[tuple[str, str, str]]:
        """Conditions, reasons and SQL of their details, in their order; the first one counts."""
        found: list[tuple[str, str, str]] = []
        if self._has_erased:
            found += [
                (f"{digest_sql(self._key, purpose, f't.{name}')} in (from erased){alone}",
                 "erased", "''")
                # a row that names another user is that user's, whatever device it came from;
                # of a device that the lake knew by its digest only, that digest is held
                for name, alone in (("user_id", ""), ("anonymous_id", " and t.user_id is null"))
                for purpose in ("erased", "personal")
                if name in given and name in self.envelope.columns
            ]  # fmt: skip
            if {"event_name", "anonymous_id"} <= set(given) and self.envelope.kind == "events":
                digest = digest_sql(self._key, "erased_alias", "t.anonymous_id")
                found.append((f"t.{IS_ALIAS} and {digest} in (from erased)", "erased", "''"))
        found += [
            (condition, reason, _text(detail))
            for condition, reason, detail in refusals(self.envelope, given)
        ]
        pointers = [one for one in self._source.personal if one.startswith("/")]
        repeats = ambiguous("t.properties", pointers) if self._has_properties else None
        if repeats:
            found.append((repeats, "bad_properties", "'duplicate key'"))
        violation = self.plan.violation()
        if violation:
            found.append((violation, "tracking_plan", "t.event_name"))
        return found

    def query(
        self,
        given: Mapping[str, str],
        record_id: str,
        records: str,
        *,
        is_careful: bool = False,
        is_sound: bool = False,
    ) -> str:
        """SQL over `given` of judged rows: `_row`, the columns, `event_hash` and `rule`.

        `rule` is the number of the first rule that refuses the row, from 1, else NULL. Parameters
        are in `params`.

        Args:
            given: SQL type by column of what the select gives.
            record_id: SQL of the row's id.
            records: A join that shows the record as `r`, where the id needs it.
            is_careful: Whether spaces around times and numbers are forgiven, and properties as
                they came are kept as `_properties`. The quick way leaves such rows alone.
            is_sound: Whether properties are JSON that a sound record held, so that no second
                look is needed.
        """
        envelope, source = self.envelope, self._source
        columns = typed(envelope, given)
        columns[envelope.id_column] = f"nullif({record_id}, '')"
        for name, kind in envelope.given_columns.items():
            if name in given and kind in ("timestamp", "double"):
                text = text_of(name, given)
                columns[f"_text_{name}"] = f"nullif(trim({text}), '')" if is_careful else text
        inner = "".join(f", {sql} as {name}" for name, sql in columns.items())
        join = records if "r." in record_id else ""
        rows = f"select g.{ROW}_ as {ROW}{inner} from given g {join}"
        times = instants(envelope, given, source.timezone)
        listed = "".join(f", {sql} as {name}" for name, sql in times.items())
        rows = f"select t.*{listed} from ({rows}) t"
        changes = clocked(envelope, given)
        changed = ", ".join(f"{sql} as {name}" for name, sql in changes.items())
        if envelope.time_column in changes:
            status = changes["clock_status"]
            time = f"{changes[envelope.time_column]} as {envelope.time_column}"
            rows = f"select t.* replace ({time}), {status} as clock_status from ({rows}) t"
        elif changes:
            rows = f"select t.*, {changed} from ({rows}) t"
        for looks in self.plan.looks():
            columns_of_plan = ", ".join(f"{sql} as {name}" for name, sql in looks.items())
            rows = f"select t.*, {columns_of_plan} from ({rows}) t"
        rows = f"select t.*, {BARRIER} from ({rows}) t"
        conditions = [
            condition
            for condition, _, _ in self.rules(given)
            if not (is_sound and condition == NOT_JSON)
        ]
        if not is_careful and self.plan.validators:
            names = ", ".join(_text(name) for name in self.plan.validators)
            conditions.append(f"t.event_name in ({names})")
        if not is_careful and not is_sound and self._has_properties and "properties" in given:
            conditions.append(suspect("t.properties"))
        first = "when t._barrier < 0 then 0 " + " ".join(
            f"when {sql} then {index}" for index, sql in enumerate(conditions, 1)
        )
        shown = ", ".join(f"{self._kept(name)} as {name}" for name in envelope.judged_columns)
        kept = ", t.properties as _properties" if self._has_properties and is_careful else ""
        row_id = self._kept(envelope.id_column)
        return (
            f"select t.{ROW}, {shown}{kept}, case {first} end as rule,"
            f" {event_hash(row_id)} as event_hash from ({rows}) t"
        )

    @property
    def _has_properties(self) -> bool:
        return "properties" in self.envelope.columns

    def _kept(self, name: str) -> str:
        """SQL of a column as the lake keeps it."""
        personal = self._source.personal
        if name in personal:
            return digest_sql(self._key, "personal", f"cast(t.{name} as varchar)")
        pointers = [one for one in personal if one.startswith("/")]
        if name == "properties" and pointers:
            digests = without_personal(self._key, "t.properties", pointers)
            return f"case when json_valid(t.properties) then {digests} else t.properties end"
        return f"t.{name}"


def record_id(source: Source, given: dict[str, str]) -> str:
    """SQL of a row's id over `given` (alias `g`) and its record (alias `r`).

    For `content` it is the record as it stands, not the projection: two records that differ in a
    column the select leaves out are two rows.
    """
    if source.event_id == CONTENT:
        given[source.envelope.id_column] = "VARCHAR"
        return "left(sha256(rtrim(r.raw, chr(13) || chr(10))), 32)"
    name = GIVEN_ID if GIVEN_ID in given else source.event_id or source.envelope.id_column
    return f"cast(g.{_name(name)} as varchar)"


def check_columns(source: Source, given: Mapping[str, str]) -> None:
    """What could not be known before the files were seen: a star, or no select at all.

    Raises:
        SourceError: A needed column is not given, or one that no envelope has is.
    """
    envelope = source.envelope
    names = set(given) - {ROW, f"{ROW}_", GIVEN_ID}
    needed = {*envelope.required, envelope.time_column}
    if source.event_id is None:
        needed.add(envelope.id_column)
    missing = sorted(needed - names)
    extra = sorted(names - set(envelope.given_columns) - {source.event_id})
    if extra or missing:
        wrong = f"unknown {', '.join(extra)}" if extra else f"no {', '.join(missing)}"
        raise SourceError(
            f"the source `{source.source}` gives {wrong}",
            expected=", ".join(envelope.given_columns),
            where=str(source.defined_in),
            fix="write a select that names them.",
            code="source_select",
        )


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
