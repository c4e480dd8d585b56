"""Passages: a document's text in pieces of some 900 characters, cut at blank lines or line ends."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rlm_local.collection.formats.part import Text

USUAL = 900
"""Characters of a passage, if there is a blank line or a line end about there."""
LONGEST = 1_800
_LEAST = 300
"""The least characters before a cut and, if possible, after it."""
_LEAD = 120
"""At most so many characters, such as a title, are joined to what follows them, whatever heading that has."""


@dataclass(frozen=True)
class Cut:
    """A passage: its span in the document's text, and the heading that it stands under."""

    start: int
    end: int
    heading: str
    place: str
    text: str


class Passages:
    """Cuts one document's text into passages; its stretches are given in order, one by one."""

    def __init__(self) -> None:
        self.characters = 0
        self._stretch = Text("")
        self._waiting: list[str] = []
        self._size = 0

    def add(self, stretch: Text) -> Iterator[Cut]:
        """Add a stretch; returns the passages that are complete now."""
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
        """The passages of the rest."""
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
    """The end of a passage that begins at `start`: after a blank line, else a line, else a word, else anywhere."""
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
