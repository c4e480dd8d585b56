"""What a question is asked of: a collection, or the corpus that typed plans and the free author look at."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rlm_local.collection import Collection, CollectionError, Step
from rlm_local.collection.scan import Skipped
from rlm_local.collection.view import Shape, View
from rlm_local.corpus import Corpus, ItemSet
from rlm_local.corpus.errors import NothingReadableError
from rlm_local.engine.events import Event, Listener, ignore
from rlm_local.errors import UsageError
from rlm_local.home import Home
from rlm_local.models import Cancel

Records = Corpus | View
Sources = Sequence[str | Path] | Mapping[str, str] | Corpus | View
"""Paths, texts by name, or what was opened before."""

_NAMED = 5
"""Files left out that are named; `collection show` tells them all."""


@contextmanager
def opened(
    sources: Sources, author: str, *, home: Home | None = None, cancel: Cancel | None = None, tell: Listener = ignore
) -> Generator[Records]:
    """The sources as what an author looks at, closed at the end unless it was opened before.

    Raises:
        UsageError: one string instead of paths.
        CollectionError, CorpusError: a path is not there, or nothing can be read; says what was skipped and why.
        Cancelled, DeadlineExceeded: by `cancel`, meanwhile.
    """
    if isinstance(sources, str):
        raise UsageError("sources are a list of paths, not one string", remedy=f"Write [{sources!r}]")
    cancel = cancel or Cancel()
    if author in ("guided", "free"):
        yield _corpus(sources, cancel, tell)
        return
    if isinstance(sources, View):
        yield sources
        return
    view = _view(sources, home or Home.default(), cancel, tell)
    try:
        yield view
    finally:
        view.close()


def _view(
    sources: Sequence[str | Path] | Mapping[str, str] | Corpus, home: Home, cancel: Cancel, tell: Listener
) -> View:
    if isinstance(sources, Corpus):
        sources = {document.name: document.text for document in sources.documents}
    if isinstance(sources, Mapping):
        return _readable(Collection.of(sources, sealed=home.key is not None), "the documents")

    view = open_view(sources, ", ".join(map(str, sources)), home=home, cancel=cancel, tell=tell)
    _tell(len(view.documents), view.characters, view.skipped, tell)
    return view


def _corpus(sources: Sources, cancel: Cancel, tell: Listener) -> Corpus:
    if isinstance(sources, Corpus):
        return sources
    if isinstance(sources, View):
        texts = {document.name: sources.text(document.start, document.end) for document in sources.documents}
        return replace(Corpus.from_documents(texts), sources=sources.sources)
    if isinstance(sources, Mapping):
        corpus = Corpus.from_documents(sources)
        if not corpus.documents:
            raise NothingReadableError("there is no text in the documents", remedy="Give documents with text")
        return corpus
    corpus = Corpus.load(sources, progress=lambda _name, _characters: cancel.check())
    _tell(len(corpus.documents), len(corpus.context), corpus.skipped, tell)
    return corpus


def _tell(documents: int, characters: int, skipped: Sequence[Skipped], tell: Listener) -> None:
    tell(Event("corpus", f"{documents:,} documents, {characters:,} characters"))
    for each in skipped[:_NAMED]:
        tell(Event("corpus", f"left out: {each.path} ({each.reason})"))
    if len(skipped) > _NAMED:
        tell(Event("corpus", f"left out: {len(skipped) - _NAMED} more"))


def open_view(
    paths: Sequence[str | Path],
    what: str,
    *,
    home: Home,
    cancel: Cancel,
    tell: Listener = ignore,
    uploads: Sequence[tuple[str, Path]] = (),
) -> View:
    """The collection of some paths and uploads, brought up to date.

    Args:
        what: what it is of, for a person.

    Raises:
        CollectionError, NothingReadableError: a path is not there, or nothing could be read.
        Cancelled, DeadlineExceeded: by `cancel`, meanwhile.
    """

    def progress(step: Step) -> None:
        tell(Event("corpus", str(step), step.fraction))

    try:
        collection = Collection.open(paths, home=home, uploads=uploads, progress=progress, cancel=cancel)
    except CollectionError:
        cancel.check()
        raise
    return _readable(collection, what)


def _readable(collection: Collection, what: str) -> View:
    """The collection, if anything in it could be read; else it is closed.

    Raises:
        NothingReadableError: says what was skipped and why.
    """
    if len(collection.documents):
        return View(collection)
    skipped = collection.skipped
    reasons = "; ".join(f"{each.path}: {each.reason}" for each in skipped[:10])
    more = f"; and {len(skipped) - 10} more" if len(skipped) > 10 else ""
    collection.close()
    raise NothingReadableError(
        f"nothing readable in {what}" + (f" ({reasons}{more})" if reasons else ""),
        remedy="Give files with text in them, or a folder of such files.",
    )


def shape_of(records: Records) -> Shape:
    """What there is to count or to judge."""
    if isinstance(records, View):
        return records.shape
    largest = max((s for s in records.item_sets if s.fields), key=len, default=None)
    fields = sum(len(s.fields) for s in records.item_sets)
    return replace(shape_of_set(largest), fields=fields) if largest else Shape(0, 0, fields)


def shape_of_set(items: ItemSet) -> Shape:
    """What one set of items is."""
    return Shape(len(items), items.characters, len(items.fields))
