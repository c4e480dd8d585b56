"""XML: elements that come again and again are records, what stands beside them is fields and text.

Entities are refused, so nothing is expanded or fetched. A file is gone through twice, an element at a time: first for
which elements there are and how often, then for what they say.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import PurePath
from typing import Any
from xml.parsers import expat

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.part import Cell, Document, Note, Part, Text
from rlm_local.collection.formats.prose.clean import clean
from rlm_local.collection.formats.records import Records
from rlm_local.collection.formats.source import PIECE, Source

_DEEPEST = 64
_MOST_PATHS = 2_000
_MOST_FIELDS = 50
_MOST_ATTRIBUTES = 100
_MOST_PIECES = 50  # of an element's words that are looked at
_LONGEST_NAME = 80
_LONGEST_LABELLED = 200  # a longer text of an element is a paragraph, without its name
_AGAIN = 2  # elements of one name in another that may be records
_OWN = "text"

Path = tuple[str, ...]


@dataclass
class _Kind:
    """What the elements at one path have in common.

    Attributes:
        count: how many there are; `most`: in one element around them.
        structured: whether one has attributes or elements.
        mixed: whether one has elements between its words; `prose`: or an element inside of it has.
        said: what the only one says, and its attributes by name.
    """

    count: int = 0
    most: int = 0
    structured: bool = False
    mixed: bool = False
    prose: bool = False
    said: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class _Element:
    name: str
    path: Path
    attributes: dict[str, str]
    inside: "list[str | _Element]" = field(default_factory=list["str | _Element"])

    @property
    def elements(self) -> "list[_Element]":
        return [each for each in self.inside if isinstance(each, _Element)]

    @property
    def words(self) -> str:
        return " ".join("".join(each for each in self.inside if isinstance(each, str)).split())


class _Refused(Exception):  # noqa: N818  for this module alone
    """What is in the file is not taken, and why."""


def read(source: Source) -> Iterator[Part]:
    """The records, fields and text of a file; one that is no good XML is text as it stands, and that is said.

    Raises:
        Unreadable: it declares entities, or is nested too deep.
    """
    kinds = _Kinds()
    try:
        kinds.look(source)
    except _Refused as refused:
        raise Unreadable(str(refused)) from refused
    except (expat.ExpatError, LookupError, ValueError) as broken:
        yield Document(kind="xml")
        yield from map(Text, source.segments())
        yield Note(f"no good XML, and read as text: {broken}")
        return
    records = kinds.records()
    fields = kinds.fields(records)
    title = next((fields[name] for name in ("title", "name") if name in fields), "")
    yield Document(kind="xml", title=str(title), fields=fields)
    found = Records(PurePath(source.name).stem)
    start, waiting, size = 0, list[str](), 0
    for element in _Units(records | kinds.mixed()).of(source):
        text = clean(_shown(element))
        waiting.append(text)
        size += len(text)
        if size >= PIECE:
            yield Text("".join(waiting))
            waiting, size = [], 0
        if element.path in records:
            found.add(element.path[1:], _record(element), (start, start + len(text.rstrip())))
            if found.are_many:
                yield from found.rows()
        start += len(text)
    yield Text("".join(waiting))
    yield from found.rows()


class _Walk:
    """Goes through a file; `begin`, `say` and `end` are what a walk does on its way, `ready` what it has to give."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self.ready: list[_Element] = []

    def of(self, source: Source) -> Iterator[_Element]:
        """What the walk has gathered, as far as it has come.

        Raises:
            _Refused: entities are declared, or it is nested too deep.
            ExpatError: it is no good XML.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.EntityDeclHandler = _refuse
        parser.StartElementHandler = self._begin
        parser.CharacterDataHandler = self.say
        parser.EndElementHandler = self._end
        stream, at = source.open(), 0
        while stream.seek(at) == at and (piece := stream.read(PIECE)):  # others may read in between
            at += len(piece)
            parser.Parse(piece, False)
            yield from self.ready
            self.ready = []
        parser.Parse(b"", True)
        yield from self.ready

    def begin(self, path: Path, attributes: dict[str, str]) -> None: ...
    def say(self, words: str) -> None: ...
    def end(self) -> None: ...

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._names) >= _DEEPEST:
            raise _Refused(f"nested too deep: more than {_DEEPEST} elements in one another")
        self._names.append(_local(name))
        if attributes:
            attributes = {_local(key): value for key, value in attributes.items() if not _is_of_xml(key)}
        self.begin(tuple(self._names), attributes)

    def _end(self, _name: str) -> None:
        self._names.pop()
        self.end()


class _Kinds(_Walk):
    """Which elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[Path, _Kind] = {}
        self._open: list[tuple[Path, _Kind | None, dict[str, int], list[str]]] = []

    def look(self, source: Source) -> None:
        for _ in self.of(source):
            pass

    def begin(self, path: Path, attributes: dict[str, str]) -> None:
        kind = self._kinds.get(path)
        if kind is None and len(self._kinds) < _MOST_PATHS:
            kind = self._kinds[path] = _Kind()
        times = 1
        if self._open:
            siblings = self._open[-1][2]
            siblings[path[-1]] = times = siblings.get(path[-1], 0) + 1
        if kind:
            kind.count += 1
            kind.most = max(kind.most, times)
            kind.structured |= bool(attributes)
            kind.said = attributes if kind.count == 1 else {}
        self._open.append((path, kind, {}, []))

    def say(self, words: str) -> None:
        if self._open and len(self._open[-1][3]) < _MOST_PIECES and not words.isspace():
            self._open[-1][3].append(words[: _LONGEST_LABELLED + 1])

    def end(self) -> None:
        path, kind, inside, said = self._open.pop()
        if kind is None:
            return
        kind.structured |= bool(inside)
        if inside and said and not kind.mixed:
            kind.mixed = True
            for length in range(len(path), 0, -1):
                self._kinds[path[:length]].prose = True
        words = " ".join("".join(said).split())
        if kind.count == 1 and not inside and 0 < len(words) <= _LONGEST_LABELLED:
            kind.said = {"": words, **kind.said}

    def records(self) -> frozenset[Path]:
        """The paths of records: the outermost elements that come again, are made of others, and are no prose."""
        found: set[Path] = set()
        for path, kind in sorted(self._kinds.items(), key=lambda item: len(item[0])):
            if kind.most >= _AGAIN and kind.structured and not kind.prose and not _inside(path, found):
                found.add(path)
        return frozenset(found)

    def mixed(self) -> frozenset[Path]:
        """The paths of elements that have elements between their words."""
        return frozenset(path for path, kind in self._kinds.items() if kind.mixed)

    def fields(self, records: Set[Path]) -> dict[str, Cell]:
        """What elements that come once say beside the records."""
        fields: dict[str, Cell] = {}
        for path, kind in self._kinds.items():
            if kind.said and not kind.mixed and not _inside(path, records):
                labels = {"_".join(filter(None, (*path[1:], name))): words for name, words in kind.said.items()}
                fields.update((label, clean(words)) for label, words in labels.items() if label)
        return dict(islice(fields.items(), _MOST_FIELDS))


