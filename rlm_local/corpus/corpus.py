"""A person's records in any shape, turned into documents, items and fields."""

import hashlib
import itertools
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TextIO

from rlm_local.collection.decode import Binary
from rlm_local.collection.scan import Skipped
from rlm_local.corpus.document import Document, Note, Span
from rlm_local.corpus.errors import NothingReadableError
from rlm_local.corpus.gather import Draft, gather
from rlm_local.corpus.item_set import ItemSet
from rlm_local.corpus.load import File, Files
from rlm_local.corpus.read import read

_NOTES = 20  # of one document that are kept one by one
_COUNTED = 200_000  # characters: longer texts are counted by samples
_SAMPLES = 20
_SAMPLE = 2_000

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Corpus:
    """Documents one after another in `context`, each behind a line "=== name ===", and what is in them.

    `skipped` are the paths that were not loaded, `notes` what in the loaded ones is not as its form promises, `sources`
    the paths or names that it was made of.
    """

    context: str
    documents: tuple[Document, ...]
    item_sets: tuple[ItemSet, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[Note, ...] = ()
    sources: tuple[str, ...] = ()

    @classmethod
    def load(
        cls, paths: Sequence[Path | str], *, stdin: TextIO | None = None, progress: Progress | None = None
    ) -> "Corpus":
        """Read files and folders; "-" is `stdin`. `progress` gets each document's name and the characters so far.

        Raises:
            PathMissingError: a path does not exist.
            NothingReadableError: there is no text under the paths; says what was skipped and why.
        """
        files = Files([Path(path) for path in paths if str(path) != "-"])
        piped = [File("stdin", (stdin or sys.stdin).read())] if "-" in map(str, paths) else []
        given = tuple(map(str, paths))
        corpus = cls.of(itertools.chain(piped, files), files.skipped, sources=given, progress=progress)
        if not corpus.documents:
            reasons = "; ".join(f"{skipped.path}: {skipped.reason}" for skipped in corpus.skipped[:10])
            more = f"; and {len(corpus.skipped) - 10} more" if len(corpus.skipped) > 10 else ""
            raise NothingReadableError(
                f"nothing readable in {', '.join(given) or 'no path'}" + (f" ({reasons}{more})" if reasons else ""),
                remedy="Give text files, or a folder of them.",
            )
        return corpus

    @classmethod
    def from_documents(cls, documents: Mapping[str, str]) -> "Corpus":
        """A corpus of texts by name; the names tell the forms, as those of files do."""
        return cls.of(itertools.starmap(File, documents.items()), sources=tuple(documents))

    @classmethod
    def of(
        cls,
        files: Iterable[File],
        skipped: Sequence[Skipped] = (),
        *,
        sources: tuple[str, ...] = (),
        progress: Progress | None = None,
    ) -> "Corpus":
        """A corpus of files that were found already; `skipped` is read once they all were."""
        return _build(files, skipped, sources, progress)

    @cached_property
    def sha256(self) -> str:
        """Of the context: what the log knows a corpus by."""
        return hashlib.sha256(self.context.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def characters(self) -> int:
        """Characters of all documents, without the lines between them."""
        return sum(len(document) for document in self.documents)

    def tokens(self, count: Callable[[str], int]) -> int:
        """Tokens of the context: counted if it is short, else estimated from samples spread evenly over it."""
        size = len(self.context)
        if size <= _COUNTED:
            return count(self.context)
        places = range(0, size - _SAMPLE, (size - _SAMPLE) // (_SAMPLES - 1))
        sampled = sum(count(self.context[place : place + _SAMPLE]) for place in places)
        return round(sampled * size / (_SAMPLE * len(places)))

    def span(self, start: int, end: int) -> Span:
        """The place in a document of `context[start:end]`, cut to the document that it begins in.

        Raises:
            ValueError: the offsets are not in the context.
        """
        if not 0 <= start <= end <= len(self.context) or not self.documents:
            raise ValueError(f"no text from {start} to {end}: the context has {len(self.context)} characters")
        place = bisect_right(self.documents, start, key=lambda document: document.start) - 1
        document = self.documents[max(0, place)]
        begin = min(max(start, document.start), document.end)
        return Span(document.name, begin - document.start, max(begin, min(end, document.end)) - document.start)

    def text_of(self, span: Span) -> str:
        """The characters of a span.

        Raises:
            KeyError: there is no document of that name.
        """
        for document in self.documents:
            if document.name == span.document:
                return self.context[document.start + span.start : min(document.start + span.end, document.end)]
        raise KeyError(span.document)


def _build(
    files: Iterable[File], skipped: Sequence[Skipped], sources: tuple[str, ...], progress: Progress | None
) -> Corpus:
    parts: list[str] = []
    drafts: list[Draft] = []
    notes: list[Note] = []
    unread: list[Skipped] = []
    place = 0
    for file in files:
        found = read(file.name, file.data)
        if isinstance(found, Binary) or not found[0].text.strip():
            unread.append(Skipped(file.name, found.reason if isinstance(found, Binary) else "empty"))
            continue
        decoded, reading = found
        header = f"{chr(10) if parts and not parts[-1].endswith(chr(10)) else ''}=== {file.name} ===\n"
        start = place + len(header)
        parts += (header, decoded.text)
        place = start + len(decoded.text)
        drafts.append(Draft(file.name, reading.kind, decoded.encoding, start, place, reading.tables))
        notes.extend(_notes(file.name, reading.problems))
        if progress:
            progress(file.name, place)
    context = "".join(parts)
    parts.clear()
    documents = tuple(Document(d.name, d.kind, d.encoding, d.start, d.end, context) for d in drafts)
    item_sets, merged = gather(context, drafts)
    return Corpus(context, documents, item_sets, (*skipped, *unread), (*notes, *merged), sources)


def _notes(name: str, problems: Sequence[tuple[int, str]]) -> list[Note]:
    notes = [Note(name, line, problem) for line, problem in problems[:_NOTES]]
    if len(problems) > _NOTES:
        notes.append(Note(name, 0, f"{len(problems) - _NOTES} more problems like these"))
    return notes
