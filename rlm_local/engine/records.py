"""The sources of a question, opened as a view of a collection that is up to date."""

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
"""Paths, documents as {name: text}, or a view that is open already."""

_NAMED = 5
"""How many of the files that were left out are named; `collection show` names them all."""


@contextmanager
def opened(
    sources: Sources, *, home: Home | None = None, cancel: Cancel | None = None, tell: Listener = ignore
) -> Generator[View]:
    """The sources as a view, which is closed at the end unless it was open before.

    Raises:
        UsageError: the sources are one string, not a list of paths.
        CollectionError: a path does not exist, or nothing can be read; says what was skipped and why.
        Cancelled, DeadlineExceeded: by `cancel`.
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
    tell(Event("documents", f"{len(view.documents):,} documents, {view.characters:,} characters"))
    for each in view.skipped[:_NAMED]:
        tell(Event("documents", f"left out: {each.path} ({each.reason})"))
    if len(view.skipped) > _NAMED:
        tell(Event("documents", f"left out: {len(view.skipped) - _NAMED} more"))
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
        what: what the sources are called in an error, for a person.

    Raises:
        CollectionError: a path does not exist, or nothing can be read.
        Cancelled, DeadlineExceeded: by `cancel`.
    """

    def progress(step: Step) -> None:
        tell(Event("documents", str(step), step.fraction))

    try:
        collection = Collection.open(paths, home=home, uploads=uploads, progress=progress, cancel=cancel)
    except CollectionError:
        cancel.check()
        raise
    return _readable(collection, what)


def _readable(collection: Collection, what: str) -> View:
    """A view of the whole collection; if nothing in it could be read, it is closed instead.

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
