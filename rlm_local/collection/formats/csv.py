"""Separated values: CSV, TSV and their kin.

The delimiter, the quotes and the escapes are told from a sample. Records are split line by line, so that each knows
from which to which character it stands, and so that a stray quote costs its own line and not the rest of the file.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, pairwise
from operator import add
from typing import TYPE_CHECKING

from rlm_local.collection.formats import grid
from rlm_local.collection.formats.cells import Line, typed
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.grid import Batch
from rlm_local.collection.formats.part import Document, Note, Part, Rows, Text
from rlm_local.collection.formats.source import LONGEST_LINE, Source

if TYPE_CHECKING:
    from _csv import Dialect as Rules

_DELIMITERS = (",", "\t", ";", "|")
_BY_SUFFIX = {"tsv": "\t", "tab": "\t", "psv": "|"}
_SAMPLE = 1 << 16
_SAMPLE_LINES = 200
_LOOK_AHEAD = 1 << 20  # characters over which a quoted cell may go on in further lines
_MANY_BLANK = 0.3  # share of lines: then they are how lines end here, and part no tables
_BLOCK = 256  # lines that are read at once where they are alike
_HEADED = 2  # lines below a header that make a table of a text
_MOST_ABOVE = 20  # lines above a header
_WIDE = 4  # cells of each of as many lines that make one without a header
_LOOSE = 0.2  # share of delimiters with a space after them: in a table few
_COMMENT = "#"
_COMMENTED = f"\n{_COMMENT}"
_MOST_STRAYS = 20


@dataclass(frozen=True)
class Dialect:
    """How cells are kept apart.

    Attributes:
        escape: stands before a quote that belongs to its cell; empty: such quotes are doubled.
        spaced: a space after the delimiter is no part of the cell.
        blank_lines: whether blank lines mean something.
    """

    delimiter: str
    quote: str = '"'
    escape: str = ""
    spaced: bool = False
    blank_lines: bool = True

    @cached_property
    def strict(self) -> "Rules":
        """As the standard library has it: a quote in a wrong place is an error."""
        return self._rules(strict=True)

    @cached_property
    def lenient(self) -> "Rules":
        """As the standard library has it: a quote in a wrong place is a character."""
        return self._rules(strict=False)

    def _rules(self, *, strict: bool) -> "Rules":
        return csv.reader(
            (),
            delimiter=self.delimiter,
            quotechar=self.quote,
            doublequote=not self.escape,
            escapechar=self.escape or None,
            skipinitialspace=self.spaced,
            strict=strict,
        ).dialect


def read(source: Source) -> Iterator[Part]:
    """The file's text as it is, and the tables in it with a span for each row."""
    dialect = dialect_of(next(source.pieces(), "")[:_SAMPLE], source.suffix)
    records = _Records(source, dialect)
    found = records.batches(grid.Reader(dialect.delimiter))
    first = list(islice(found, 1))
    yield Document(kind="table", title=first[0].titles[0] if first and first[0].titles else "")
    yield from map(Text, source.pieces())
    for batch in chain(first, found):
        yield Rows(
            batch.titles[-1] if batch.table and batch.titles else "",
            batch.columns,
            [tuple(line.cells) for line in batch.lines],
            spans=[(line.start, line.end) for line in batch.lines],
        )
        if batch.left_out:
            places = ", ".join(str(line.number + 1) for line in sorted(batch.left_out, key=lambda line: line.number))
            more = " and more" if batch.left_out_in_all > len(batch.left_out) else ""
            yield Note("titles, totals, remarks or broken rows that are in no table", f"line {places}{more}")
    if records.strays:
        yield Note("a quote that nothing closes is read as a character", f"line {', '.join(map(str, records.strays))}")


def dialect_of(sample: str, suffix: str = "") -> Dialect:
    """The dialect that splits the lines of a sample most evenly into cells that look whole."""
    lines = sample.split("\n")[:_SAMPLE_LINES]
    lines = lines[:-1] if len(lines) > 1 and lines[-1] else lines
    said = [line for line in lines if line.strip()]
    if said and said[0].lower().startswith("sep=") and len(said[0]) == len("sep=") + 1:
        return _quoting(said, said[0][-1], blank_lines=True)
    wanted = _BY_SUFFIX.get(suffix, "")
    best, most = wanted or ",", 0.0
    for delimiter in (*wanted, *_DELIMITERS):
        score = _evenness(said, _quoting(said, delimiter, blank_lines=True))
        if score > most + 0.01:
            best, most = delimiter, score
    inner = "\n".join(lines).strip().split("\n")
    return _quoting(said, best, blank_lines=inner.count("") <= _MANY_BLANK * len(inner))


