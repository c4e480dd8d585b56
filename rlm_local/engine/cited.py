"""What children cited: an answer rests on it where the cell that made the answer says no more than which documents."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from rlm_local.collection.info import DocumentInfo
from rlm_local.collection.view import View

Place = tuple[int, int]


@dataclass
class Cited:
    """The places that children of a node cited for what they found; places are spans of the node's context."""

    view: View
    _places: dict[DocumentInfo, dict[Place, None]] = field(default_factory=dict[DocumentInfo, dict[Place, None]])

    def add(self, places: Iterable[Place]) -> None:
        """What one child cited."""
        for place in places:
            self._places.setdefault(self.view.collection.documents.at(place[0]), {})[place] = None

    def for_answer(self, given: Sequence[Place], value: Any) -> Iterator[Place]:
        """The places of an answer, given those that its cell gave: of a whole document what was cited of it. Where none
        are given, all that was cited, of the documents that the answer names if it names any."""
        cited = {(document.start, document.end): places for document, places in self._places.items()}
        if not given:
            said = set(_texts(value))
            named = [(each.start, each.end) for each in self._places if each.name in said]
            given = named or [*cited]
        for place in given:
            yield from cited.get(place, (place,))


def _texts(value: Any) -> Iterator[str]:
    """The texts in an answer."""
    left: list[object] = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, list):
            left += cast("list[object]", each)
        elif isinstance(each, dict):
            left += cast("dict[str, object]", each).values()
