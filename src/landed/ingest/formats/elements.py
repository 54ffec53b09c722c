"""Finds the values of a JSON document by their borders, in bounded memory, and judges none.

Only strings and brackets are followed. An element of an array is what stands between two commas;
whether that is JSON is for the engine to say. So a malformed element costs itself. Where it hides
its own end, as a quote or a bracket that is never closed does, the start of the next object tells
it: `{` cannot follow a comma within an object, and a string that is followed by neither of `:,]}`
was opened by the quote of another one.

Source:
    RFC 8259 §2 to §7.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .records import KEPT_BYTES, MAX_RECORD_BYTES, BrokenStream, InputFile

_SPACES = b" \t\r\n"
_SPACE = re.compile(rb"[ \t\r\n]*+")
_TEXT = rb'"(?:[^"\\]++|\\.)*+"(?=[ \t\r\n]*+[:,}\]])'
_WITHIN = re.compile(rb'(?:[^"\[\]{}]++|' + _TEXT + rb")*+", re.DOTALL)
_BETWEEN = re.compile(rb'(?:[^"\[\]{},]++|' + _TEXT + rb")*+", re.DOTALL)
_IN_TEXT = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
#: What is neither array nor object goes to the end of its line, or to the next of them.
_LOOSE = re.compile(rb'(?:[^\n\[{"]++|"(?:[^"\\\n]++|\\.)*+"|")*+')
#: How a string ends whose first quote closes nothing: on the first key of the next object.
_NEXT_OBJECT = re.compile(rb"\}[ \t\r\n]*+,?[ \t\r\n]*+(\{[ \t\r\n]*+)\Z")
#: Bytes that are kept of an element too long to keep, to look back at.
_TAIL = 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Element:
    """One value of a document, or a fault.

    Args:
        offset: Its first byte in the inflated file.
        line: Its line, from 1.
        data: Its bytes; of one that is too long the first KEPT_BYTES.
        reason: Why it cannot be read; None where only the engine can tell.
        is_open: Whether it is too long and the file ends before it does: then all of the file
            from here on is of it.
    """

    offset: int
    line: int
    data: bytes
    reason: str | None = None
    is_open: bool = False


class Document:
    """The values of one file, front to back.

    Args:
        file: The file.
        within: Key of the list in a page that is an object; None where no object is a page.
    """

    def __init__(self, file: InputFile, within: str | None = None) -> None:
        self._chunks = file.chunks()
        self._list: re.Pattern[bytes] | None = None
        if within is not None:
            key = re.escape(json.dumps(within).encode())
            self._list = re.compile(rb"[{,][ \t\r\n]*+" + key + rb"[ \t\r\n]*+:[ \t\r\n]*+\Z")
        self._data = b""
        self._base = 0  # where the window's first byte stands in the file
        self._at = 0  # within the window, as are the next three
        self._start = 0
        self._counted = 0
        self._first: Element | None = None
        self._line = 1
        self._broken: str | None = None
        self._is_over = False
        while len(self._data) < len(_BOM) and self._more():
            continue
        if self._data.startswith(_BOM):
            self._at = self._start = self._counted = len(_BOM)

    def elements(self) -> Iterator[Element]:
        """Elements of arrays, and values that are in none. After a break the rest is one fault."""
        was_array = False
        while not self._is_over:
            self._begin()
            if self._is_end():
                if self._broken:
                    yield self._taken(self._broken)
                return
            char = self._data[self._at : self._at + 1]
            if char == b"[":
                self._at += 1
                yield from self._array()
                was_array = True
            elif char == b"{":
                yield from self._object()
                was_array = False
            elif char == b"," and was_array:  # the array was closed by a bracket too many
                self._at += 1
                yield self._taken("invalid_json")
                yield from self._array()
            else:
                yield self._loose()

    def _array(self) -> Iterator[Element]:
        """Elements of the array whose bracket was passed, and its end."""
        is_first = True
        while True:
            self._begin()
            if self._is_end():
                yield self._over()
                return
            if is_first and self._data[self._at : self._at + 1] == b"]":
                self._at += 1
                return
            is_first = False
            mark, is_whole = self._scan(bytearray(), is_listed=True)
            if not is_whole:
                yield self._over()
                return
            found = self._taken()
            if found.data or mark:
                yield found if found.data else self._taken("invalid_json")
            if mark in ("]", ","):
                self._at += 1
            elif mark == "{":  # a comma is missing
                self._begin()
                yield self._taken("invalid_json")
            if mark == "]":
                return

    def _object(self) -> Iterator[Element]:
        """An object that is in no array; or the elements of the lists in it, where it is a page."""
        before = b""
        mark, is_whole = self._scan(bytearray(), is_listed=False)
        while mark == "[":
            yield from self._page_fault(before, b"[]}")
            before = b'{"":[]'
            self._at += 1
            yield from self._array()
            if self._is_over:
                return
            self._begin()
            mark, is_whole = self._scan(bytearray(b"{"), is_listed=False)
        if not is_whole:
            yield self._over()
        elif before:
            yield from self._page_fault(before, b"")
        else:
            yield self._taken()

    def _page_fault(self, before: bytes, after: bytes) -> Iterator[Element]:
        """A fault, where what a page says around its lists is no JSON."""
        found = self._taken()
        if found.reason:  # too long to look at; it is no record
            return
        try:
            json.loads(before + found.data + after, parse_int=str)
        except (ValueError, RecursionError):
            yield self._taken("invalid_json")

    def _loose(self) -> Element:
        """What is neither array nor object: to the end of its line, or to the next of these."""
        most = self._start + MAX_RECORD_BYTES
        while len(self._data) < most and b"\n" not in self._data[self._at :] and self._more():
            most = self._start + MAX_RECORD_BYTES
        end = _past(_LOOSE, self._data, self._at + 1)
        self._at = min(end, most)
        return self._taken()

    def _scan(self, stack: bytearray, *, is_listed: bool) -> tuple[str, bool]:
        """Move to the end of the value that starts here.

        Args:
            stack: Brackets that are open.
            is_listed: Whether it is an element of an array and ends at a comma.

        Returns:
            The mark that ends it (`,` `]` of the array; `{` where a comma is missing; `[` where
            the list of a page begins), empty where it ends by itself; and whether it ends at all.
        """
        deeper = lists = 0  # brackets beyond the stack's height, and `[` in it
        was_closed = False
        while True:
            run = _WITHIN if stack else _BETWEEN
            self._at = _past(run, self._data, self._at)
            if self._at == len(self._data):
                if self._more():
                    continue
                return "", not stack
            char = self._data[self._at]
            if char == 0x22:  # a string that the pattern did not take
                if self._string():
                    return "", True
                if self._is_over:
                    return "", False
                continue
            if char == 0x2C:  # a comma, and no bracket is open
                return ",", True
            is_array = char in b"[]"
            if char in b"{[":
                if not stack and was_closed:
                    return "{", True
                if not deeper and stack and stack[-1] == 0x7B:
                    if not is_array and self._before() == b",":
                        return "", True
                    if is_array and len(stack) == 1 and not is_listed and self._is_list():
                        return "[", True
                if len(stack) < MAX_RECORD_BYTES:
                    stack.append(char)
                    lists += is_array
                else:
                    deeper += 1
            elif deeper:
                deeper -= 1
            elif not stack:
                if is_array:
                    return "]", True
            elif lists if is_array else len(stack) > lists:
                # closes what it fits, and with it what was left open within
                place = stack.rfind(b"[" if is_array else b"{")
                lists -= stack.count(b"[", place)
                del stack[place:]
                was_closed = not stack
            self._at += 1
            if was_closed and not is_listed:
                return "", True

    def _string(self) -> bool:
        """Move behind a string; whether it shows that the value ended in it, and move back there.

        Where the file ends in it, nothing more is to be read.
        """
        opened = self._base + self._at
        self._at += 1
        while True:
            self._at = _past(_IN_TEXT, self._data, self._at)
            if self._at < len(self._data) and self._data[self._at] == 0x22:
                break
            if not self._more():
                self._at = len(self._data)
                self._is_over = True
                return False
        least = max(0, opened + 1 - self._base, self._at - _TAIL)
        hit = _NEXT_OBJECT.search(self._data, least, self._at)
        place = self._base + hit.start(1) if hit else 0
        self._at += 1
        while True:
            self._at = _past(_SPACE, self._data, self._at)
            if self._at < len(self._data) or not self._more():
                break
        is_followed = self._data[self._at : self._at + 1] in (b":", b",", b"}", b"]")
        if not hit or is_followed or place <= self._base:
            return False
        self._at = place - self._base
        return True

    def _before(self) -> bytes:
        """The last byte before this one that is no space."""
        at = self._at - 1
        while at >= self._start and self._data[at] in _SPACES:
            at -= 1
        return self._data[at : at + 1] if at >= self._start else b""

    def _is_list(self) -> bool:
        """Whether the bracket here opens the list of a page."""
        if self._list is None:
            return False
        return bool(self._list.search(self._data, max(0, self._at - _TAIL), self._at))

    def _is_end(self) -> bool:
        """Skip spaces; whether the file ends there. What is skipped is of no element."""
        while True:
            self._at = _past(_SPACE, self._data, self._at)
            self._count(self._at)
            self._start = self._at
            if self._at < len(self._data):
                return False
            if not self._more():
                return True

    def _begin(self) -> None:
        """An element may begin here."""
        self._count(self._at)
        self._start, self._first = self._at, None

    def _count(self, at: int) -> None:
        self._line += self._data.count(b"\n", self._counted, at)
        self._counted = at

    def _taken(self, reason: str | None = None, *, is_cut: bool = False) -> Element:
        """What stands from the element's start to here; spaces behind a whole one are not of it."""
        if self._first is not None:
            return self._first
        data = self._data[self._start : self._at]
        data = data if is_cut else data.rstrip(_SPACES)
        if len(data) > MAX_RECORD_BYTES:
            reason, data = "too_long", data[:KEPT_BYTES]
        return Element(self._base + self._start, self._line, data, reason)

    def _over(self) -> Element:
        """The fault with which a file ends too early."""
        self._is_over = True
        found = self._taken(self._broken or "invalid_json", is_cut=True)
        if found.reason == "too_long":
            reason = self._broken or "invalid_json"
            return Element(found.offset, found.line, found.data, reason, is_open=True)
        return found

    def _more(self) -> bool:
        """Read on. The window keeps the element in work, of one too long its first and last bytes.

        Positions move with the window.
        """
        try:
            chunk = next(self._chunks, b"")
        except BrokenStream as stream:
            chunk, self._broken = b"", stream.reason
        if not chunk:
            self._chunks = iter(())
            return False
        if self._at - self._start > MAX_RECORD_BYTES + _TAIL and self._first is None:
            kept = self._data[self._start : self._start + KEPT_BYTES]
            self._first = Element(self._base + self._start, self._line, kept, "too_long")
        gone = self._start if self._first is None else max(self._start, self._at - _TAIL)
        self._count(gone)
        self._data = b"".join((memoryview(self._data)[gone:], chunk))
        self._base += gone
        self._at -= gone
        self._start = max(0, self._start - gone)
        self._counted = self._start
        return True


def _past(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    """Where what the pattern takes from a place on ends."""
    match = pattern.match(data, at)
    return match.end() if match else at
