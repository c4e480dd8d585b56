"""A document's text as passages: some 900 characters each, cut where a blank line or a line ends; joined, the text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rlm_local.collection.formats.part import Text

USUAL = 900
"""Characters of a passage, if a blank line or a line ends about there."""
LONGEST = 1_800
_LEAST = 300
"""A passage is cut no earlier, and what is left is no shorter, if it can be helped."""
_LEAD = 120
"""Characters, such as a title's, that go with what follows them, whatever that stands under."""


@dataclass(frozen=True)
class Cut:
    """A passage: its characters in the document's text, and what it stands under."""

    start: int
    end: int
    heading: str
    place: str
    text: str


class Passages:
    """Cuts the stretches of one document's text, in order, as they come."""

    def __init__(self) -> None:
        self.characters = 0
        self._stretch = Text("")
        self._waiting: list[str] = []
        self._size = 0

    def add(self, stretch: Text) -> Iterator[Cut]:
        """The passages that are complete once `stretch` follows what was added before."""
        if not stretch.text:
            return
        same = stretch.heading == self._stretch.heading and stretch.place == self._stretch.place
        if not same and self._size > _LEAD:
            yield from self.end()
        if not same:
            self._stretch = stretch
        self._waiting.append(stretch.text)
        self._size += len(stretch.text)
        if self._size > LONGEST:
            yield from self._cut(last=False)

    def end(self) -> Iterator[Cut]:
        """The passages of what is left."""
        yield from self._cut(last=True)

    def _cut(self, *, last: bool) -> Iterator[Cut]:
        text = "".join(self._waiting)
        starts = 0
        size = len(text)
        while size - starts > LONGEST or (last and starts < size):
            end = size if size - starts <= USUAL + _LEAST else _end(text, starts)
            heading, place = self._stretch.heading, self._stretch.place
            at = self.characters
            self.characters += end - starts
            yield Cut(at, self.characters, heading, place, text[starts:end])
            starts = end
        self._waiting = [text[starts:]] if starts < size else []
        self._size = size - starts


def _end(text: str, start: int) -> int:
    """Where a passage that begins at `start` ends: after a blank line, else a line, else a word, else anywhere."""
    least, usual, longest = start + _LEAST, start + USUAL, start + LONGEST
    blank = text.rfind("\n\n", least, usual + _LEAST)
    if blank >= 0:
        return blank + 2
    for mark, furthest in (("\n", usual), ("\n", longest), (". ", usual), (" ", usual), (" ", longest)):
        found = text.rfind(mark, least, furthest)
        if found >= 0:
            return found + len(mark)
    return usual


def cut(stretches: Iterable[Text]) -> list[Cut]:
    """All passages of a document."""
    passages = Passages()
    found = [passage for stretch in stretches for passage in passages.add(stretch)]
    return [*found, *passages.end()]