def is_table(sample: str) -> bool:
    """Whether the beginning of a text of no telling name is a header, and at least two lines with as many cells; or
    without a header some lines with equally many cells, if these are many.

    Commas with a space after them, as in prose, keep no cells apart.
    """
    lines = _said(sample)
    if len(lines) <= _HEADED:
        return False
    for delimiter in (",", "\t", ";"):
        dialect = _quoting(lines, delimiter, blank_lines=True)
        header, *rows = (_alone(line, dialect, 0) for line in lines)
        named = len(header) == len(set(header)) > 1 and all(cell and not cell.isdigit() for cell in header)
        wide = len(header) >= _WIDE and len(rows) >= _WIDE
        loose = sum("".join(line.split(dialect.quote)[::2]).count(f"{delimiter} ") for line in lines)
        if (
            (named or wide)
            and all(len(row) == len(header) for row in rows)
            and loose <= _LOOSE * len(lines) * (len(header) - 1)
        ):
            return True
    return False


def is_headed(sample: str) -> bool:
    """Whether a text of any name has a header of words, after some other lines or none, and then nothing but lines with
    as many cells, of which one column has numbers or dates alone: what an instrument writes, but no log."""
    lines = _said(sample)
    for delimiter, fewest in (("\t", 2), (";", 2), (",", 3)):
        rows = [line.split(delimiter) for line in lines]
        for at, header in enumerate(rows[: min(_MOST_ABOVE + 1, len(rows) - _HEADED)]):
            below = rows[at + 1 :]
            if (
                len(header) >= fewest
                and all(len(row) == len(header) for row in below)
                and len(set(header)) == len(header)
                and not any(typed(cell) or not cell.strip() for cell in header)
                and any(all(map(typed, column)) for column in zip(*below, strict=True))
            ):
                return True
    return False


def _said(sample: str) -> list[str]:
    """The first lines that are not blank, without the last one if it may be cut."""
    lines = [line for line in sample.split("\n")[: _SAMPLE_LINES + 1] if line.strip()]
    return lines[: -1 if len(lines) > _SAMPLE_LINES else None]


def _quoting(lines: Sequence[str], delimiter: str, *, blank_lines: bool) -> Dialect:
    text = "\n".join((*lines, ""))
    cells = [cell.strip() for line in lines for cell in line.split(delimiter)]
    single = sum(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in cells)
    quote = "'" if 2 * single > len(lines) and '"' not in text else '"'
    backslashed = text.count("\\" + quote)
    closing = text.count("\\" + quote + delimiter) + text.count("\\" + quote + "\n")  # "C:\\" at a cell's end
    doubled = "\\" + 2 * quote  # a backslash, then a doubled quote: else the cell would end here, and go on
    closing += text.count(doubled) - text.count(doubled + delimiter) - text.count(doubled + "\n")
    tight, loose = text.count(delimiter + quote), text.count(delimiter + " " + quote)
    return Dialect(delimiter, quote, "\\" if backslashed > closing else "", loose > tight, blank_lines)


def _evenness(lines: Sequence[str], dialect: Dialect) -> float:
    """How much neighbouring lines have the same number of cells, times the share of cells that look whole."""
    rows = [_alone(line, dialect, 0) for line in lines]
    widths = [len(row) for row in rows]
    cells = [cell for row in rows for cell in row]
    if not cells or max(widths) < 2:
        return 0.0
    even = sum(a == b > 1 for a, b in pairwise(widths)) / (len(rows) - 1) if len(rows) > 1 else 1.0
    return (even + 0.001) * sum(map(_whole, cells)) / len(cells)


def _whole(cell: str) -> bool:
    """Whether a cell does not look as if it were several: no other delimiter, but for commas in numbers and prose."""
    if ";" in cell or "|" in cell or "\t" in cell:
        return False
    at = cell.find(",")
    return at < 0 or cell[at + 1 : at + 2].isspace() or (cell[:at][-1:].isdigit() and cell[at + 1 : at + 2].isdigit())


def _alone(line: str, dialect: Dialect, width: int) -> list[str]:
    """The cells of a line whose quotes may be wrong: read as far as they make sense, or as characters like others.

    Args:
        width: cells that are expected; 0 where that is not known.
    """
    plain = line.split(dialect.delimiter)
    if dialect.quote not in line:
        return plain
    try:
        quoted = next(csv.reader([line], dialect.lenient))
    except csv.Error:
        return plain
    return quoted if len(quoted) == width or (len(plain) != width and line.count(dialect.quote) % 2 == 0) else plain


