"""Passages as a model is shown them: the document, the headings above, and the text."""

from collections.abc import Sequence

from rlm_local.collection.collection import Passage
from rlm_local.collection.view import View


class Passages:
    """The passages that a node has searched for, by their places, because a cell names them by these."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._found: dict[tuple[int, int], Passage] = {}

    def search(self, words: str, k: int) -> Sequence[Passage]:
        """The passages that match the words best, at most `k`, best first."""
        found = self.view.search(words, k)
        self._found.update({(passage.start, passage.end): passage for passage in found})
        return found

    def render(self, start: int, end: int) -> str:
        """What a model is shown of a span: the document's name, its title, the headings above, and the text."""
        text = self.wording(start, end)
        passage = self._found.get((start, end))
        if passage is None:
            return f"{self.view.span(start, end).document}\n{text}"
        said = " > ".join(dict.fromkeys(part for part in (passage.title, passage.heading) if part))
        where = f"{passage.document}{f', {passage.place}' if passage.place else ''}"
        return "\n".join(part for part in (where, said, text) if part)

    def wording(self, start: int, end: int) -> str:
        """The text of a span alone."""
        return self.view.text(start, end).strip()
