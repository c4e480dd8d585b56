"""The documents of a collection, in the order of its text, as a sequence that reads only what is asked for."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from rlm_local.collection.info import DocumentInfo

_AT_ONCE = 1_000


class Documents(Sequence[DocumentInfo]):
    """Keeps a few bytes for each document; names and titles are looked up.

    Args:
        rows: queries the database.
    """

    def __init__(self, rows: Callable[[str, Sequence[Any]], list[Any]]) -> None:
        self._rows = rows
        self._ids, self._starts = array("q"), array("q")
        at = 0
        for number, characters in rows(
            "SELECT d.id, d.characters FROM document d JOIN file f ON f.id = d.file ORDER BY f.name, d.id", ()
        ):
            self._ids.append(number)
            self._starts.append(at)
            at += characters + 1
        self.characters = at
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> DocumentInfo: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[DocumentInfo]: ...
    def __getitem__(self, index: int | slice) -> DocumentInfo | Sequence[DocumentInfo]:
        if isinstance(index, slice):
            return self._some(range(*index.indices(len(self))))
        place = range(len(self))[index]
        return self._some(range(place, place + 1))[0]

    def __iter__(self) -> Iterator[DocumentInfo]:
        for first in range(0, len(self), _AT_ONCE):
            yield from self._some(range(first, min(len(self), first + _AT_ONCE)))

    def at(self, offset: int) -> DocumentInfo:
        """The document that has a character of the collection's text.

        Raises:
            IndexError: there is no such character.
        """
        if not 0 <= offset < max(1, self.characters) or not self._ids:
            raise IndexError(f"there is no character {offset}")
        return self[bisect_right(self._starts, offset) - 1]

    def start_of(self, number: int) -> int:
        """Where the document with an id begins in the collection's text."""
        if not self._places:
            self._places = {own: place for place, own in enumerate(self._ids)}
        return self._starts[self._places[number]]

    def between(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """The id, start and end of each document that a stretch of the collection's text touches."""
        place = max(0, bisect_right(self._starts, start) - 1)
        while place < len(self) and self._starts[place] < end:
            yield self._ids[place], self._starts[place], self._end(place)
            place += 1

    def _end(self, place: int) -> int:
        return (self._starts[place + 1] if place + 1 < len(self) else self.characters) - 1

    def _some(self, places: range) -> list[DocumentInfo]:
        numbers = [self._ids[place] for place in places]
        marks = ", ".join(map(str, numbers))
        told: dict[int, list[str]] = {
            number: rest
            for number, *rest in self._rows(f"SELECT id, name, title, kind FROM document WHERE id IN ({marks})", ())
        }
        return [
            DocumentInfo(number, *told[number][:3], start=self._starts[place], end=self._end(place))
            for number, place in zip(numbers, places, strict=True)
        ]
