"""PDF: text in reading order page by page, values of form fields, tables; pages that are only pictures by OCR."""

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import layout, pdfium
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.layout import Piece, Row
from rlm_local.collection.formats.part import Cell, Document, Note, Part, Text
from rlm_local.collection.formats.source import Source

MOST_PAGES = 10_000
"""Pages that are read of a file; that there are more is noted."""

MOST_CHARACTERS = 50_000_000
"""Text that is read of a file."""

MOST_FIELDS = 500
_FORM_PAGES = 200
_AHEAD = 8
_MOST_KNOWN = 200_000


def read(source: Source) -> Iterator[Part]:
    """The parts of a PDF, a text for each page.

    Raises:
        Unreadable: it asks for a password, or is damaged, or is none.
        Needs: pypdfium2 is not installed.
    """
    with _opened(source) as document:
        yield from _Reading(document).parts()


def _opened(source: Source) -> Any:
    library = pdfium.library()
    try:
        document = library.PdfDocument(source.open())
        document.init_forms()
    except library.PdfiumError as error:
        raise Unreadable(_reason(str(error))) from None
    return document


def _reason(error: str) -> str:
    if "password" in error:
        return "encrypted: a password is needed to open this PDF; give a copy without one"
    if "security" in error.lower():
        return "encrypted in a way that cannot be read; give a copy that is not"
    return "damaged, or no PDF"


class _Reading:
    """One document on its way to parts: what its pages have told so far."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._raw: Any = pdfium.library().raw
        self._known: set[str] = set()

    def parts(self) -> Iterator[Part]:
        count = len(self._document)
        if not count:
            raise Unreadable("damaged: it has no pages")
        first = self._words(0)
        yield Document(title=self._title(first), kind="pdf", fields=self._fields())
        characters = 0
        for number, words in enumerate(self._ahead(min(count, MOST_PAGES))):
            for part in self._page(f"page {number + 1}", words):
                yield part
                characters += len(part.text) if isinstance(part, Text) else 0
            if characters > MOST_CHARACTERS:
                yield Note(f"only the first {number + 1} of {count} pages are read: they have much text")
                return
        if count > MOST_PAGES:
            yield Note(f"only the first {MOST_PAGES} of {count} pages are read")

    def _ahead(self, count: int) -> Iterator[pdfium.Words | None]:
        """The pages' words, when the words of the next few pages are known, too."""
        waiting = deque[pdfium.Words | None]()
        for number in range(count):
            words = self._words(number)
            waiting.append(words)
            if words and len(self._known) < _MOST_KNOWN:
                self._known |= layout.words_of(words.main)
            if len(waiting) > _AHEAD:
                yield waiting.popleft()
        yield from waiting

    def _page(self, place: str, words: pdfium.Words | None) -> Iterator[Part]:
        if words is None:
            yield Note("this page is damaged", place)
            return
        if words.cut:
            yield Note(f"only the first {pdfium.MOST_GLYPHS} characters are read", place)
        blocks = layout.flow(layout.pieces(words.main))
        aside = [[piece] for piece in layout.pieces(words.aside)]
        text = "\n\n".join(layout.prose(block, self._known) for block in [*blocks, aside] if block)
        if text:
            yield Text(text + "\n\n", place=place)

    def _words(self, number: int) -> pdfium.Words | None:
        """What is written on a page, the values of its fields among it; None where the page cannot be read."""
        library = pdfium.library()
        try:
            page = self._document[number]
            textpage = page.get_textpage()
        except library.PdfiumError:
            return None
        try:
            words = pdfium.words(self._raw, textpage)
            for widget in self._widgets(page):
                x0, top, x1, bottom = pdfium.turned(widget.box, words.quarter)
                if widget.value:
                    size = min(bottom - top, 12.0)
                    words.main.append(Piece(_one_line(widget.value), x0, x1, (top + bottom) / 2 + 0.3 * size, size))
            return words
        finally:
            textpage.close()
            page.close()

    def _widgets(self, page: Any) -> Iterator[pdfium.Widget]:
        if self._document.formenv:
            yield from pdfium.widgets(self._raw, self._document.formenv, page)

    def _fields(self) -> dict[str, Cell]:
        """What is filled in in the form, and what the file says of itself."""
        said = self._document.get_metadata_dict(skip_empty=True)
        fields: dict[str, Cell] = {
            key: _one_line(said[key]) for key in ("Author", "Subject", "Keywords") if key in said
        }
        if self._document.formenv:
            for number in range(min(len(self._document), _FORM_PAGES)):
                page = self._document[number]
                filled = {one.name: _one_line(one.value) for one in self._widgets(page) if one.name and one.value}
                page.close()
                fields |= filled
                if len(fields) > MOST_FIELDS:
                    break
        return fields

    def _title(self, words: pdfium.Words | None) -> str:
        """The title that the file gives itself, else the largest line of its first page."""
        said = _one_line(self._document.get_metadata_dict().get("Title", ""))
        if said and said.lower() not in ("untitled", "title") and " " in said:
            return said
        return _largest(layout.flow(layout.pieces(words.main))) if words else ""


def _largest(blocks: list[list[Row]]) -> str:
    """The first lines of the largest letters, where these are larger than most."""
    sizes = Counter[float]()
    for piece in (piece for block in blocks for row in block for piece in row):
        sizes[round(piece.size, 1)] += len(piece.text)
    worded = [[row for row in block if sum(map(str.isalpha, layout.line(row))) >= 3] for block in blocks]
    size = max((round(row[0].size, 1) for block in worded for row in block), default=0.0)
    if size < 1.15 * max(sizes, key=lambda one: sizes[one], default=1.0):
        return ""
    lines = next(lines for block in worded if (lines := [row for row in block if round(row[0].size, 1) == size]))
    return _one_line(" ".join(map(layout.line, lines[:3])).replace(layout.SOFT, "-"))[:300]


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


FORMAT = Format("pdf", frozenset({"pdf"}), read, lambda head: b"%PDF-" in head[:1024])
