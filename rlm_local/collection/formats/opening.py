"""How a table in a grid begins: its titles, its header of one to four rows, and how many cells its rows have."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rlm_local.collection.formats.cells import Line, filled, in_time, says_nothing, typed
from rlm_local.collection.formats.part import Cell

MOST_COLUMNS = 1_000
"""Columns of a table; cells beyond are left out of its records, and stay in the text."""
MOST_TITLES = 20
"""Rows that may stand above a header."""
RUN = 3
"""Rows alike that show a width."""
_MOST_HEADERS = 4
_MOSTLY = 0.7
LONGEST_LABEL = 200
_LONGEST_GROUP = 60  # a label above other labels; a longer one is a title
_FEWEST_CODES = 4
_LONGEST_WEAK = 80  # a label where nothing but its looks says that it is one


@dataclass(frozen=True)
class Shape:
    """What the first rows of a table say: rows of titles, rows in all above the records, labels, cells a row.

    `sure`: that the types of the columns show the header to be one.
    """

    titles: int
    skip: int
    columns: tuple[str, ...]
    width: int
    sure: bool


def shape_of(head: Sequence[Line]) -> Shape | None:
    """How a table begins with these rows; None where they are too few or too narrow to be one."""
    width = _width(head)
    counts = [filled(line.cells) for line in head]
    typical = sorted(counts)[len(counts) // 2]
    if width < 2 or typical < 2:
        return bare(head) if len(head) > MOST_TITLES else None
    at = 0
    while at < min(len(head), MOST_TITLES) and (counts[at] < 2 or counts[at] * 3 <= typical):
        at += 1
    titles = at
    while at < min(len(head) - 1, titles + _MOST_HEADERS) and counts[at] * 2 < typical:
        at += 1  # labels of groups of columns, each written once
    if len(head) - at < 2:
        return None
    headers, sure = _header(head[at:], width)
    below = at
    while len(head[below].cells) < width and below < min(len(head) - 2, MOST_TITLES):
        below += 1
    if below > at and _header(head[below:], width)[1]:  # what is above, such as "Date: 2024-03-01", is no record
        titles = at = below
        headers, sure = _header(head[at:], width)
    if not headers:
        at = titles
    columns = _labels(head[titles : at + headers], at - titles, width) if headers else ("",) * width
    used = max((place for line in head for place, cell in enumerate(line.cells) if filled((cell,))), default=0) + 1
    while len(columns) > used and not columns[-1]:
        columns = columns[:-1]
    return Shape(titles, at + headers, columns[:MOST_COLUMNS], width, sure)


def bare(head: Sequence[Line]) -> Shape:
    """The shape of rows that are a table because nothing else is there: a list, or a header alone."""
    width = max(len(line.cells) for line in head)
    headers, sure = _header(head, width) if len(head) > 1 else (int(not any(map(typed, head[0].cells))), False)
    columns = _labels(head[:headers], 0, width) if headers else ("",) * width
    return Shape(0, headers, columns[:MOST_COLUMNS], width, sure)


def _width(head: Sequence[Line]) -> int:
    """Cells that the rows of the first table have: of the first rows that are alike, else of most."""
    widths = [len(line.cells) for line in head]
    for at in range(len(widths) - RUN + 1):
        if widths[at] > 1 and len(set(widths[at : at + RUN])) == 1:
            return widths[at]
    return Counter(widths).most_common(1)[0][0]


def _header(rows: Sequence[Line], width: int) -> tuple[int, bool]:
    """How many rows are header, and whether the types of the columns show it.

    A header has words where its column has numbers or dates, or another length where it has codes of one length.
    Where no column has, it is a row of short texts, no two the same, none of which comes again below. A count, 1, 2,
    3, is one if the names of the rows have no label.
    """
    first = rows[0].cells
    more = min(_MOST_HEADERS - 1, (len(rows) - 1) // 3)  # rows that may be header, too
    body = [line.cells for line in rows[1 + more :]]
    for_it = against = again = 0
    numeric: list[int] = []
    times: list[str] = []
    for place in range(min(width, len(first), MOST_COLUMNS)):
        label = first[place]
        values = [cells[place] for cells in body if place < len(cells) and not says_nothing(cells[place])]
        if not values:
            continue
        if sum(map(typed, values)) >= _MOSTLY * len(values):
            numeric.append(place)
            if in_time(label) and not all(map(in_time, values)):
                times.append(str(label))
            elif typed(label):
                against += 1
            elif not says_nothing(label):
                for_it += 1
        elif not says_nothing(label):
            again += label in values
            for_it += _are_codes(values) and len(str(label)) != len(str(values[0]))
    ordered = len(set(times)) > 1 and times in (sorted(times), sorted(times, reverse=True))
    for_it, against = for_it + len(times) * ordered, against + len(times) * (not ordered)
    if _counts(first, body):
        return 1, True
    if for_it > 2 * against:
        return _header_rows(rows, numeric), True
    labels = [str(cell).strip().casefold() for cell in first if not says_nothing(cell)]
    distinct = len(set(labels)) == len(labels) and all(len(label) <= _LONGEST_WEAK for label in labels)
    weak = not against and not again and distinct and len(labels) >= _MOSTLY * min(width, len(first))
    return int(weak), False


def _are_codes(values: Sequence[Cell]) -> bool:
    """Whether texts are codes of one length and mostly different: "AACCGCGG", "UDI0001"."""
    texts = {cell for cell in values if isinstance(cell, str)}
    return len(texts) >= _FEWEST_CODES and 2 * len(texts) > len(values) and len(set(map(len, texts))) == 1


def _counts(first: Sequence[Cell], body: Sequence[Sequence[Cell]]) -> bool:
    """Whether a row has nothing but 1, 2, 3 above columns of numbers, and nothing above the names of the rows."""
    numbers = [str(cell).strip().removesuffix(".0") for cell in first[1:]]
    counted = len(numbers) >= RUN and numbers == [str(number) for number in range(1, len(numbers) + 1)]
    return counted and says_nothing(first[0]) and not any(typed(cells[0]) for cells in body if cells)


def _header_rows(rows: Sequence[Line], numeric: list[int]) -> int:
    """A header goes on as long as its columns of numbers have words."""
    count = 1
    while count < min(_MOST_HEADERS, len(rows) - 2):
        cells = rows[count].cells
        said = [cells[place] for place in numeric if place < len(cells) and not says_nothing(cells[place])]
        if not said or any(map(typed, said)):
            break
        count += 1
    return count


def _labels(rows: Sequence[Line], groups: int, width: int) -> tuple[str, ...]:
    """A label for each column out of the header's rows; the first `groups` of them name several columns each."""
    parts: list[list[str]] = [[] for _ in range(max(width, len(rows[-1].cells)))]
    for number, line in enumerate(rows):
        cells = list(line.cells)
        if number == len(rows) - 1 and len(cells) == width - 1:
            cells = ["", *cells]  # the names of rows have no label of their own
        text = ""
        for place, part in enumerate(parts):
            own = " ".join(str(cells[place]).split()) if place < len(cells) and cells[place] is not None else ""
            text = own or (text if number < groups else "")
            if text and text not in part[-1:] and (len(text) <= _LONGEST_GROUP or number == len(rows) - 1):
                part.append(text)
    return tuple(" ".join(part)[:LONGEST_LABEL] for part in parts)
