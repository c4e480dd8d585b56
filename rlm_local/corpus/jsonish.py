"""JSON and JSON Lines: every list of objects is a table, wherever it stands; an object alone is a table of one row.

Containers are walked from the outside; what is a row is decoded by the standard library from where it stands, so its
exact characters are known and no more than one row is held decoded. Rows of an inner list carry the fields of the
object around it.
"""

import json
import re
from collections.abc import Iterator
from typing import cast

from rlm_local.corpus.table import Raw, Reading, Table

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODE = json.JSONDecoder().raw_decode
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_DEEPEST = 4  # levels of keys that are joined into one field name; below, the value's JSON is the value
_DEEPEST_WALK = 8  # containers that are searched for rows; below, a container is a value


class _BrokenError(Exception):
    def __init__(self, place: int, problem: str) -> None:
        super().__init__(problem)
        self.place = place


def read(text: str, name: str) -> Reading:
    """Tables of a JSON text. Text that is not JSON, or is nested beyond reason, is a problem and no table."""
    reading = Reading("json")
    walk = _Walk(text)
    try:
        end = walk.document(name)
        if _skip(text, end) < len(text):
            raise _BrokenError(end, "there is more text after the JSON value")
    except _BrokenError as broken:
        reading.problems.append((text.count("\n", 0, broken.place) + 1, f"not valid JSON: {broken}"))
        return reading
    except RecursionError:
        reading.problems.append((0, "not read as JSON: nested too deeply"))
        return reading
    reading.tables.extend(walk.tables.values())
    return reading


def read_lines(text: str, name: str) -> Reading:
    """One object per line. A line that is not one is kept as an item that says nothing."""
    reading = Reading("jsonl")
    table = Table(name, "rows")
    start = number = 0
    while start < len(text):
        newline = text.find("\n", start)
        end = len(text) if newline < 0 else newline
        number += 1
        line = text[start:end].rstrip()
        if line.strip():
            table.add(start, start + len(line), _line_cells(line, number, reading))
        start = end + 1
    if len(table):
        reading.tables.append(table)
    return reading


def _line_cells(line: str, number: int, reading: Reading) -> dict[str, Raw]:
    try:
        value, end = _value(line, _skip(line, 0))
        if end < len(line):
            raise _BrokenError(end, "there is more text after the JSON value")
        return flat(cast("dict[str, object]", value)) if isinstance(value, dict) else {"value": scalar(value)}
    except (_BrokenError, RecursionError) as broken:
        reading.problems.append((number, f"not valid JSON: {broken}"))
        return {}


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place


def _value(text: str, place: int) -> tuple[object, int]:
    try:
        return cast("tuple[object, int]", _DECODE(text, place))
    except json.JSONDecodeError as broken:
        raise _BrokenError(broken.pos, broken.msg) from None
    except StopIteration:
        raise _BrokenError(place, "a value is expected") from None
    except RecursionError:
        raise _BrokenError(place, "nested too deeply") from None
    except ValueError as broken:
        raise _BrokenError(place, str(broken)) from None


