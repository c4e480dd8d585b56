"""Parts: what is to be read through, cut at the ends of documents and below headings."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rlm_local.collection.view import View

Span = tuple[int, int]

CHARACTERS = 6_000
"""The size of a part: about 1,500 tokens of English, of which a small model can still take good notes at once."""

_PIECES = 24
"""The most pieces of a part: passages, or rows of a table."""

_MOST_DOCUMENTS = 2_000
"""How many documents are cut into parts; of more, a sample spread evenly, because a run may not have more nodes."""


@dataclass(frozen=True)
class Part:
    """What one child takes notes of: pieces of one document, or several short documents.

    Attributes:
        label: the document and the place in it, for a person.
        pieces: spans of the view's text, each in one document.
    """

    label: str
    pieces: tuple[Span, ...]


@dataclass(frozen=True)
class _Piece:
    start: int
    end: int
    document: str
    heading: str
    whole: bool
    """Whether its whole document is to be read."""

    @property
    def chapter(self) -> tuple[str, str]:
        return self.document, self.heading.partition(" > ")[0]


def parts_of(view: View, spans: Sequence[Span]) -> tuple[list[Part], int]:
    """The parts of these spans (documents, or rows of tables), in order; and how many parts there would be if all were
    cut, should there be very many documents."""
    ordered = sorted(set(spans))
    chosen = [ordered[place] for place in sorted(spread(len(ordered))[:_MOST_DOCUMENTS])]
    parts = list(_joined(_pieces(view, chosen)))
    return parts, max(len(parts), round(len(parts) * len(ordered) / max(1, len(chosen))))


def spread(number: int) -> list[int]:
    """The numbers from 0 to `number - 1`, ordered so that any first few are spread evenly over all."""
    bits = max(1, (number - 1).bit_length())
    return sorted(range(number), key=lambda each: int(f"{each:0{bits}b}"[::-1], 2))


def _pieces(view: View, spans: Iterable[Span]) -> Iterator[_Piece]:
    for start, end in spans:
        document = view.collection.documents.at(start)
        if (start, end) != (document.start, document.end):
            yield _Piece(start, min(end, start + CHARACTERS), document.name, "", whole=False)
            continue
        for passage in view.collection.passages(document.id):
            yield _Piece(passage.start, passage.end, document.name, passage.heading, whole=True)


def _joined(pieces: Iterable[_Piece]) -> Iterator[Part]:
    """Pieces put together until a part is full; a part that is half full ends with its document or chapter."""
    held: list[_Piece] = []
    size = 0
    for piece in pieces:
        longer = size + piece.end - piece.start
        turned = held and held[-1].chapter != piece.chapter and size > CHARACTERS // 2 and piece.whole
        if held and (longer > CHARACTERS or len(held) == _PIECES or turned):
            yield _part(held)
            held, longer = [], piece.end - piece.start
        held.append(piece)
        size = longer
    if held:
        yield _part(held)


def _part(pieces: Sequence[_Piece]) -> Part:
    first = pieces[0]
    others = len({piece.document for piece in pieces}) - 1
    more = f" and {others} more" if others else f", {first.heading}" if first.heading else ""
    return Part(f"{first.document}{more}", tuple((piece.start, piece.end) for piece in pieces))
