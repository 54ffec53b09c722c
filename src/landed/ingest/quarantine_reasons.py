"""Why a record is refused: every code, what it means, what usually causes it, what to do.

The one definition. The reference's table and `landed quarantine explain` are held against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for which a record stands in the quarantine.

    Args:
        code: As it stands in the quarantine and in the accounts.
        meaning: What is wrong with the record.
        cause: What usually leads to it.
        fix: What the reader does next.
        is_whole: Whether the quarantine holds the record whole, so that it can be fed again.
    """

    code: str
    meaning: str
    cause: str
    fix: str
    is_whole: bool = True


_MAPPING = "correct `select` in the source file, then run `landed requeue SOURCE`."
_SENDER = "have the sender correct it and deliver the records in a new file."


def _empty(code: str, what: str) -> Reason:
    return Reason(
        code,
        f"{what} is empty or missing",
        "the field has another name in the files, or the sender left it out",
        _MAPPING,
    )


_ALL = (
    _empty("no_id", "the column that identifies the row"),
    _empty("no_event_name", "`event_name`"),
    _empty("no_channel", "`channel`"),
    _empty("no_flag", "`flag`"),
    _empty("no_variant", "`variant`"),
    _empty("no_name", "`name`"),
    _empty("no_time", "the time of the row"),
    Reason(
        "no_unit",
        "neither `user_id` nor `anonymous_id` is given",
        "events of servers and jobs that no person caused, or an id under another name",
        "map the id in `select`, or leave such records out with `where`, then requeue.",
    ),
    Reason(
        "no_content",
        "neither `rating` nor `text` is given",
        "a survey that was opened and not answered",
        "leave such records out with `where`, or map the answer in `select`, then requeue.",
    ),
    Reason(
        "bad_time",
        "a time is no instant, is from before 1970, or is one that a clock change skips or repeats",
        "a local format such as 11/03/2026, a date written as a number, or a wrong `timezone`",
        "parse it in `select` (strptime), or set `timezone`, then requeue.",
    ),
    Reason(
        "bad_number",
        "a number is none, or is infinite",
        "a decimal comma, a unit behind the number, or NaN",
        "clean it in `select`, then requeue.",
    ),
    Reason(
        "bad_properties",
        "`properties` is no JSON object, repeats a key, or holds what JSON does not know",
        "text put together by hand instead of by a JSON writer",
        "build it with json_object(…) in `select`, then requeue.",
    ),
    Reason(
        "future_time",
        "the row is more than a day later than its receipt, or than now",
        "a device whose clock is wrong, or times in another zone or unit than declared",
        "check `timezone` and the unit; map `sent_at` where the sender gives it; then requeue.",
    ),
    Reason(
        "tracking_plan",
        "it breaks the event's schema in tracking/; the detail names the event",
        "the product sends something new, or the schema asks for too much",
        "correct the schema or the product; after a change of the schema, requeue.",
    ),
    Reason(
        "not_selected",
        "the `where` of `select` left it out",
        "as the author of the source wanted it",
        "nothing; or widen the `where`, then requeue.",
    ),
    Reason(
        "select_failed",
        "an expression of `select` cannot be worked out on the record",
        "a cast of a text that is no number, or a function that a value does not suit",
        "write try_cast(…) or case … in `select`, then requeue.",
    ),
    Reason(
        "conflict",
        "the id was seen before with other content; the first delivery stays in the lake",
        "an id that is not unique, or a sender that corrects a row it has sent",
        "choose another `event_id`; `landed requeue SOURCE --reason conflict` feeds them again.",
    ),
    Reason(
        "erased",
        "the person was erased (`landed erase`); the text of the record was not kept",
        "a file that was delivered again, or `landed ingest --again`",
        "nothing; stop the delivery where it begins.",
        is_whole=False,
    ),
    Reason(
        "invalid_json",
        "the record is no JSON by the letter of RFC 8259",
        "a cut line, NaN or Infinity, single quotes, a trailing comma",
        _SENDER,
    ),
    Reason(
        "not_an_object",
        "the record is JSON, and no object",
        "an array or a bare value on a line; a JSON array read as jsonl",
        "set `format: json` for one array a file; or have the sender write one object a line.",
    ),
    Reason(
        "duplicate_key",
        "a key stands twice in one object, so that its value is not known",
        "two writers of one object; keys that differ in case only",
        _SENDER,
    ),
    Reason(
        "malformed_csv",
        "the quotes of the record do not match, or it spans too many lines",
        "a quote inside a field that is not doubled",
        "write the file with a CSV writer and deliver it again.",
    ),
    Reason(
        "field_count",
        "the record has more or fewer fields than the header",
        "a delimiter inside a field without quotes, or a wrong `delimiter`",
        "set `delimiter`, then requeue; or quote the fields and deliver the file again.",
    ),
    Reason(
        "bad_header",
        "the header of the file has an empty or repeated name, so no record of it can be read",
        "a file without a header, or an export with two columns of one name",
        "write a header of distinct names and deliver the file again.",
        is_whole=False,
    ),
    Reason(
        "invalid_utf8",
        "the record holds bytes that are no UTF-8; they stand as \\xNN",
        "a file in Latin-1 or Windows-1252",
        "convert the file to UTF-8 and deliver it again.",
        is_whole=False,
    ),
    Reason(
        "nul_byte",
        "the record holds a NUL byte; it stands as \\x00",
        "a file in UTF-16, or one that was written while the disk was full",
        "convert the file to UTF-8 and deliver it again.",
        is_whole=False,
    ),
    Reason(
        "too_long",
        "the record is longer than a megabyte, or an OTLP request than 32 once its records stand"
        " each with their resource; its beginning is kept",
        "a file without line ends, or one whole document in a field",
        "write one record a line and deliver the file again.",
        is_whole=False,
    ),
    Reason(
        "truncated_file",
        "the file ends before it should; what came before is taken",
        "an upload that was cut off, or a file that was still being written",
        "deliver the whole file again: rows that were taken count as duplicates.",
        is_whole=False,
    ),
    Reason(
        "damaged_file",
        "the checksum or the bytes of a .gz or .zst are wrong; nothing of that member is taken",
        "a transfer in text mode, a failing disk, or bytes behind the end of the archive",
        "deliver the file again.",
        is_whole=False,
    ),
    Reason(
        "decompression_bomb",
        "the file stands for more than 500 times its size; what came before is taken",
        "a file made to exhaust memory and time, or one that is blank",
        "look at who sent it; split a file that is meant so.",
        is_whole=False,
    ),
    Reason(
        "unreadable_file",
        "the file as a whole cannot be read",
        "a file of another format than declared, or a damaged one",
        "correct `format`, or deliver the file again.",
        is_whole=False,
    ),
)

#: Every reason by its code.
REASONS: Mapping[str, Reason] = {reason.code: reason for reason in _ALL}
