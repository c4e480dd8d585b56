"""What is found in a file of nested values, of whatever syntax: records, and values beside them.

Objects in a list are records, wherever the list stands; so are the members of an object that are objects alike, and
the rows of an object that holds nothing but columns. Values beside them are fields of the document.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rlm_local.collection.formats import grid
from rlm_local.collection.formats.cells import Line
from rlm_local.collection.formats.part import Cell, Document, Rows
from rlm_local.collection.formats.prose.clean import clean
from rlm_local.collection.formats.records import Records, Span, cell, is_list, is_object, is_scalar, nested, shown

ALIKE = 3
"""Objects in an object that may be records by name."""
LISTED = 20
"""Plain values in a list that are a field, as the tags of a post are; more are records as well."""
DEEPEST = 6
"""Objects in objects that are looked into for fields and lists."""
_ALIKE_SHARE = 0.4  # of all keys that an object has, where objects are alike
_MOST_FIELDS = 50


class Found(NamedTuple):  # a data class is slower to make, and there is one for each record of a file
    """A value that is no object or list of its own: a record (an object or a list) or a field, at a path of keys."""

    path: tuple[str, ...]
    value: Any
    start: int
    end: int
    record: bool


def document(kind: str, found: Iterable[Found]) -> Document:
    """The document, with what stands beside the records as its fields."""
    fields: dict[str, Cell] = {}
    for each in found:
        if not each.record and len(fields) < _MOST_FIELDS:
            label = "_".join(each.path)
            value = shown(each.value) if is_list(each.value) else cell(each.value)
            fields[label] = shown((fields[label], value)) if label in fields else value
    title = next((fields[name] for name in ("title", "name") if isinstance(fields.get(name), str)), "")
    return Document(kind=kind, title=str(title)[:200], fields=fields)


def tables(found: Iterable[Found], stem: str) -> Iterator[Rows]:
    """The rows of the records.

    Args:
        stem: what the table without a name is called in the columns that refer to it.
    """
    records = Records(stem)
    grids: dict[tuple[str, ...], grid.Reader] = {}
    for number, each in enumerate(found):
        span = (each.start, each.end)
        if is_object(each.value):
            records.add(each.path, _feature(each.value), span)
        elif not each.record:
            continue
        elif is_list(each.value):
            reader = grids.setdefault(each.path, grid.Reader())
            cells = [cell(item) if is_scalar(item) else nested(item) for item in each.value]
            yield from _named(each.path, reader.take(Line(cells, *span, number)))
        else:
            records.add(each.path, {"value": each.value}, span)
        if records.are_many:
            yield from records.rows()
    yield from records.rows()
    for path, reader in grids.items():
        yield from _named(path, reader.end())


def inside(
    value: Any, span: Span, place: Callable[[Any, Any], Span], path: tuple[str, ...] = (), depth: int = 0
) -> Iterator[Found]:
    """What is inside a value that is held as a whole.

    Args:
        span: where it stands in the text.
        place: from an object and a key of it, or a list and an index, to where the value there stands.
    """
    if is_list(value):
        plain = all(map(is_scalar, value))
        if path and value and plain:
            yield Found(path, value, *span, record=False)
            if len(value) <= LISTED:
                return
        yield from (Found(path, item, *place(value, number), record=True) for number, item in enumerate(value))
    elif is_object(value) and depth < DEEPEST:
        if rows := columns_as_rows(value):
            yield from (Found(path, row, *span, record=True) for row in rows)
        elif are_alike(list(value.values())):
            for key, item in value.items():
                yield Found(path, {"key": key, **item}, *place(value, key), record=True)
        else:
            for key, item in value.items():
                yield from inside(item, place(value, key), place, (*path, clean(key)), depth + 1)
    elif path:
        yield Found(path, nested(value) if is_object(value) else value, *span, record=False)


def are_alike(values: Sequence[Any]) -> bool:
    """Whether values are records of one kind: objects with much the same keys."""
    if len(values) < ALIKE or not all(is_object(value) and value for value in values):
        return False
    keys: set[str] = set()
    keys.update(*values)
    return sum(map(len, values)) > _ALIKE_SHARE * len(values) * len(keys)


def columns_as_rows(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records of an object that holds nothing but columns: lists of plain values, equally many in each."""
    columns = list(value.values())
    if len(columns) < 2 or not all(is_list(column) for column in columns):
        return []
    plain = all(is_scalar(item) for column in columns for item in column)
    if not plain or len({len(column) for column in columns}) > 1 or len(columns[0]) < ALIKE:
        return []
    return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _named(path: tuple[str, ...], batches: Iterator[grid.Batch]) -> Iterator[Rows]:
    for batch in batches:
        spans = [(line.start, line.end) for line in batch.lines]
        yield Rows(path[-1] if path else "", batch.columns, [tuple(line.cells) for line in batch.lines], spans=spans)


def _feature(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A feature of GeoJSON by its properties, with the place of a point in columns of its own."""
    properties, geometry = record.get("properties"), record.get("geometry")
    if record.get("type") != "Feature" or not is_object(properties):
        return record
    plain = {key: value for key, value in record.items() if key not in ("type", "properties", "geometry")}
    plain |= properties
    if is_object(geometry):
        plain["geometry"] = geometry.get("type")
        point = geometry.get("coordinates")
        if geometry.get("type") == "Point" and is_list(point) and len(point) > 1:
            plain |= {"longitude": point[0], "latitude": point[1]}
    return plain
