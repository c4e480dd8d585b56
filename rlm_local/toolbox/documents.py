"""The documents as Python sees them: each by its name, its text, and what it says of itself; and all texts as one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from .row import Row, Rows
from .tables import filled


class Document:
    """One document of the collection; what it says of itself, in headers or front matter, is an attribute each.

    Args:
        said: the rows of the documents' fields, by name.
    """

    def __init__(
        self,
        ask: Callable[..., Rows],
        said: Callable[[], Mapping[str, Row]],
        number: int,
        name: str,
        title: str,
        kind: str,
        span: tuple[int, int],
    ) -> None:
        self._ask, self._said, self.number = ask, said, number
        self.name, self.title, self.kind = name, title, kind
        self.start, self.end = span

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._said()[self.name], name)

    def __getitem__(self, name: str) -> Any:
        return self._said()[self.name][name]

    @property
    def text(self) -> str:
        rows = self._ask("SELECT text FROM passage WHERE document = ? ORDER BY start", (self.number,))
        return "".join(row[0] for row in rows)

    def __len__(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<document {self.name}: {len(self)} characters>"


class Documents(Sequence[Document]):
    """The documents that a node looks at, in the order of the collection's text; looked up when they are first used.

    `whole` has all of the collection's, whatever the node looks at: places in `context` are over these.
    """

    def __init__(self, ask: Callable[..., Rows], only: Iterable[int] | None) -> None:
        self._ask = ask
        self._only = None if only is None else frozenset(only)

    @cached_property
    def whole(self) -> list[Document]:
        rows = self._ask(
            "SELECT d.id, d.name, d.title, d.kind, d.characters FROM document d JOIN file f ON f.id = d.file"
            " ORDER BY f.name, d.id"
        )
        found: list[Document] = []
        at = 0
        for number, name, title, kind, characters in map(tuple, rows):
            found.append(
                Document(self._ask, lambda: self._said, number, name, title or "", kind, (at, at + characters))
            )
            at += characters + 1
        return found

    @cached_property
    def _said(self) -> dict[str, Row]:
        columns = self._ask('SELECT name FROM "column" WHERE "table" = \'documents\' ORDER BY position')
        names = ", ".join(f'"{name}"' for (name,) in columns)
        return {row[0]: filled(row) for row in self._ask(f"SELECT {names} FROM documents")}  # noqa: S608 - its own names

    @cached_property
    def _own(self) -> list[Document]:
        only = self._only
        return self.whole if only is None else [document for document in self.whole if document.number in only]

    def __len__(self) -> int:
        return len(self._own)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, str):
            return [document[place] for document in self]
        return self._own[place]  # pyright: ignore[reportUnknownVariableType]

    def __getattr__(self, name: str) -> list[Any]:
        """What each document says by that name."""
        if name.startswith("_"):
            raise AttributeError(name)
        return [getattr(document, name) for document in self]


class Context:
    """All documents' texts one after another, each followed by a line break; read where it is looked at."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def __len__(self) -> int:
        whole = self._documents.whole
        return whole[-1].end + 1 if whole else 0

    def __getitem__(self, part: slice | int) -> str:
        if isinstance(part, int):
            return self[part : part + 1] if part >= 0 else self[len(self) + part : len(self) + part + 1]
        start, end, step = part.indices(len(self))
        inside = [document for document in self._documents.whole if document.end >= start and document.start < end]
        text = "".join(f"{document.text}\n" for document in inside)
        first = inside[0].start if inside else start
        return text[start - first : max(0, end - first)][::step]

    def find(self, text: str, start: int = 0, end: int | None = None) -> int:
        """Where a text first stands, or -1; it is looked for within documents."""
        stop = len(self) if end is None else end
        for document in self._documents.whole:
            if document.end > start and document.start < stop:
                at = document.text.find(text, max(0, start - document.start), min(len(document), stop - document.start))
                if at >= 0:
                    return document.start + at
        return -1

    def __contains__(self, text: str) -> bool:
        return self.find(text) >= 0

    def __str__(self) -> str:
        return self[:]

    def __getattr__(self, name: str) -> Any:
        """The methods of texts, for all of it."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(str(self), name)