class _Units(_Walk):
    """Gives the elements at some paths whole, what is inside of them with them, and each other one by itself."""

    def __init__(self, wholes: Set[Path]) -> None:
        super().__init__()
        self._wholes = wholes
        self._open: list[_Element] = []
        self._whole = 0  # elements that are open around the whole one that is, and it; 0: none is

    def begin(self, path: Path, attributes: dict[str, str]) -> None:
        if len(attributes) > _MOST_ATTRIBUTES:
            attributes = dict(islice(attributes.items(), _MOST_ATTRIBUTES))
        self._open.append(_Element(path[-1], path, attributes))
        if not self._whole and path in self._wholes:
            self._whole = len(self._open)

    def say(self, words: str) -> None:
        if self._open:
            self._open[-1].inside.append(words)

    def end(self) -> None:
        element = self._open.pop()
        if 0 < self._whole <= len(self._open):
            self._open[-1].inside.append(element)
            return
        self._whole = 0
        if element.inside or element.attributes:
            self.ready.append(element)


def _refuse(*_declared: object) -> None:
    raise _Refused("it declares entities, which may be a bomb of XML, and is not read")


def _inside(path: Path, some: Set[Path]) -> bool:
    return any(path[:length] in some for length in range(1, len(path) + 1))


@lru_cache(1024)
def _local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition(":")[2][:_LONGEST_NAME]


def _is_of_xml(name: str) -> bool:
    """Whether an attribute is about the XML, and not about what it says."""
    return name.startswith(("xmlns", "xsi:", "xml:"))


def _record(element: _Element) -> dict[str, Any]:
    """An element as an object: attributes and elements by name, those that come again as lists."""
    record: dict[str, Any] = dict(element.attributes)
    several: dict[str, list[Any]] = {}
    for inner in element.elements:
        structured = inner.attributes or inner.elements
        several.setdefault(inner.name, []).append(_record(inner) if structured else inner.words or None)
    for name, values in several.items():
        own = name if name not in record else f"{name} element"
        record[own] = values if len(values) > 1 else values[0]
    words = element.words
    if words:
        record[_OWN if _OWN not in record else f"{_OWN} inside"] = words
    return record


def _shown(element: _Element) -> str:
    """An element as a person would read it: its attributes and elements a line each, a paragraph as one."""
    lines: list[str] = []
    _show(element, lines)
    return "\n".join(lines) + "\n" * (1 + bool(element.elements)) if lines else ""


def _show(element: _Element, lines: list[str]) -> None:
    lines.extend(f"{name}: {' '.join(value.split())}" for name, value in element.attributes.items())
    words, elements = element.words, element.elements
    if words and elements:
        lines.append(_flat(element))
    elif elements:
        for inner in elements:
            _show(inner, lines)
    elif words:
        lines.append(f"{element.name}: {words}" if len(words) <= _LONGEST_LABELLED else words)


def _flat(element: _Element) -> str:
    """The words of an element and of those between them."""
    said: list[str] = []
    _gather(element, said)
    return " ".join("".join(said).split())


def _gather(element: _Element, said: list[str]) -> None:
    for each in element.inside:
        if isinstance(each, str):
            said.append(each)
        else:
            _gather(each, said)


def _sniff(head: bytes) -> bool:
    start = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<?xml") and b"<html" not in head[:4096].lower() and b"<svg" not in head[:4096]


FORMAT = Format("xml", frozenset(("xml", "rss", "atom", "rdf", "kml", "gpx", "xsd", "wsdl", "opml")), read, _sniff)
