"""PDF: text in reading order page by page, values of form fields, tables; pages that are only pictures by OCR."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from rlm_local.collection.errors import Needs, Unreadable
from rlm_local.collection.formats import layout, ocr, pdfium, ruled
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.layout import Piece, Row
from rlm_local.collection.formats.part import Cell, Document, Note, Part, Text
from rlm_local.collection.formats.source import Source
from rlm_local.collection.formats.written import Tables, Written

MOST_PAGES = 10_000
"""Pages that are read of a file; that there are more is noted."""

MOST_CHARACTERS = 50_000_000
"""Text that is read of a file."""

MOST_FIELDS = 500
_FORM_PAGES = 200
_SCAN_SCALE = 4.0  # 288 dots an inch
_AHEAD = 8

MOST_SCANS = 200
"""Pages of a file that are read by OCR, which costs seconds each."""
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


@dataclass
class _Page:
    """What is on a page: its words, or the lines that OCR found; None for a page that cannot be opened."""

    words: pdfium.Words | None
    scanned: bool = False
    problem: str = ""


class _Reading:
    """One document on its way to parts: what its pages have told so far."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._raw: Any = pdfium.library().raw
        self._known: set[str] = set()
        self._scans = 0
        self._length = 0  # of the text so far
        self._tables = Tables()
        self._needs: Needs | None = None

    def parts(self) -> Iterator[Part]:
        count = len(self._document)
        if not count:
            raise Unreadable("damaged: it has no pages")
        pages = self._ahead(min(count, MOST_PAGES))
        first = next(pages)
        yield Document(title=self._title(first), kind="pdf", fields=self._fields())
        read = 0
        for page in chain((first,), pages):
            read += 1
            yield from self._page(f"page {read}", page)
            if self._length > MOST_CHARACTERS:
                break
        yield from self._tables.end()
        if count > read:
            yield Note(f"only the first {read} of {count} pages are read")
        if self._needs and not self._length:
            raise self._needs

    def _ahead(self, count: int) -> Iterator[_Page]:
        """The pages, each when the words of the next few are known, too."""
        waiting = deque[_Page]()
        for number in range(count):
            page = self._opened(number)
            waiting.append(page)
            if page.words and len(self._known) < _MOST_KNOWN:
                self._known |= layout.words_of(page.words.main)
            if len(waiting) > _AHEAD:
                yield waiting.popleft()
        yield from waiting

    def _page(self, place: str, page: _Page) -> Iterator[Part]:
        if page.problem:
            yield Note(page.problem, place)
        if page.words is None:
            return
        if page.words.cut:
            yield Note(f"only the first {pdfium.MOST_GLYPHS} characters are read", place)
        words = page.words.main if page.scanned else ruled.celled(page.words.main, page.words.rules)
        blocks = layout.flow(words if page.scanned else layout.pieces(words), page.words.rules)
        aside = [[piece] for piece in layout.pieces(page.words.aside)]
        written = Written(self._length, self._known, page.words.rules)
        for block in [*blocks, aside]:
            written.block(block)
        if written.text:
            yield Text(written.text, place=place)
            self._length += len(written.text)
        for table in written.tables:
            yield from self._tables.take(place, table)

    def _opened(self, number: int) -> _Page:
        library = pdfium.library()
        try:
            page = self._document[number]
            textpage = page.get_textpage()
        except library.PdfiumError:
            return _Page(None, problem="this page is damaged")
        try:
            words = pdfium.words(self._raw, page, textpage)
            if pdfium.pictured(self._raw, page, " ".join(word.text for word in words.main)):
                return self._scan(page, words)
            for widget in self._widgets(page):
                x0, top, x1, bottom = pdfium.turned(widget.box, words.quarter)
                if widget.value:
                    size = min(bottom - top, 12.0)
                    words.main.append(Piece(_one_line(widget.value), x0, x1, (top + bottom) / 2 + 0.3 * size, size))
            return _Page(words)
        finally:
            textpage.close()
            page.close()

    def _scan(self, page: Any, words: pdfium.Words) -> _Page:
        """A page that is a picture, read as one; as it is where that cannot be."""
        self._scans += 1
        if self._scans > MOST_SCANS:
            return _Page(words, problem=f"not read: only the first {MOST_SCANS} pages that are pictures are")
        try:
            found = ocr.written(_drawn(page))
        except Needs as needs:
            self._needs = needs
            return _Page(words, problem=f"not read: this page is a picture; {needs}")
        return _Page(pdfium.Words(found, []), scanned=True) if found else _Page(words)

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

    def _title(self, page: _Page) -> str:
        """The title that the file gives itself, else the largest line of its first page."""
        said = _one_line(self._document.get_metadata_dict().get("Title", "")).removeprefix("Microsoft Word - ")
        if said and said.lower() not in ("untitled", "title") and " " in said:
            return said
        if not page.words:
            return ""
        return _largest(layout.flow(page.words.main if page.scanned else layout.pieces(page.words.main)))


def _drawn(page: Any) -> "ocr.Pixels":
    """A page as a picture that OCR can read."""
    width, height = page.get_size()
    factor = _SCAN_SCALE * ocr.scale(_SCAN_SCALE * width, _SCAN_SCALE * height)
    bitmap = page.render(scale=factor, prefer_bgrx=False)
    try:
        return bitmap.to_numpy()[:, :, :3].copy()
    finally:
        bitmap.close()


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


FORMAT = Format("pdf", frozenset({"pdf"}), read, lambda head: b"%PDF-" in head[:1024], prose=True)
