"""Where a place of a document stands: the headings above it, outermost first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rlm_local.collection.formats.part import Text

_DEEPEST = 6
_LONGEST = 120
_RULES = " -=_*~:"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading and the place where what it stands over begins: the beginning of its own first line.

    Attributes:
        kind: how it looks; headings of one kind close one another.
        level: how deep it stands among those of its kind, from 1.
        number: of a numbered one, "2.1": it stands under "2" alone, whatever else is open.
    """

    start: int
    title: str
    kind: str
    level: int = 1
    number: str = ""


class Outline:
    """The headings that are open. A kind that is open closes what stands under it; another one opens below."""

    def __init__(self) -> None:
        self._open: list[Heading] = []

    def under(self, heading: Heading) -> str:
        """Open `heading`; returns the path to it: "2 Fees > 2.1 Monthly"."""
        for place, above in enumerate(self._open):
            same = above.kind == heading.kind
            if same and (above.level >= heading.level or not heading.number.startswith(above.number)):
                del self._open[place:]
                break
        del self._open[_DEEPEST - 1 :]
        self._open.append(heading)
        return " > ".join(" ".join(each.title.split())[:_LONGEST].rstrip(_RULES) for each in self._open)


def stretches(text: str, headings: Iterable[Heading]) -> Iterator[Text]:
    """The whole of `text`, cut where headings begin, each piece with its path; joined they are the text."""
    outline = Outline()
    start, path = 0, ""
    for heading in headings:
        if heading.start > start:
            yield Text(text[start : heading.start], path)
        start, path = heading.start, outline.under(heading)
    if start < len(text):
        yield Text(text[start:], path)
