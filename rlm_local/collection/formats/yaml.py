"""YAML: lists of records, nested values, documents one after another, a record a file."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import PurePath
from typing import Any

from rlm_local.collection.formats.composed import Broken, Composed, Composer
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.found import Found, document, inside, tables
from rlm_local.collection.formats.part import Note, Part, Text
from rlm_local.collection.formats.records import Span
from rlm_local.collection.formats.source import Source


def read(source: Source) -> Iterator[Part]:
    """The file's text as it is, and its records; fields are the values beside them.

    Raises:
        Unreadable: it is no text.
    """
    composer = Composer(source.pieces())
    documents = composer.documents()
    first: list[Composed | None] = []
    with suppress(Broken):
        first += islice(documents, 1)
        if first != [None]:
            first += islice(documents, 1)
    only = first[0] if len(first) == 1 else None
    found = list(inside(only.value, only.span, _place)) if only else []
    yield document("yaml", found)
    yield from map(Text, source.pieces())
    yield from tables(found if only else _records(composer, chain(first, documents)), PurePath(source.name).stem)
    if composer.broken:
        yield Note("what cannot be read as YAML is text alone", composer.broken)
    if composer.repeated:
        yield Note(f"mappings in which a key comes more than once ({composer.repeated}): all its values are kept")
    if composer.cut:
        yield Note(f"aliases that stand for too much, or nothing ({composer.cut}): they stay as they are written")


def _records(composer: Composer, documents: Iterator[Composed | None]) -> Iterator[Found]:
    """Each document is a record, and each item of one that is a list."""
    with suppress(Broken):
        for document in documents:
            for each in composer.items() if document is None else (document,):
                yield Found((), each.value, *each.span, record=True)


def _place(container: Any, key: Any) -> Span:
    return container.spans[key]


FORMAT = Format("yaml", frozenset(("yaml", "yml")), read)
