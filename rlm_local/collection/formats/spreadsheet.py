"""Spreadsheets: XLSX, XLS, XLSB and ODS, every sheet of them.

The text of a sheet is its rows, with tabs between the cells. Its tables are found where they stand: side by side where
blank columns part them, one below another where blank rows and headers do. Formulas count as what they came to when the
file was saved; macros are never looked at.
"""

import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from rlm_local.collection.errors import Needs, Unreadable
from rlm_local.collection.formats import csv, grid
from rlm_local.collection.formats.cells import Line, says_nothing, typed
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.grid import Batch
from rlm_local.collection.formats.part import Cell, Document, Note, Part, Rows, Text
from rlm_local.collection.formats.prose.clean import clean
from rlm_local.collection.formats.source import Source

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_INSTALL = "pip install 'rlm-local[documents]'"
_MOST_UNPACKED = 2 << 30
_MOST_CELLS = 100_000_000  # of the rectangle that a sheet says it fills
_LOCKED = "encrypted: it opens with a password only; save a copy without one"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_LONGEST_PART = 1 << 22
_LONGEST_HEAD = 1 << 12
_DIMENSION = re.compile(rb'<(?:\w{1,9}:)?dimension ref="[A-Z]{1,3}[0-9]{1,7}:([A-Z]{1,3})([0-9]{1,7})"')
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FAR = re.compile(rb'table-cell [^<>]{0,300}?number-columns-repeated="([0-9]{5,9})"[^<>]{0,300}/>\s{0,99}<[^/]')
_FURTHEST = 16_384  # columns of an ODS that the library keeps
_MOST_MERGED = 1_000_000  # cells in merged ranges
_DIGITS = 15  # that a spreadsheet reckons with
_MOST_WHOLE = 10**15
_PIECE = 1 << 16  # characters of text that are given at a time
_DENSE = 0.8
_NARROWEST = 2  # columns of a table that stands beside another
_PLAIN_NAMES = (
    "sheet",
    "tabelle",
    "feuil",
    "feuille",
    "hoja",
    "foglio",
    "planilha",
    "blad",
    "arkusz",
    "лист",
    "工作表",
)


@dataclass(frozen=True)
class _Sheet:
    """What is known of a sheet before its tables are looked for."""

    name: str
    hidden: bool
    table: str  # what its first table is called
    left: int  # columns before the first one that is used
    merged: Sequence[tuple[tuple[int, int], tuple[int, int]]]

    def place(self, row: int, first: int, last: int) -> str:
        """ "Sales!A5:F5" for a row counted from 0 and columns counted from the first used one."""
        name = self.name if self.name.isalnum() else "'" + self.name.replace("'", "''") + "'"
        return f"{name}!{letters(self.left + first)}{row + 1}:{letters(self.left + last)}{row + 1}"


def letters(column: int) -> str:
    """What a spreadsheet calls a column: A for 0, AA for 26."""
    text = ""
    column += 1
    while column:
        column, digit = divmod(column - 1, 26)
        text = chr(ord("A") + digit) + text
    return text


