"""Plain text: whatever decodes as text and is no other form.

Its headings are what its passages stand under, its front matter and the labelled lines at its top are its fields.
Records are told where they repeat, messages where the whole text is a talk; any other text is passages and nothing
else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rlm_local.collection.decode import Decoded, decode
from rlm_local.collection.formats import aligned, csv, log
from rlm_local.collection.formats.format import LOOK, Format
from rlm_local.collection.formats.log import is_log
from rlm_local.collection.formats.part import Cell, Document, Part, Rows
from rlm_local.collection.formats.prose.blocks import Block, blocks
from rlm_local.collection.formats.prose.front import front_matter
from rlm_local.collection.formats.prose.headings import headings, is_rule
from rlm_local.collection.formats.prose.labels import headers, label_of
from rlm_local.collection.formats.prose.outline import Heading, stretches
from rlm_local.collection.formats.prose.records import lines_of_pieces, records
from rlm_local.collection.formats.prose.turns import is_talk, subtitles, turns
from rlm_local.collection.formats.source import Source

_LONGEST_TITLE = 160
_TITLES = ("title", "subject", "betreff", "titel", "titre", "título")
_NUMBERED_PART = frozenset("0123456789")


def read(source: Source) -> Iterator[Part]:
    """The parts of a text.

    Raises:
        Unreadable: it is no text.
    """
    first = next(source.segments(), "")
    if is_log(first[:LOOK]) and not is_talk(first):
        yield from log.read(source)
        return
    if csv.is_headed(first[:LOOK]) or csv.is_table(first[:LOOK]):
        yield from csv.read(source)
        return
    if aligned.is_aligned(first[:LOOK]):
        yield from aligned.read(source)
        return
    if source.suffix in ("srt", "vtt") and not source.is_large:
        yield Document(kind="subtitles")
        yield from stretches(first, ())
        yield from subtitles(first, list(blocks(first)))
        return
    start = 0
    for text in source.segments():
        yield from _segment(text, start)
        start += len(text)


def _segment(text: str, start: int) -> Iterator[Part]:
    """The parts of a text, or of a segment of one that begins at `start`."""
    found = list(blocks(text))
    rows = _rows(text, found)
    outline = [] if any(part.kind == "messages" for part in rows) else list(headings(text, found))
    if not start:
        begins = next((span[0] for part in rows for span in part.spans or ()), len(text))
        matter, end = front_matter(text)
        fields = {
            **headers(text, [block for block in found[:20] if end <= block.start and block.end <= begins]),
            **matter,
        }
        yield Document(title=_title(found, fields, outline), fields=fields)
    yield from stretches(text, outline)
    for part in rows:
        spans = part.spans and [(start + begin, start + end) for begin, end in part.spans]
        yield replace(part, spans=spans) if start else part


def _rows(text: str, found: Sequence[Block]) -> list[Rows]:
    told = records(text, found) or lines_of_pieces(text)
    return told or (list(turns(text)) if is_talk(text) else [])


def _title(found: Sequence[Block], fields: Mapping[str, Cell], outline: Sequence[Heading]) -> str:
    named = next((str(fields[label]) for label in fields if label.lower() in _TITLES), "")
    if named:
        return named[:_LONGEST_TITLE]
    for heading in outline[:3]:
        if heading.start <= 1_000 and not _NUMBERED_PART & set(heading.title):
            return " ".join(heading.title.split())[:_LONGEST_TITLE].rstrip(" -=_")
    for block in found[:3]:
        if (
            block.alone
            and 2 < len(block.first) <= _LONGEST_TITLE
            and not label_of(block.first)
            and not is_rule(block.first)
        ):
            return " ".join(block.first.split())
    return ""


def _is_text(head: bytes) -> bool:
    return isinstance(decode(head), Decoded)


FORMAT = Format("text", frozenset(("txt", "text", "srt", "vtt", "asc")), read, _is_text, version=4, prose=True)
