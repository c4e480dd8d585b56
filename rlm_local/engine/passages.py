"""The passages of a collection as a model is shown them: where they stand, under which heading, and what they say."""

from collections.abc import Sequence

from rlm_local.collection.collection import Passage
from rlm_local.collection.view import View


class Passages:
    """Passages that were searched for, remembered by their places: a cell names them by these."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._found: dict[tuple[int, int], Passage] = {}

    def search(self, words: str, k: int) -> Sequence[Passage]:
        """The passages that speak of the words, best first."""
        found = self.view.search(words, k)
        self._found.update({(passage.start, passage.end): passage for passage in found})
        return found

    def render(self, start: int, end: int) -> str:
        """What a model is shown of a span: the document's name, its title and the heading it stands under, the text."""
        text = self.wording(start, end)
        passage = self._found.get((start, end))
        if passage is None:
            return f"{self.view.span(start, end).document}\n{text}"
        said = " > ".join(dict.fromkeys(part for part in (passage.title, passage.heading) if part))
        where = f"{passage.document}{f', {passage.place}' if passage.place else ''}"
        return "\n".join(part for part in (where, said, text) if part)

    def wording(self, start: int, end: int) -> str:
        """The text itself: what a model judges of it."""
        return self.view.text(start, end).strip()
