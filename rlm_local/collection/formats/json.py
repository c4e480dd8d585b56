"""JSON, JSON Lines, GeoJSON, and values one after another.

A file is read through a window, so that a list of any length passes through; `found.py` says what is a record in it.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.found import DEEPEST, LISTED, Found, are_alike, columns_as_rows, document, tables
from rlm_local.collection.formats.part import Note, Part, Text
from rlm_local.collection.formats.prose.clean import clean
from rlm_local.collection.formats.records import is_object, is_scalar, nested
from rlm_local.collection.formats.source import PIECE, Source

_LINES = frozenset({"jsonl", "ndjson", "ldjson", "jsonlines"})
_LONGEST_VALUE = 64 * PIECE
_LONGEST_INTEGER = 18  # digits; longer ones stay text
_MOST_BROKEN = 1_000  # values, after which the rest is text alone
_MOST_NAMED = 20
_LARGE_OBJECT = 4 * PIECE  # one that is longer is gone through without a look at the whole of it
_MOST_CUT = 8  # characters at the end of a window that an error may be the cut's fault
_SPACE = " \t\n"
_AFTER = frozenset(("", *_SPACE, *",]}:"))  # what may stand after a value that is no object and no list


class _Broken(Exception):  # noqa: N818  for this module alone
    """No value stands here that can be read."""


def read(source: Source) -> Iterator[Part]:
    """The file's text as it is, and its records; fields are the values beside them."""
    yield document("json", _Finder(source).found())
    yield from map(Text, source.pieces())
    finder = _Finder(source)
    yield from tables(finder.found(), PurePath(source.name).stem)
    if finder.broken:
        more = " and more" if finder.broken > len(finder.places) else ""
        yield Note("what cannot be read as JSON is text alone", ", ".join(finder.places) + more)
    if finder.repeated:
        yield Note(f"objects in which a key comes more than once ({finder.repeated}): all its values are kept")


