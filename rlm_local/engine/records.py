"""What a question is asked of: a collection, brought up to date, as a node looks at it."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rlm_local.collection import Collection, CollectionError, Step
from rlm_local.collection.errors import NothingReadableError
from rlm_local.collection.view import View
from rlm_local.engine.events import Event, Listener, ignore
from rlm_local.errors import UsageError
from rlm_local.home import Home
from rlm_local.models import Cancel

Sources = Sequence[str | Path] | Mapping[str, str] | View
"""Paths, texts by name, or what was opened before."""

_NAMED = 5
"""Files left out that are named; `collection show` tells them all."""


@contextmanager
def opened(
    sources: Sources, *, home: Home | None = None, cancel: Cancel | None = None, tell: Listener = ignore
) -> Generator[View]:
    """The sources as what an author looks at, closed at the end unless it was opened before.

    Raises:
        UsageError: one string instead of paths.
        CollectionError: a path is not there, or nothing can be read; says what was skipped and why.
        Cancelled, DeadlineExceeded: by `cancel`, meanwhile.
    """
    if isinstance(sources, str):
        raise UsageError("sources are a list of paths, not one string", remedy=f"Write [{sources!r}]")
    if isinstance(sources, View):
        yield sources
        return
    view = _view(sources, home or Home.default(), cancel or Cancel(), tell)
    try:
        yield view
    finally:
        view.close()


def _view(sources: Sequence[str | Path] | Mapping[str, str], home: Home, cancel: Cancel, tell: Listener) -> View:
    if isinstance(sources, Mapping):
        return _readable(Collection.of(sources, sealed=home.key is not None), "the documents")
    view = open_view(sources, ", ".join(map(str, sources)), home=home, cancel=cancel, tell=tell)
    tell(Event("corpus", f"{len(view.documents):,} documents, {view.characters:,} characters"))
    for each in view.skipped[:_NAMED]:
        tell(Event("corpus", f"left out: {each.path} ({each.reason})"))
    if len(view.skipped) > _NAMED:
        tell(Event("corpus", f"left out: {len(view.skipped) - _NAMED} more"))
    return view


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
        CollectionError: a path is not there, or nothing could be read.
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
