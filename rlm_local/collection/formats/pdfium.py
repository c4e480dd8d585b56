"""PDFium's pages as words with places, ruling lines and form fields: all that touches its C interface.

Everything is bounded here, so that a page made to be endless costs no more than a full one.
"""

import ctypes
import importlib
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rlm_local.collection.errors import Needs
from rlm_local.collection.formats.layout import SOFT, Piece, Rule

MOST_GLYPHS = 200_000
"""Letters that are read of a page."""

MOST_WIDGETS = 2_000
"""Annotations that are looked at on a page."""

_LIGATURES = dict(enumerate(("ff", "fi", "fl", "ffi", "ffl", "st", "st"), 0xFB00))
_SPACES = frozenset((0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20, 0xA0, 0x3000, *range(0x2000, 0x200C)))
MOST_OBJECTS = 20_000
"""Drawn objects that are looked at on a page, and inside each form on it."""

MOST_LINES = 20_000
"""Straight lines that are looked at on a page."""

_MOST_SEGMENTS = 500  # of one path; a curve that is drawn by more is no line of a table
_STRAIGHT = 1.0
_DEEPEST = 3
_STAMP = 100
_FEW_OBJECTS = 200
_LINE_HYPHEN = (0x02, 0xFFFE)
"""What PDFium gives for a hyphen that ends a line."""


def library() -> Any:
    """The module pypdfium2, whose C functions have no types.

    Raises:
        Needs: it is not installed.
    """
    try:
        return importlib.import_module("pypdfium2")
    except ImportError:
        raise Needs("pip install 'rlm-local[documents]'") from None


@dataclass(frozen=True)
class Widget:
    """A field of a form: its name, what is filled in ("" for nothing), and where it stands."""

    name: str
    value: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Words:
    """What is written on a page.

    Attributes:
        main: words in the file's order that are written in the direction in which most are.
        aside: the others.
        quarter: how many quarter turns against the clock the main ones are turned by.
        cut: whether there were more than are read.
        rules: lines that are drawn.
    """

    main: list[Piece]
    aside: list[Piece]
    quarter: int = 0
    cut: bool = False
    rules: list[Rule] = field(default_factory=list[Rule])


def words(raw: Any, page: Any, textpage: Any) -> Words:
    """What is written on a page."""
    count = raw.FPDFText_CountChars(textpage)
    found = [
        (quarter, text, *_place(raw, textpage, first, last, quarter))
        for first, last, quarter, text in _spelled(raw, textpage, min(count, MOST_GLYPHS))
    ]
    turns = Counter[int]()
    for quarter, text, _box, _size in found:
        turns[quarter] += len(text)
    main = turns.most_common(1)[0][0] if turns else 0
    pages: dict[bool, list[Piece]] = {True: [], False: []}
    for quarter, text, box, size in found:
        x0, top, x1, _bottom = turned(box, quarter)
        pages[quarter == main].append(Piece(text, x0, x1, top, size))
    return Words(pages[True], pages[False], main, count > MOST_GLYPHS, rules(raw, page, main))


def turned(box: tuple[float, float, float, float], quarter: int) -> tuple[float, float, float, float]:
    """A box (left, bottom, right, top; y upwards) as x0, top, x1, bottom (y downwards), seen along the writing."""
    left, bottom, right, top = box
    return (
        (left, -top, right, -bottom),
        (bottom, left, top, right),
        (-right, bottom, -left, top),
        (-top, -right, -bottom, -left),
    )[quarter]


def _spelled(raw: Any, textpage: Any, count: int) -> Iterator[tuple[int, int, int, str]]:
    """Words as the first and the last letter's number, the direction in quarter turns, and the text."""
    unicode, origin = raw.FPDFText_GetUnicode, raw.FPDFText_GetCharOrigin
    x, y = ctypes.c_double(), ctypes.c_double()
    letters: list[str] = []
    first = last = quarter = 0
    base = size = 0.0
    for index in range(count):
        code = unicode(textpage, index)
        hyphen = code in _LINE_HYPHEN
        letter = SOFT if hyphen else _LIGATURES.get(code) or _letter(code)
        origin(textpage, index, x, y)
        if letters and (code in _SPACES or (letter and abs((x.value if quarter % 2 else y.value) - base) > 0.5 * size)):
            yield first, last, quarter, "".join(letters)
            letters = []
        if code in _SPACES or not letter:
            continue
        if not letters:
            first, quarter = index, _quarter(raw, textpage, index)
            base, size = x.value if quarter % 2 else y.value, _size(raw, textpage, index)
        last = index
        letters.append(letter)
        if hyphen:
            yield first, last, quarter, "".join(letters)
            letters = []
    if letters:
        yield first, last, quarter, "".join(letters)