class _Finder:
    """The records and fields of one file, and what was wrong with it: `broken` values, the first by `places`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.broken = 0
        self.places: list[str] = []
        self.repeated = 0
        self._decoder = json.JSONDecoder(parse_int=_integer, parse_constant=_nothing, object_pairs_hook=self._object)

    def found(self) -> Iterator[Found]:
        """In the order in which they stand."""
        window = _Window(self._source.pieces(), self._decoder)
        if not window.peek():
            return
        if self._is_lines():
            yield from self._lines()
        elif self._is_one(window):
            try:
                yield from self._value(window, (), 0)
            except (_Broken, RecursionError):
                self._break(f"character {window.place}")
        else:
            yield from self._items(window, (), "")

    def _is_lines(self) -> bool:
        """Whether each line is a value: the first two are, or the first of a file that is called so."""
        lines = next(self._source.pieces(), "").split("\n", _MOST_NAMED)
        said = [line for line in lines[:_MOST_NAMED] if line.strip()][:2]
        named = self._source.suffix in _LINES
        try:
            values = [self._decoder.decode(line) for line in said]
        except (ValueError, RecursionError):
            return named and said[0].strip() not in ("{", "[")
        return named or (len(values) > 1 and not any(map(is_scalar, values)))

    def _lines(self) -> Iterator[Found]:
        for number, (line, start) in enumerate(self._source.lines()):
            if not line or line.isspace():
                continue
            try:
                value = self._decoder.decode(line)
            except (ValueError, RecursionError):
                self._break(f"line {number + 1}")
            else:
                yield Found((), value, start, start + len(line), record=True)

    def _is_one(self, window: "_Window") -> bool:
        """Whether the file is one value, or the beginning of one that is too large to be looked at, or broken."""
        if window.peek() == "[":
            return True
        try:
            _, start, end = window.look(_LARGE_OBJECT)
        except (_Broken, RecursionError):
            return True
        window.move(end)
        alone = not window.peek()
        window.move(start)
        return alone

    def _value(self, window: "_Window", path: tuple[str, ...], depth: int) -> Iterator[Found]:
        """What is inside the value that stands next."""
        first = window.peek()
        if first == "[":
            yield from self._list(window, path)
        elif first == "{" and depth < DEEPEST:
            yield from self._object_inside(window, path, depth)
        else:
            value, start, end = window.look(_LONGEST_VALUE)
            window.move(end)
            if path:
                yield Found(path, nested(value) if is_object(value) else value, start, end, record=False)

    def _object_inside(self, window: "_Window", path: tuple[str, ...], depth: int) -> Iterator[Found]:
        whole: dict[str, Any] = {}
        start = end = 0
        with suppress(_Broken, RecursionError):
            whole, start, end = window.look(_LARGE_OBJECT)
        by_name = are_alike(list(whole.values()))
        rows = columns_as_rows(whole)
        if rows:
            window.move(end)
            yield from (Found(path, row, start, end, record=True) for row in rows)
            return
        window.move(window.place + 1)
        try:
            while (character := window.peek()) not in ("}", ""):
                if character == ",":
                    window.move(window.place + 1)
                    continue
                key, _, end = window.look(_LONGEST_VALUE)
                window.move(end)
                if window.peek() != ":" or not isinstance(key, str):
                    raise _Broken
                window.move(window.place + 1)
                if by_name:
                    value, start, end = window.look(_LONGEST_VALUE)
                    window.move(end)
                    yield Found(path, {"key": key, **value}, start, end, record=True)
                else:
                    yield from self._value(window, (*path, clean(key)), depth + 1)
            if not character:
                raise _Broken
            window.move(window.place + 1)
        except (_Broken, RecursionError):
            self._break(f"character {window.place}")
            window.end()

    def _list(self, window: "_Window", path: tuple[str, ...]) -> Iterator[Found]:
        """The items of a list; a short one of plain values is a field as well."""
        if path:
            whole: list[Any] = []
            start = end = 0
            with suppress(_Broken, RecursionError):
                whole, start, end = window.look(PIECE)
            if whole and all(map(is_scalar, whole)):
                yield Found(path, whole, start, end, record=False)
                if len(whole) <= LISTED:
                    window.move(end)
                    return
        window.move(window.place + 1)
        yield from self._items(window, path, "]")

    def _items(self, window: "_Window", path: tuple[str, ...], close: str) -> Iterator[Found]:
        """Values one after another, up to `close` or the end; a broken one costs the rest of its line."""
        while character := window.peek():
            if character == close:
                window.move(window.place + 1)
                return
            if character == ",":
                window.move(window.place + 1)
                continue
            try:
                value, start, end = window.look(_LONGEST_VALUE)
            except (_Broken, RecursionError):
                self._break(f"character {window.place}")
                if self.broken >= _MOST_BROKEN:
                    window.end()
                window.next_line()
                while (character := window.peek()) and character not in "{[":
                    window.next_line()
                continue
            window.move(end)
            yield Found(path, value, start, end, record=True)
        if close and not self.broken:
            self._break("the end, which comes too early")

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """An object; the values of a key that comes several times are a list."""
        value = dict(pairs)
        if len(value) < len(pairs):
            self.repeated += 1
            several: dict[str, list[Any]] = {}
            for key, one in pairs:
                several.setdefault(key, []).append(one)
            value = {key: ones if len(ones) > 1 else ones[0] for key, ones in several.items()}
        return value

    def _break(self, place: str) -> None:
        self.broken += 1
        if len(self.places) < _MOST_NAMED:
            self.places.append(place)


class _Window:
    """A stretch of a long text, in which values are looked at where they stand; places are those of the whole text."""

    def __init__(self, pieces: Iterator[str], decoder: json.JSONDecoder) -> None:
        self._pieces = pieces
        self._decoder = decoder
        self._text = ""
        self._base = 0
        self.place = 0

    def peek(self) -> str:
        """The next character that is no space, which becomes the place; empty at the end."""
        while True:
            at = self.place - self._base
            text = self._text
            while at < len(text) and text[at] in _SPACE:
                at += 1
            self.place = self._base + at
            if at < len(text):
                return text[at]
            if not self._more(1):
                return ""

    def look(self, longest: int) -> tuple[Any, int, int]:
        """The value that stands here, and from where to where.

        Raises:
            _Broken: there is none, or it is longer than `longest`.
            RecursionError: it is nested too deeply.
        """
        self.peek()
        while True:
            at = self.place - self._base
            try:
                value, end = self._decoder.raw_decode(self._text, at)
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - _MOST_CUT or error.msg.startswith("Unterminated")
                seen = len(self._text) - at
                if not cut or seen >= longest or not self._more(max(PIECE, seen)):
                    raise _Broken from None
            else:
                if end < len(self._text) or not self._more(1):
                    if is_scalar(value) and self._text[end : end + 1] not in _AFTER:
                        raise _Broken  # "007" is no 0, 0 and 7
                    return value, self.place, self._base + end

    def move(self, place: int) -> None:
        self.place = place

    def next_line(self) -> None:
        """To the beginning of the next line, or the end."""
        while (at := self._text.find("\n", self.place - self._base)) < 0:
            self.place = self._base + len(self._text)
            if not self._more(1):
                return
        self.place = self._base + at + 1

    def end(self) -> None:
        """To the end of the text: nothing more is read."""
        self._pieces = iter(())
        self.place = self._base + len(self._text)

    def _more(self, characters: int) -> bool:
        """Read on by at least so many characters, as far as there are any."""
        pieces: list[str] = []
        while characters > 0 and (piece := next(self._pieces, None)) is not None:
            pieces.append(piece)
            characters -= len(piece)
        behind = self.place - self._base
        if behind > _LARGE_OBJECT:
            self._text, self._base = self._text[behind:], self.place
        self._text = "".join((self._text, *pieces))
        return bool(pieces)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


def _nothing(_name: str) -> None:
    """NaN and the infinities are no values."""


def _sniff(head: bytes) -> bool:
    first = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return (first[:1] == b"{" and first[1:].lstrip()[:1] == b'"') or (
        first[:1] == b"[" and first[1:].lstrip()[:1] == b"{"
    )


FORMAT = Format("json", frozenset({"json", "geojson", "topojson", "webmanifest"}) | _LINES, read, _sniff, version=3)