def read(source: Source) -> Iterator[Part]:
    """Each sheet as text and as tables.

    Raises:
        Unreadable: it is encrypted or damaged.
    """
    head = source.open().read(4096)
    if not head.startswith((b"PK", b"\xd0\xcf\x11\xe0", b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")):
        yield from csv.read(source)  # what many programs write under the name of a spreadsheet
        return
    areas = _areas(source)
    workbook = _open(source)
    yield Document(kind="table")
    if _is_cut(source):
        yield Note(f"cells beyond column {_FURTHEST:,} are not read")
    start = 0
    sheets = _worksheets(workbook)
    for called, hidden in sheets.items():
        name = " ".join(clean(called).split())
        if areas.get(called, 0) > _MOST_CELLS:
            yield Note(f"a sheet that reaches over {areas[called]:,} cells is not read", f"sheet {name}")
            continue
        cells = _guarded(workbook.get_sheet_by_name, called)
        plain = len(sheets) == 1 and name.casefold().rstrip("0123456789 ()") in _PLAIN_NAMES
        left = cells.start[1] if cells.start else 0
        sheet = _Sheet(name, hidden, "" if plain else name, left, cells.merged_cell_ranges or ())
        if hidden:
            yield Note("a hidden sheet", f"sheet {name}")
        for part in _sheet(sheet, cells, start):
            if isinstance(part, Text):
                start += len(part.text)
            yield part


def _open(source: Source) -> "CalamineWorkbook":
    try:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError
    except ImportError:
        raise Needs(_INSTALL) from None
    try:
        return _guarded(CalamineWorkbook.from_filelike, source.open())
    except PasswordError:
        raise Unreadable(_LOCKED) from None
    except CalamineError as error:
        if _ENCRYPTED in source.data:
            raise Unreadable(_LOCKED) from None
        raise Unreadable(f"damaged, or no spreadsheet: {error}") from None


def _worksheets(workbook: "CalamineWorkbook") -> dict[str, bool]:
    """The sheets that have cells, by name, and whether each is hidden."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    return {
        sheet.name: sheet.visible != SheetVisibleEnum.Visible
        for sheet in workbook.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet
    }


def _guarded(call: Any, argument: Any) -> Any:
    """What a call of the library gives; where its Rust code panics, that is no ordinary exception."""
    try:
        return call(argument)
    except Exception:
        raise
    except BaseException as error:
        if error.__class__.__name__ == "PanicException":
            raise Unreadable(f"damaged: {error}") from None
        raise


def _areas(source: Source) -> dict[str, int]:
    """How many cells the rectangle has that each sheet of an XLSX says it fills: the library keeps all of them.

    Raises:
        Unreadable: it unpacks to more than anybody writes.
    """
    if not zipfile.is_zipfile(source.open()):
        return {}
    try:
        with zipfile.ZipFile(source.open()) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_UNPACKED:
                raise Unreadable("it unpacks to more than 2 GB")
            targets = {
                element.get("Id"): element.get("Target", "").removeprefix("/xl/")
                for element in _elements(archive, "xl/_rels/workbook.xml.rels", "Relationship")
            }
            return {
                element.get("name", ""): _area(archive, "xl/" + targets.get(element.get(_RELATION), ""))
                for element in _elements(archive, "xl/workbook.xml", "sheet")
            }
    except (KeyError, ElementTree.ParseError):
        return {}  # no XLSX, or one that the library has its own word for
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise Unreadable(f"damaged: {error}") from None


def _elements(archive: zipfile.ZipFile, name: str, tag: str) -> list[ElementTree.Element]:
    with archive.open(name) as stream:
        root = ElementTree.fromstring(stream.read(_LONGEST_PART))  # noqa: S314  expat bounds what entities grow to
    return [element for element in root.iter() if element.tag.rpartition("}")[2] == tag]


def _area(archive: zipfile.ZipFile, name: str) -> int:
    with archive.open(name) as stream:
        found = _DIMENSION.search(stream.read(_LONGEST_HEAD))
    if not found:
        return 0
    columns = 0
    for letter in found[1]:
        columns = columns * 26 + letter - ord("A") + 1
    return columns * int(found[2])


def _is_cut(source: Source) -> bool:
    """Whether an ODS has a cell after more blank ones than the library keeps columns."""
    if not zipfile.is_zipfile(source.open()):
        return False
    try:
        with zipfile.ZipFile(source.open()) as archive, archive.open("content.xml") as stream:
            before = b""
            while piece := stream.read(_LONGEST_PART):
                text = before + piece
                if any(int(found[1]) >= _FURTHEST for found in _FAR.finditer(text)):
                    return True
                before = text[-_LONGEST_HEAD:]
    except (KeyError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError):
        pass  # no ODS, or one that the library has its own word for
    return False


def _sheet(sheet: _Sheet, cells: "CalamineSheet", start: int) -> Iterator[Part]:
    """The parts of one sheet; its text begins at character `start` of the document's."""
    zones = _zones(cells)
    label = f"sheet {sheet.name}{' (hidden)' if sheet.hidden else ''}"
    heading = f"{sheet.name}{' (hidden)' if sheet.hidden else ''}"
    readers = [grid.Reader("\t") for _ in zones]
    merged = _Merged(sheet)
    text: list[str] = []
    size = 0
    blank = True
    for number, values in enumerate(cells.iter_rows()):
        row = merged.filled(number, [_cell(value) for value in values])
        line = "\t".join(map(_shown, row)).rstrip("\t")
        if line or not blank:
            text.append(line)
            size += len(line) + 1
        blank = not line
        end = start + size - 1
        for (first, last), reader in zip(zones, readers, strict=True):
            for batch in reader.take(Line(row[first:last], end - len(line), end, number)):
                yield from _rows(sheet, batch, first)
        if size > _PIECE:
            yield Text("\n".join((*text, "")), heading, label)
            start, text, size = start + size, [], 0
    if text:
        yield Text("\n".join((*text, "")), heading, label)
    for (first, _), reader in zip(zones, readers, strict=True):
        for batch in reader.end():
            yield from _rows(sheet, batch, first)


def _rows(sheet: _Sheet, batch: Batch, first: int) -> Iterator[Part]:
    last = first + max(len(batch.columns) - 1, 0)
    yield Rows(
        batch.titles[-1] if batch.table and batch.titles else sheet.table,
        batch.columns,
        [tuple(line.cells) for line in batch.lines],
        spans=[(line.start, line.end) for line in batch.lines],
        places=[sheet.place(line.number, first, last) for line in batch.lines],
    )
    if batch.left_out:
        rows = sorted(line.number + 1 for line in batch.left_out)
        more = " and more" if batch.left_out_in_all > len(rows) else ""
        yield Note(
            "titles, totals or remarks that are in no table", f"{sheet.name}, row {', '.join(map(str, rows))}{more}"
        )


@dataclass
class _Column:
    """What stands in a column of a sheet."""

    first: int
    last: int
    filled: int = 0
    words: int = 0

    @property
    def names(self) -> bool:
        """Whether it may name the rows of a table: words, in nearly each row."""
        return 2 * self.words > self.filled > _DENSE * (self.last - self.first + 1)


def _zones(cells: "CalamineSheet") -> list[tuple[int, int]]:
    """From which to which column tables stand beside one another; one zone where nothing shows that they do.

    Blank columns part two tables if what is right of them begins with a column of names, and ends in another row.
    """
    used: dict[int, _Column] = {}
    for number, row in enumerate(cells.iter_rows()):
        for place, value in enumerate(row):
            if value != "":
                column = used.get(place)
                if column is None:
                    column = used[place] = _Column(number, number)
                column.last = number
                column.filled += 1
                if isinstance(value, str) and not (typed(value) or says_nothing(value)):
                    column.words += 1
    groups: list[tuple[int, int]] = []
    for place in sorted(used):
        if groups and groups[-1][1] == place:
            groups[-1] = (groups[-1][0], place + 1)
        else:
            groups.append((place, place + 1))
    zones = groups[:1]
    for first, end in groups[1:]:
        wide = end - first >= _NARROWEST and zones[-1][1] - zones[-1][0] >= _NARROWEST
        last = max(used[place].last for place in range(first, end))
        before = max(used[place].last for place in range(*zones[-1]) if place in used)
        if wide and used[first].names and last != before:
            zones.append((first, end))
        else:
            zones[-1] = (zones[-1][0], end)
    return zones


class _Merged:
    """Fills merged cells: all of them say what the first one says."""

    def __init__(self, sheet: _Sheet) -> None:
        self._cells: defaultdict[int, list[tuple[int, tuple[int, int]]]] = defaultdict(list)
        self._values: dict[tuple[int, int], Cell] = {}
        room = _MOST_MERGED
        for first, last in sheet.merged:
            room -= (last[0] - first[0] + 1) * (last[1] - first[1] + 1)
            if room < 0:
                break
            for row in range(first[0], last[0] + 1):
                columns = range(first[1] - sheet.left, last[1] - sheet.left + 1)
                self._cells[row] += [(column, first) for column in columns]

    def filled(self, number: int, row: list[Cell]) -> list[Cell]:
        """The row with its merged cells filled; where nothing else is in it, it is a title and stays in one cell."""
        merged = self._cells.get(number, ())
        for column, first in merged:
            if first[0] == number and column < len(row) and first not in self._values:
                self._values[first] = row[column]
        alone = sum(cell != "" for cell in row) < _NARROWEST
        for column, first in merged:
            if column < len(row) and (first[0] != number or not alone):
                row[column] = self._values.get(first, "")
        return row


def _cell(value: Any) -> Cell:
    """A value as a cell: whole numbers without a point, dates and times as ISO writes them."""
    if isinstance(value, str):
        return clean(value) if value else ""
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _MOST_WHOLE:
            return int(value)
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, datetime):
        midnight = value.hour == value.minute == value.second == 0
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
    return value


def _shown(cell: Cell) -> str:
    if isinstance(cell, str):
        return " ".join(cell.split()) if "\n" in cell or "\t" in cell else cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    return "" if cell is None else str(cell)


FORMAT = Format("spreadsheet", frozenset({"xlsx", "xlsm", "xltx", "xltm", "xlsb", "xls", "xlt", "ods", "ots"}), read)