def _letter(code: int) -> str:
    """One letter; nothing for what is no text: control characters, halves of surrogate pairs, unassigned ones."""
    if code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in (0xAD, 0xFEFF, 0xFFFF):
        return ""
    return chr(code) if code <= 0x10FFFF else ""


def _quarter(raw: Any, textpage: Any, index: int) -> int:
    """How many quarter turns against the clock a letter is turned by."""
    return -round(raw.FPDFText_GetCharAngle(textpage, index) / (math.pi / 2)) % 4


def _size(raw: Any, textpage: Any, index: int) -> float:
    """How high a letter's line is: its font's size as it is drawn, or the box where fonts lie about it."""
    box, matrix = raw.FS_RECTF(), raw.FS_MATRIX()
    raw.FPDFText_GetLooseCharBox(textpage, index, box)
    raw.FPDFText_GetMatrix(textpage, index, matrix)
    upright = abs(matrix.b) < abs(matrix.a)
    size = raw.FPDFText_GetFontSize(textpage, index) * math.hypot(matrix.c, matrix.d)
    loose = abs(box.top - box.bottom) if upright else abs(box.right - box.left)
    return (size if 0.4 * loose < size < 2.5 * loose else loose) or 1.0


def _place(
    raw: Any, textpage: Any, first: int, last: int, quarter: int
) -> tuple[tuple[float, float, float, float], float]:
    """A word's box along its base line (left, bottom, right, top of the page), and the height of its letters."""
    box, other = raw.FS_RECTF(), raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(textpage, first, box)
    raw.FPDFText_GetLooseCharBox(textpage, last, other)
    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharOrigin(textpage, first, x, y)
    size = _size(raw, textpage, first)
    if quarter % 2:
        return (x.value, min(box.bottom, other.bottom), x.value, max(box.top, other.top)), size
    return (min(box.left, other.left), y.value, max(box.right, other.right), y.value), size


def widgets(raw: Any, form: Any, page: Any) -> Iterator[Widget]:
    """The fields of a form on a page. A box that is not ticked is "", one that is, its value."""
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), MOST_WIDGETS)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            if raw.FPDFAnnot_GetSubtype(annotation) == raw.FPDF_ANNOT_WIDGET:
                yield _widget(raw, form, annotation)
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _widget(raw: Any, form: Any, annotation: Any) -> Widget:
    name = _string(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation) or _string(
        raw.FPDFAnnot_GetFormFieldName, form, annotation
    )
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON):
        ticked = raw.FPDFAnnot_IsChecked(form, annotation)
        value = (_string(raw.FPDFAnnot_GetFormFieldExportValue, form, annotation) or "yes") if ticked else ""
    elif kind in (raw.FPDF_FORMFIELD_PUSHBUTTON, raw.FPDF_FORMFIELD_SIGNATURE):
        value = ""
    else:
        value = _string(raw.FPDFAnnot_GetFormFieldValue, form, annotation)
    box = raw.FS_RECTF()
    raw.FPDFAnnot_GetRect(annotation, box)
    return Widget(name, value, (box.left, min(box.bottom, box.top), box.right, max(box.bottom, box.top)))