class _Records:
    """The records of a file, each with its place. `strays`: the first lines in which a quote was not closed."""

    def __init__(self, source: Source, dialect: Dialect) -> None:
        csv.field_size_limit(2 * LONGEST_LINE)  # the module's own limit is less than a long cell
        self.strays: list[int] = []
        self._dialect = dialect
        self._special = (dialect.quote, dialect.escape) if dialect.escape else (dialect.quote,)
        self._texts = source.lines()
        self._ahead: list[tuple[str, int]] = []  # lines looked at already, with their places
        self._at = 0
        self._number = 0  # of the next line
        self._width = 0  # of the last record
        self._comment: Line | None = None
        self._wasted = 0  # characters looked at in vain

    def batches(self, reader: grid.Reader) -> Iterator[Batch]:
        """The tables that `reader` finds in the records."""
        while block := self._block():
            regular = self._regular(block) if self._width else None
            if regular:
                self._at += len(block)
                self._number += len(block)
                yield from reader.take_alike(regular)
                continue
            upto = self._number + len(block)
            while self._number < upto and (found := self._look(0)) is not None:
                for line in self._lines(*found):
                    yield from reader.take(line)
        yield from reader.end()

    def _block(self) -> list[tuple[str, int]]:
        """The next lines, a few hundred of them."""
        block = self._ahead[self._at :]
        self._ahead, self._at = block + list(islice(self._texts, max(0, _BLOCK - len(block)))), 0
        return self._ahead[:_BLOCK]

    def _regular(self, block: list[tuple[str, int]]) -> list[Line] | None:
        """The records of lines that have one each, all with as many cells as the last; None where they have not."""
        texts, starts = zip(*block, strict=True)
        whole = "\n".join(texts)
        if texts[0].startswith(_COMMENT) or _COMMENTED in whole or '="' in whole:
            return None
        try:
            rows = list(csv.reader(texts, self._dialect.strict))
        except csv.Error:
            return None
        if len(rows) != len(block) or set(map(len, rows)) != {self._width} or not all(map(any, rows)):
            return None
        ends = map(add, starts, map(len, texts))
        return list(map(Line, rows, starts, ends, range(self._number, self._number + len(block))))

    def _lines(self, text: str, start: int) -> Iterator[Line]:
        """The record that begins with the next line, or a blank line as one without cells; nothing for a comment."""
        self._at += 1
        used, end = 1, start + len(text)
        if not text or text.isspace():
            cells = []
        elif any(map(text.__contains__, self._special)):
            cells, used, end = self._quoted(text, start)
        else:
            cells = text.split(self._dialect.delimiter)
        line = Line(cells, start, end, self._number)
        self._number += used
        if not cells and not self._dialect.blank_lines:
            return
        if text.startswith(_COMMENT) and (not self._width or (len(cells) == 1 and self._width > 1)):
            self._comment = line
            return
        if not self._width and text[:4].lower() == "sep=" and len(text) == len("sep=") + 1:
            return
        comment = self._comment
        if comment and cells and not self._width and len(comment.cells) == len(cells) > 1:
            yield comment._replace(cells=[str(comment.cells[0]).lstrip(_COMMENT), *comment.cells[1:]])
        self._width = len(cells) or self._width
        yield line

    def _look(self, ahead: int) -> tuple[str, int] | None:
        """The line that stands so many lines ahead; None after the last."""
        if self._at + ahead >= len(self._ahead):
            if ahead == 0:
                self._ahead, self._at = [], 0
            found = next(self._texts, None)
            if found is None:
                return None
            self._ahead.append(found)
        return self._ahead[self._at + ahead]

    def _quoted(self, text: str, start: int) -> tuple[list[str], int, int]:
        """The cells of a record with quotes, how many lines it has, and where it ends; `self._at` is past them.

        What is looked at in vain is at most a megabyte more than what was read, so that no file costs its square.
        """
        used, end = 0, start
        allowed = min(LONGEST_LINE, _LOOK_AHEAD + start - self._wasted)

        def further() -> Iterator[str]:
            nonlocal used, end
            used, end = 1, start + len(text)
            yield text + "\n"
            while end - start < allowed and (found := self._look(used - 1)):
                used += 1
                end = found[1] + len(found[0])
                yield found[0] + "\n"

        try:
            cells = next(csv.reader(further(), self._dialect.strict))
        except csv.Error:
            cells = []
        more = end - start - len(text)
        if cells and (not more or len(cells) >= self._width):
            self._at += used - 1
        else:
            self._wasted += more
            if more and len(self.strays) < _MOST_STRAYS:
                self.strays.append(self._number + 1)
            cells, used, end = _alone(text, self._dialect, self._width), 1, start + len(text)
        if '="' in text:
            cells = [cell[2:-1] if cell.startswith('="') and cell.endswith('"') else cell for cell in cells]
        return cells, used, end


FORMAT = Format("csv", frozenset({"csv", "tsv", "psv", "tab"}), read)
