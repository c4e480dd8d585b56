"""Columns of numbers with blanks between them, as instruments and older programs write them.

    Amplitude: 2.00 V
    Freq (Hz)    Gain (dB)
      10.058       -40.474
      15.832       -36.524

Numbers stand apart by any blanks; the labels above them, which may be several words, by a tab or at least two spaces.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from rlm_local.collection.formats import grid
from rlm_local.collection.formats.cells import Line, typed
from rlm_local.collection.formats.part import Document, Note, Part, Rows, Text
from rlm_local.collection.formats.source import Source

_SAMPLE = 200  # lines
_FEWEST = 5
_MOST_CELLS = 200
_MOSTLY = 0.6  # of the lines that are not blank
_TAB = re.compile("\t")
_APART = re.compile(r"\t| {2}")
_RULE = frozenset("-=_ \t")


def is_aligned(sample: str) -> bool:
    """Whether most lines of a text are two numbers or more, as many in each."""
    return _width(sample) > 0


def read(source: Source) -> Iterator[Part]:
    """The text as it is, and its tables with a span for each row."""
    width = _width(next(source.segments(), ""))
    yield Document(kind="table")
    yield from map(Text, source.segments())
    for batch in grid.tables(_lines(source, width), " "):
        spans = [(line.start, line.end) for line in batch.lines]
        name = batch.titles[-1] if batch.table and batch.titles else ""
        yield Rows(name, batch.columns, [tuple(line.cells) for line in batch.lines], spans)
        if batch.left_out:
            places = ", ".join(str(line.number + 1) for line in batch.left_out)
            yield Note("titles, totals or remarks that are in no table", f"line {places}")


def _width(text: str) -> int:
    """How many numbers most lines have; 0 where most are something else."""
    lines = [line for line in islice(text.split("\n", _SAMPLE), _SAMPLE) if line.strip()]
    widths = Counter(len(cells) for line in lines if (cells := line.split()) and all(map(typed, cells)))
    width, count = widths.most_common(1)[0] if widths else (0, 0)
    return width if 2 <= width <= _MOST_CELLS and count >= _FEWEST and count >= _MOSTLY * len(lines) else 0


def _lines(source: Source, width: int) -> Iterator[Line]:
    for number, (line, start) in enumerate(source.lines()):
        if not _RULE.issuperset(line) or not line.strip():
            yield Line(_cells(line.strip(), width), start, start + len(line), number)


def _cells(line: str, width: int) -> list[str]:
    """The cells of a line: as many as the numbers are, if it comes apart so."""
    anywhere = line.split()
    by_tab, by_blanks = ([part.strip() for part in mark.split(line) if part.strip()] for mark in (_TAB, _APART))
    if len(by_tab) == width:
        return by_tab
    numbers = sum(map(typed, anywhere))
    whole = numbers == width or (numbers == 0 and len(by_blanks) == 1)
    return anywhere if len(anywhere) == width and whole else by_blanks