class _Walk:
    """One pass over a JSON text that collects its tables, by the keys that lead to them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tables: dict[tuple[str, ...], Table] = {}

    def document(self, name: str) -> int:
        start = _skip(self.text, 0)
        opening = self.text[start : start + 1]
        if opening == "[":
            return self._list(start, (name,))[0]
        if opening != "{":
            return _value(self.text, start)[1]
        end, own = self._object(start, (name,))
        inner = bool(self.tables)
        self._inherit({}, own)
        if own and (not inner or len(own) > 1):
            self._table((name,)).add(start, end, own)
        return end

    def _table(self, path: tuple[str, ...]) -> Table:
        return self.tables.setdefault(path, Table(path[-1], "rows"))

    def _object(self, place: int, path: tuple[str, ...]) -> tuple[int, dict[str, Raw]]:
        """Walk the object at `place`: where it ends, and its own values; its lists of objects become tables."""
        text = self.text
        own: dict[str, Raw] = {}
        records: list[tuple[str, int, int, dict[str, Raw]]] = []
        others = 0
        place = _skip(text, place + 1)
        while text[place : place + 1] != "}":
            key, place = _value(text, place)
            if not isinstance(key, str):
                raise _BrokenError(place, "a key in double quotes is expected")
            place = _skip(text, place)
            if text[place : place + 1] != ":":
                raise _BrokenError(place, "':' is expected")
            start = _skip(text, place + 1)
            opening = text[start : start + 1]
            if opening == "{" and len(path) < _DEEPEST_WALK:
                place, inner = self._object(start, (*path, key))
                records.append((_clean(key), start, place, inner))
            elif opening == "[" and len(path) < _DEEPEST_WALK:
                place, plain = self._list(start, (*path, key))
                own.update({} if plain is None else {_clean(key): plain})
                others += 1
            else:
                value, place = _value(text, start)
                own[_clean(key)] = scalar(value)
                others += 1
            place = self._comma(place, "}")
        if not others and _alike([inner for *_, inner in records]):
            for key, start, end, inner in records:
                self._table(path).add(start, end, {"key": key, **inner})
        else:
            own.update({f"{key}_{label}": cell for key, _, _, inner in records for label, cell in inner.items()})
        return place + 1, own

    def _list(self, place: int, path: tuple[str, ...]) -> tuple[int, Raw]:
        """Walk the list at `place`: where it ends, and its values joined if there is no object among them."""
        text = self.text
        plain: list[object] = []
        place = _skip(text, place + 1)
        while text[place : place + 1] != "]":
            if text[place : place + 1] == "[" and len(path) < _DEEPEST_WALK:
                place, _ = self._list(place, (*path, "list"))
            else:
                value, end = _value(text, place)
                if isinstance(value, dict):
                    self._row(place, end, path, cast("dict[str, object]", value))
                else:
                    plain.append(value)
                    if len(path) == 1:
                        self._table(path).add(place, end, {"value": scalar(value)})
                place = end
            place = self._comma(place, "]")
        return place + 1, None if path in self.tables else scalar(plain)

    def _row(self, start: int, end: int, path: tuple[str, ...], record: dict[str, object]) -> None:
        own = flat(record)
        self._table(path).add(start, end, own)
        if len(path) < _DEEPEST_WALK and _has_rows(record):
            sizes = {inner: len(table) for inner, table in self.tables.items()}
            self._object(start, path)
            of = path[-1].removesuffix("s")
            self._inherit(sizes, {f"{of}_{label}" if label in ("id", "name") else label: v for label, v in own.items()})

    def _inherit(self, sizes: dict[tuple[str, ...], int], cells: dict[str, Raw]) -> None:
        """Give the rows that came since the tables had `sizes` the fields of the object they are in."""
        for path, table in self.tables.items():
            first = sizes.get(path, 0)
            for label, cell in cells.items() if len(table) > first else ():
                column = table.columns.setdefault(label, [])
                column.extend([None] * (first - len(column)))
                if len(column) <= first:
                    column.extend([cell] * (len(table) - first))

    def _comma(self, place: int, closing: str) -> int:
        place = _skip(self.text, place)
        mark = self.text[place : place + 1]
        if mark == closing:
            return place
        if mark != ",":
            raise _BrokenError(place, f"',' or '{closing}' is expected")
        place = _skip(self.text, place + 1)
        if self.text[place : place + 1] == closing:
            raise _BrokenError(place, "a value is expected")
        return place


def _alike(records: list[dict[str, Raw]]) -> bool:
    """Whether objects under different keys are rows of one table: three or more, half of their labels the same."""
    if len(records) < 3 or not all(records):
        return False
    common = set(records[0]).intersection(*records[1:])
    return 2 * len(common) >= max(len(record) for record in records)


def _has_rows(record: dict[str, object]) -> bool:
    return any(
        (isinstance(value, list) and any(isinstance(inner, dict) for inner in cast("list[object]", value)))
        or (isinstance(value, dict) and _has_rows(cast("dict[str, object]", value)))
        for value in record.values()
    )


def flat(record: dict[str, object]) -> dict[str, Raw]:
    """An object's values by label; keys of inner objects are joined. Lists of objects are left out: they are tables."""
    return dict(_cells(record, "", 1))


def _cells(record: dict[str, object], prefix: str, depth: int) -> Iterator[tuple[str, Raw]]:
    for key, value in record.items():
        label = prefix + _clean(key)
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _cells(cast("dict[str, object]", value), label + "_", depth + 1)
        elif not (isinstance(value, list) and any(isinstance(inner, dict) for inner in cast("list[object]", value))):
            yield label, scalar(cast("object", value))


def scalar(value: object) -> Raw:
    """A JSON value as a cell: lists of plain values joined by commas, what is deeper as its JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e15 else str(value)
    values = cast("list[object]", value) if isinstance(value, list) else None
    try:
        if values is None or any(isinstance(inner, list | dict) for inner in values):
            return _clean(json.dumps(value, ensure_ascii=False))
    except RecursionError:
        return None
    return ", ".join(_clean(inner if isinstance(inner, str) else json.dumps(inner)) for inner in values)


def _clean(text: str) -> str:
    return text if text.isascii() else _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
