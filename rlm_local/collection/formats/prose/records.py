"""Records inside a text: blocks of "label: value" lines, or lines of such pieces, that repeat in the same shape."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rlm_local.collection.formats.part import MOST_ROWS, Cell, Rows
from rlm_local.collection.formats.prose.blocks import Block
from rlm_local.collection.formats.prose.headings import is_rule
from rlm_local.collection.formats.prose.labels import Labelled, label_of, labelled

_FEWEST = 3
_MOST_COLUMNS = 100
_LONGEST_BODY = 20_000
_SEPARATORS = ("||", "\t", " | ", "; ")
_SAMPLE = 200


@dataclass(slots=True)
class _Record:
    lines: list[Labelled]
    start: int
    end: int
    body: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


def records(text: str, blocks: Sequence[Block]) -> list[Rows]:
    """The records of `text` as rows with the labels as columns; none where nothing repeats.

    A record is a paragraph of labelled lines, at least two, or such lines from one label until it comes again; the
    paragraphs up to the next record are its column "text". Records have a shape where most of them have most of their
    labels, and are told where there are three of them or more, and either begin the text or make up much of it.
    """
    found = list(_found(text, blocks))
    if len(found) < _FEWEST:
        return []
    first, count = Counter(record.lines[0].label for record in found).most_common(1)[0]
    chosen = [record for record in found if record.lines[0].label == first]
    labels = Counter(label for record in chosen for label in {line.label for line in record.lines})
    columns = [label for label, many in labels.items() if many >= 2 or count < 10][:_MOST_COLUMNS]
    common = [label for label in columns if 2 * labels[label] >= count]
    if count < _FEWEST or len(common) < 2:
        return []
    covered = sum(record.end - record.start for record in chosen)
    many = count >= 10 or not any(record.start < chosen[0].start for record in found)
    begins = text.count("\n", 0, chosen[0].start) <= 10
    if not (2 * covered >= len(text) or (many and 5 * covered >= len(text)) or (begins and count >= 5)):
        return []
    order = [line.label for record in chosen for line in record.lines]
    columns = [label for label in dict.fromkeys(order) if label in set(columns)]
    return list(_rows(text, chosen, tuple(columns)))


def _found(text: str, blocks: Iterable[Block]) -> Iterator[_Record]:
    last: _Record | None = None
    for block in blocks:
        for record in _of_block(text, block):
            if last:
                yield last
            last = record
            if not record.lines:  # not labelled
                last = None
        if last and block.start >= last.end and not is_rule(block.first):
            last.body.append((block.start, block.end))
    if last:
        yield last


def _of_block(text: str, block: Block) -> Iterator[_Record]:
    if not block.first or not label_of(block.first):
        return
    lines = labelled(text, block)
    if not lines or len(lines) < 2:
        return
    starts = [place for place, line in enumerate(lines) if line.label == lines[0].label]
    if len(lines) < 3 * len(starts):  # "Ann: ...", "Ben: ..." by turns is a talk
        starts = [0]
    for place, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        end = lines[stop].start - 1 if stop < len(lines) else block.end
        yield _Record(lines[place:stop], lines[place].start, end)


def _rows(text: str, found: Sequence[_Record], columns: tuple[str, ...]) -> Iterator[Rows]:
    bodies = 2 * sum(bool(record.body) for record in found) >= len(found)
    places = {label: place for place, label in enumerate(columns)}
    width = len(columns) + bodies
    for batch in range(0, len(found), MOST_ROWS):
        rows: list[tuple[Cell, ...]] = []
        spans: list[tuple[int, int]] = []
        for record in found[batch : batch + MOST_ROWS]:
            row: list[Cell] = [None] * width
            for line in record.lines:
                place = places.get(line.label)
                if place is not None and row[place] is None:
                    row[place] = line.value or None
            end = record.end
            if bodies and record.body:
                start, end = record.body[0][0], record.body[-1][1]
                row[-1] = text[start : min(end, start + _LONGEST_BODY)]
            rows.append(tuple(row))
            spans.append((record.start, end))
        yield Rows("", (*columns, "text") if bodies else columns, rows, spans)


def lines_of_pieces(text: str) -> list[Rows]:
    """The records of a text that has one a line: "Date: Jan 5, 2023 || User: 42 || Text: ..."; else none."""
    lines = [line for line in text[:60_000].split("\n")[:_SAMPLE] if line.strip()]
    shapes = Counter(tuple(label for label, _ in _pieces(line)) for line in lines)
    shape, count = shapes.most_common(1)[0] if shapes else ((), 0)
    if len(shape) < 2 or count < _FEWEST or 2 * count < len(lines):
        return []
    found: list[Rows] = []
    rows: list[tuple[Cell, ...]] = []
    spans: list[tuple[int, int]] = []
    start = 0
    for line in text.split("\n"):
        stated = dict(_pieces(line))
        if len(stated) >= 2:
            rows.append(tuple(stated.get(label) for label in shape))
            spans.append((start, start + len(line)))
        start += len(line) + 1
        if len(rows) == MOST_ROWS:
            found.append(Rows("", shape, rows, spans))
            rows, spans = [], []
    return [*found, Rows("", shape, rows, spans)] if rows else found


def _pieces(line: str) -> list[tuple[str, str]]:
    """What each piece of a line states; nothing unless all are labelled."""
    separator = next((mark for mark in _SEPARATORS if mark in line), None)
    found = [label_of(piece.strip()) for piece in line.split(separator)] if separator else []
    return [stated for stated in found if stated] if all(found) else []
