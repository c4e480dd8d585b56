"""What was loaded: documents, places in them, and what was left out or could not be read as it claims to be."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Document:
    """One file's text, as decoded. The text is a slice of the corpus's context, cut when asked for: it is stored once.

    `start` and `end` are character offsets in the context. `kind` is the form the text was read as.
    """

    name: str
    kind: str
    encoding: str
    start: int
    end: int
    context: str = field(repr=False, compare=False)

    @property
    def text(self) -> str:
        return self.context[self.start : self.end]

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` (exclusive) of a document's text."""

    document: str
    start: int
    end: int


@dataclass(frozen=True)
class Note:
    """Something in a document that is not as its form promises. `line` counts from 1; 0 is the whole document."""

    document: str
    line: int
    problem: str
