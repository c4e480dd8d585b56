"""Delimited rows: CSV and its kin. The delimiter is sniffed, a header found or done without, each row's place known."""

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Literal

from rlm_local.collection.number import is_number
from rlm_local.corpus.table import Raw, Reading, Table

DELIMITERS = (",", ";", "\t", "|")
_SNIFFED_ROWS = 60
_LONGEST_QUOTE = 200  # lines: a quote open for longer was never meant to open


class _Lines:
    """The lines of a text for csv.reader, which takes as many as a record needs: where it stopped, the record ends."""

    def __init__(self, text: str, start: int = 0) -> None:
        self.text = text
        self.place = start
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.place >= len(self.text):
            raise StopIteration
        end = self.text.find("\n", self.place) + 1 or len(self.text)
        line = self.text[self.place : end]
        self.place = end
        self.count += 1
        return line


def sniff(text: str) -> str:
    """The delimiter that cuts the first rows into the most even table of two or more columns; "" if none does."""
    best, delimiter = 0.0, ""
    head = text[:200_000]
    for candidate in DELIMITERS:
        if candidate not in head:
            continue
        widths = Counter(len(row) for row in islice(_records(head, candidate, csv.QUOTE_MINIMAL), _SNIFFED_ROWS) if row)
        width, rows = max(
            ((w, n) for w, n in widths.items() if w > 1), key=lambda pair: pair[1] * pair[0], default=(1, 0)
        )
        score = rows / max(1, widths.total()) + 0.001 * min(width, 100)
        if width > 1 and score > best:
            best, delimiter = score, candidate
    return delimiter


def _records(text: str, delimiter: str, quoting: Literal[0, 3]) -> Iterator[list[str]]:
    csv.field_size_limit(max(csv.field_size_limit(), 2**31 - 1))
    return csv.reader(_Lines(text), delimiter=delimiter, quoting=quoting)


def read(text: str, name: str, delimiter: str = "") -> Reading:
    """Rows of a delimited text. A row with too many cells lacks the last field, a short one all that it ends before."""
    reading = Reading("tsv" if delimiter == "\t" else "csv")
    delimiter = delimiter or sniff(text) or ","
    if delimiter == "\t":
        reading.kind = "tsv"
    quoting: Literal[0, 3] = csv.QUOTE_NONE if _quotes_run_away(text, delimiter) else csv.QUOTE_MINIMAL
    if quoting == csv.QUOTE_NONE:
        reading.problems.append((0, "a quotation mark is never closed: quotes are read as ordinary characters"))
    first = list(islice(_records(text, delimiter, quoting), _SNIFFED_ROWS))
    widths = Counter(len(row) for row in first if any(row))
    width = max(widths, key=lambda w: (widths[w], w), default=1)
    preamble = next((number for number, row in enumerate(first) if len(row) == width and any(row)), 0)
    if first and len(first[0]) > width and _header(first, len(first[0])):  # and most rows are short
        width, preamble = len(first[0]), 0
    header = _header(first[preamble:], width)
    labels = _labels(first[preamble] if header else [""] * width)
    table = Table(name, "rows")
    columns: list[list[Raw]] = [[] for _ in range(width)]
    _fill(table, columns, text, delimiter, quoting, (preamble + header, reading))
    table.columns = dict(zip(labels, columns, strict=True))
    if len(table):
        reading.tables.append(table)
    return reading


def _fill(
    table: Table,
    columns: list[list[Raw]],
    text: str,
    delimiter: str,
    quoting: Literal[0, 3],
    skipping: tuple[int, Reading],
) -> None:
    to_skip, reading = skipping
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting)
    width = len(columns)
    appends = [column.append for column in columns]
    known: dict[str, str] = {}  # equal cells share one string
    start = line = 0
    for number, row in enumerate(reader):
        end = lines.place
        if number >= to_skip and any(row):
            table.starts.append(start)
            table.ends.append(end - 1 if text[end - 1] == "\n" else end)
            if len(row) != width:
                reading.problems.append((line + 1, f"{len(row)} cells where the table has {width}"))
                row = row + [""] * (width - len(row)) if len(row) < width else [*row[: width - 1], ""]
            for append, cell in zip(appends, row, strict=True):
                append(known.setdefault(cell, cell) if cell else None)
            if len(known) > 50_000:
                known.clear()
        elif number < to_skip - 1 and any(row):
            reading.problems.append((line + 1, "text before the table's header"))
        start, line = end, lines.count


def _quotes_run_away(text: str, delimiter: str) -> bool:
    if '"' not in text:
        return False
    lines = _Lines(text)
    before = 0
    for _ in csv.reader(lines, delimiter=delimiter):
        if lines.count - before > _LONGEST_QUOTE:
            return True
        before = lines.count
    return False


def _header(rows: list[list[str]], width: int) -> bool:
    """Whether the first row names the columns: words, all different, that no row below repeats in its column."""
    if not rows:
        return False
    head, body = [cell.strip() for cell in rows[0]], [row for row in rows[1:] if len(row) == width]
    named = [cell for cell in head if cell]
    if not named or len(set(named)) < len(named) or len(named) < width / 2:
        return False
    if any(is_number(cell) or len(cell) > 80 or cell[0].isdigit() for cell in named):
        return False
    if not body:
        return True
    return not any(cell and cell in {row[place].strip() for row in body} for place, cell in enumerate(head))


def _labels(head: list[str]) -> list[str]:
    labels: list[str] = []
    for place, cell in enumerate(head):
        label = cell.strip() or f"col{place + 1}"
        while label in labels:
            label += "_2"
        labels.append(label)
    return labels