def _string(function: Any, form: Any, annotation: Any) -> str:
    """What one of PDFium's functions says that fill a buffer with UTF-16; at most 32 kB of it."""
    size = min(function(form, annotation, None, 0), 1 << 15)
    buffer = ctypes.create_string_buffer(size + 2)
    function(form, annotation, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw[: max(size - 2, 0)].decode("utf-16-le", "replace").strip()


def pictured(raw: Any, page: Any, text: str) -> bool:
    """Whether a page is to be read as a picture: no text, letters that stand for nothing, a scan with a stamp."""
    if not text.strip():
        return raw.FPDFPage_CountObjects(page) > 0
    if sum(letter == "\ufffd" or "\ue000" <= letter <= "\uf8ff" for letter in text) > 0.3 * len(text):
        return True
    return len(text) < _STAMP and _scanned(raw, page)


def _scanned(raw: Any, page: Any) -> bool:
    """Whether a picture covers most of the page."""
    left, bottom, right, top = ctypes.c_float(), ctypes.c_float(), ctypes.c_float(), ctypes.c_float()
    area = raw.FPDF_GetPageWidthF(page) * raw.FPDF_GetPageHeightF(page)
    for index in range(min(raw.FPDFPage_CountObjects(page), _FEW_OBJECTS)):
        drawn = raw.FPDFPage_GetObject(page, index)
        if raw.FPDFPageObj_GetType(drawn) != raw.FPDF_PAGEOBJ_IMAGE:
            continue
        raw.FPDFPageObj_GetBounds(drawn, left, bottom, right, top)
        if (right.value - left.value) * (top.value - bottom.value) > 0.6 * area:
            return True
    return False


def rules(raw: Any, page: Any, quarter: int) -> list[Rule]:
    """The straight lines across and down that are drawn on a page, the sides of rectangles among them."""
    found: list[_Box] = []
    _gather(
        raw,
        (raw.FPDFPage_CountObjects(page), partial(raw.FPDFPage_GetObject, page)),
        (1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
        found,
        0,
    )
    return [_seen(box, quarter) for box in found]


_Matrix = tuple[float, float, float, float, float, float]
_Box = tuple[float, float, float, float]


def _gather(raw: Any, objects: tuple[int, Callable[[int], Any]], outer: _Matrix, found: list[_Box], depth: int) -> None:
    count, get = objects
    for index in range(min(count, MOST_OBJECTS)):
        if len(found) > MOST_LINES:
            return
        drawn = get(index)
        kind = raw.FPDFPageObj_GetType(drawn)
        if kind == raw.FPDF_PAGEOBJ_PATH:
            found += _straight(raw, drawn, _inside(raw, drawn, outer))
        elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            inner = raw.FPDFFormObj_CountObjects(drawn), partial(raw.FPDFFormObj_GetObject, drawn)
            _gather(raw, inner, _inside(raw, drawn, outer), found, depth + 1)


def _inside(raw: Any, drawn: Any, outer: _Matrix) -> _Matrix:
    """What leads from an object's own coordinates to the page's."""
    m = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(drawn, m)
    a, b, c, d, e, f = outer
    return (
        m.a * a + m.b * c,
        m.a * b + m.b * d,
        m.c * a + m.d * c,
        m.c * b + m.d * d,
        m.e * a + m.f * c + e,
        m.e * b + m.f * d + f,
    )


def _straight(raw: Any, path: Any, matrix: _Matrix) -> Iterator[_Box]:
    """The lines of a path that are level or upright, as left, bottom, right, top."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(path, fill, stroke)
    if not fill.value and not stroke.value:
        return
    a, b, c, d, e, f = matrix
    x, y = ctypes.c_float(), ctypes.c_float()
    points: list[tuple[float, float]] = []
    start: tuple[float, float] | None = None
    count = raw.FPDFPath_CountSegments(path)
    if count > _MOST_SEGMENTS:
        return
    for index in range(count):
        segment = raw.FPDFPath_GetPathSegment(path, index)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = (x.value * a + y.value * c + e, x.value * b + y.value * d + f)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            points, start = [point], point
        elif kind == raw.FPDF_SEGMENT_LINETO and points:
            yield from _level(points[-1], point)
            points = [point]
        else:
            points = [point]
        if raw.FPDFPathSegment_GetClose(segment) and start and points:
            yield from _level(points[-1], start)


def _level(a: tuple[float, float], b: tuple[float, float]) -> Iterator[_Box]:
    if abs(a[0] - b[0]) < _STRAIGHT or abs(a[1] - b[1]) < _STRAIGHT:
        yield min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])


def _seen(box: _Box, quarter: int) -> Rule:
    x0, top, x1, bottom = turned(box, quarter)
    if x1 - x0 < bottom - top:
        return Rule((x0 + x1) / 2, (x0 + x1) / 2, top, bottom)
    return Rule(x0, x1, (top + bottom) / 2, (top + bottom) / 2)
