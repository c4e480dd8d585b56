"""TOML: arrays of tables are records, as lists are in JSON, and what stands beside them is fields."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, time
from itertools import chain
from pathlib import PurePath
from typing import Any

import re2  # pyright: ignore[reportMissingTypeStubs]

from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.found import Found, document, inside, tables
from rlm_local.collection.formats.part import Note, Part, Text
from rlm_local.collection.formats.records import Span, is_list, is_object
from rlm_local.collection.formats.source import Source

_HEADER = re.compile(r"^[ \t]{0,40}\[{1,2}([\w.\-\"' \t]{1,200})\]", re.MULTILINE)
_MOST_NAMES = 100
_RE2: Any = re2
_DEEP = _RE2.compile(rf"(?:[\w\"'-]+[ \t]*\.[ \t]*){{{_MOST_NAMES}}}")  # the parser takes time by their square

Path = tuple[str, ...]


def read(source: Source) -> Iterator[Part]:
    """The file's text as it is, and its records; one that is no good TOML is text alone, and that is said.

    Raises:
        Unreadable: it is no text.
    """
    found: list[Found] = []
    broken = "too large to be held" if source.is_large else ""
    if not broken:
        text = "".join(source.pieces())
        try:
            if _DEEP.search(text):
                raise ValueError(f"more than {_MOST_NAMES} names in one another")
            placing = _Placing(text)
            value = placing.value(tomllib.loads(text))
            found = list(inside(value, (0, len(text)), placing.place))
        except (ValueError, RecursionError) as error:
            broken = str(error)
    yield document("toml", found)
    yield from map(Text, source.pieces())
    yield from tables(found, PurePath(source.name).stem)
    if broken:
        yield Note("what cannot be read as TOML is text alone", broken)


class _Placing:
    """Finds where the tables of arrays stand, by their headers: the parser does not say.

    Args:
        text: the file's.
    """

    def __init__(self, text: str) -> None:
        self._whole: Span = (0, len(text))
        self._stretches = {path: iter(spans) for path, spans in _stretches(text).items()}
        self._placed: dict[tuple[int, int], Span] = {}

    def value(self, value: Any, path: Path = ()) -> Any:
        """A value with days and times as text; `place` knows its arrays then."""
        if is_object(value):
            return {key: self.value(inner, (*path, key)) for key, inner in value.items()}
        if is_list(value):
            items: list[Any] = []
            for number, item in enumerate(value):
                if is_object(item):
                    self._placed[id(items), number] = next(self._stretches.get(path, iter(())), self._whole)
                items.append(self.value(item, path))
            return items
        return str(value) if isinstance(value, date | time) else value

    def place(self, container: Any, key: Any) -> Span:
        """Where an item of an array stands; the whole text where no header says it."""
        return self._placed.get((id(container), key), self._whole) if is_list(container) else self._whole


def _stretches(text: str) -> Mapping[Path, list[Span]]:
    """What stands under each header, by its path: up to the next one that is no deeper."""
    found: defaultdict[Path, list[Span]] = defaultdict(list)
    waiting: list[tuple[Path, int]] = []
    headers = ((_path(match[1]), match.start()) for match in _HEADER.finditer(text))
    for path, start in chain(headers, [((), len(text))]):
        while waiting and len(waiting[-1][0]) >= len(path):
            ended, begin = waiting.pop()
            found[ended].append((begin, begin + len(text[begin:start].rstrip())))
        waiting.append((path, start))
    return found


def _path(header: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in header.split("."))


FORMAT = Format("toml", frozenset(("toml",)), read)
