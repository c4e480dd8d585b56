"""Front matter: what stands in YAML or TOML between marks, or in a fence, at the beginning of a text."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from itertools import islice
from typing import cast

from rlm_local.collection.formats.composed import Broken, Composer
from rlm_local.collection.formats.part import Cell
from rlm_local.collection.formats.prose.labels import label_of

MOST_MATTER = 20_000
"""Characters."""

_LONGEST_MARK = 16
_MOST_FIELDS = 200
_MOST_ITEMS = 100
_LONGEST_VALUE = 2_000
_LONGEST_NAME = 80
_NOT_SIMPLE = frozenset("[{&*!|>")


def front_matter(text: str) -> tuple[dict[str, Cell], int]:
    """The fields of YAML between "---", of TOML between "+++", or of either in a fence that says so, at the beginning
    of a text, and where it ends."""
    opening = text[: text.find("\n", 0, _LONGEST_MARK) + 1].rstrip()
    if opening not in _READERS:
        return {}, 0
    end = text.find(f"\n{opening[:3]}", 3, MOST_MATTER)
    close = text.find("\n", end + 1)
    if end < 0 or text[end + 4 : close if close >= 0 else len(text)].strip():
        return {}, 0
    matter = text[text.find("\n") + 1 : end + 1]
    return _fields(_READERS[opening](matter)), len(text) if close < 0 else close + 1


def _yaml(matter: str) -> object:
    composer = Composer((matter,))
    with suppress(Broken):
        return next((document.value for document in composer.documents() if document), None)
    return dict(_simple(matter))


def _simple(matter: str) -> Iterator[tuple[str, str]]:
    """The lines "label: value" of what is no good YAML, as a tab or a second colon in a line makes it."""
    for line in matter.split("\n"):
        label, value = (not line[:1].isspace() and label_of(line)) or ("", "")
        if value and value[0] not in _NOT_SIMPLE:
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            yield label, value[1:-1] if quoted else value


def _toml(matter: str) -> object:
    try:
        return tomllib.loads(matter)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


_READERS: Mapping[str, Callable[[str], object]] = {
    "---": _yaml,
    "```yaml": _yaml,
    "+++": _toml,
    "```toml": _toml,
}
"""How what follows the first line of a text is read; it ends with a line of the same mark."""


def _fields(matter: object) -> dict[str, Cell]:
    """What is a value, or a list of values; names of what is nested are joined by a dot, once."""
    found: dict[str, Cell] = {}
    for key, value in _items(matter, ""):
        nested = list(_items(value, f"{key}."))
        for name, inner in nested or [(key, value)]:
            cell = _cell(inner)
            if cell is not None and len(found) < _MOST_FIELDS:
                found[name] = cell
    return found


def _items(value: object, before: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value)
        for key, inner in islice(pairs.items(), _MOST_FIELDS):
            name = f"{before}{key}"
            if len(name) <= _LONGEST_NAME:  # else it is a sentence with a colon in it
                yield name, inner


def _cell(value: object) -> Cell:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | date):
        return str(value).strip()[:_LONGEST_VALUE] or None
    if isinstance(value, list):
        each = cast("list[object]", value)[:_MOST_ITEMS]
        cells = [_cell(item) for item in each if not isinstance(item, list)]
        return ", ".join(str(cell) for cell in cells if cell is not None)[:_LONGEST_VALUE] or None
    return None
