"""Item sets that say the same in several forms, made one: visits of a CSV file, of a JSON file, and of letters.

Fields are the same by name, by a name that is part of the other's, or, for categories, by their values. Sets are the
same if nearly all fields of the smaller have one in the larger and their keys, where both have one, are the same field.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence

from rlm_local.corpus.document import Note
from rlm_local.corpus.field import Field, FieldType, Value, string_type, typed, written
from rlm_local.corpus.item_set import ItemSet
from rlm_local.corpus.naming import common_name
from rlm_local.corpus.table import offsets

_MERGED_KINDS = frozenset(("rows", "documents", "messages", "paragraphs"))
_ABOUT_THE_FILE = frozenset(("path", "file", "name", "kind", "title", "level"))
_TEXTUAL = frozenset(("category", "text", "id"))
_LEAST_OF_SMALLER = 0.75
_LEAST_OF_LARGER = 0.5
_SAME_VALUES = 0.6


def merge(sets: Sequence[ItemSet], documents: Sequence[str]) -> tuple[list[ItemSet], list[Note]]:
    """The sets with those that say the same made one, and a note for each document whose items others hold already.

    `documents` are the names of the documents by index.
    """
    merged: list[ItemSet] = []
    notes: list[Note] = []
    for item_set in sets:
        for place, known in enumerate(merged):
            larger, smaller = sorted((known, item_set), key=len, reverse=True)
            pairs = _same_fields(larger, smaller)
            if pairs:
                merged[place] = _joined(larger, smaller, pairs, documents, notes)
                break
        else:
            merged.append(item_set)
    return merged, notes


def _said(item_set: ItemSet) -> list[Field]:
    """The fields that tell of the item rather than of the file that it is in."""
    about = _ABOUT_THE_FILE if item_set.kind in ("documents", "sections", "paragraphs") else frozenset(("path", "file"))
    return [field for field in item_set.fields if field.name not in about]


def _same_fields(one: ItemSet, other: ItemSet) -> list[tuple[Field, Field]]:
    """The pairs of fields that say the same, if there are enough for the sets to be one; else none."""
    if one.kind not in _MERGED_KINDS or other.kind not in _MERGED_KINDS:
        return []
    mine, yours = _said(one), _said(other)
    if min(len(mine), len(yours)) < 2:
        return []
    pairs = _pairs(mine, yours)
    same = len(pairs) - sum(_conflict(a, b) for a, b in pairs)
    if (
        same < 2
        or same < _LEAST_OF_SMALLER * min(len(mine), len(yours))
        or same < _LEAST_OF_LARGER * max(len(mine), len(yours))
    ):
        return []
    keys = _key(mine, len(one)), _key(yours, len(other))
    if all(keys) and not any((a.name, b.name) == keys for a, b in pairs):
        return []
    return pairs


def _pairs(mine: Sequence[Field], yours: Sequence[Field]) -> list[tuple[Field, Field]]:
    pairs: list[tuple[Field, Field]] = []
    free = list(yours)
    waiting = list(mine)
    for same in (_same_name, _related_name, _same_values):
        for field in list(waiting):
            partner = next((other for other in free if _same_type(field, other) and same(field, other)), None)
            if partner is not None:
                pairs.append((field, partner))
                free.remove(partner)
                waiting.remove(field)
    return pairs


def _same_type(one: Field, other: Field) -> bool:
    if one.unit and other.unit and one.unit != other.unit:
        return False
    if one.type == other.type or {one.type, other.type} <= _TEXTUAL:
        return True
    return {one.type, other.type} in ({"id", "number"}, {"category", "number"}) and one.name == other.name


def _same_name(one: Field, other: Field) -> bool:
    return one.name == other.name


def _related_name(one: Field, other: Field) -> bool:
    """Whether one name is the other's with words left out ("date", "visit_date") or cut short ("dept")."""
    mine, yours = sorted((one.name.split("_"), other.name.split("_")), key=len)
    related = set(mine) <= set(yours) or (len(mine) == len(yours) and all(map(_cut_short, mine, yours)))
    return related and (one.type not in _TEXTUAL or _overlap(one, other) >= 0.3 or {one.type, other.type} == {"id"})


def _cut_short(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if short == long:
        return True
    letters = iter(long)
    return len(short) >= 3 and short[0] == long[0] and all(letter in letters for letter in short)


def _same_values(one: Field, other: Field) -> bool:
    return (
        one.type == other.type == "category"
        and min(one.distinct, other.distinct) >= 3
        and _overlap(one, other) >= _SAME_VALUES
    )


def _overlap(one: Field, other: Field) -> float:
    """The share of the fewer values that both have, in any case of letters."""
    mine, yours = ({str(value).lower() for value in field.counts} for field in (one, other))
    return len(mine & yours) / max(1, min(len(mine), len(yours)))


def _conflict(one: Field, other: Field) -> bool:
    return one.type == other.type == "category" and min(one.distinct, other.distinct) >= 2 and _overlap(one, other) == 0


def _key(fields: Iterable[Field], items: int) -> str:
    """The name of the first field that tells all items apart."""
    return next((field.name for field in fields if field.type == "id" and field.distinct == items), "")


def _joined(
    one: ItemSet, other: ItemSet, pairs: Sequence[tuple[Field, Field]], documents: Sequence[str], notes: list[Note]
) -> ItemSet:
    partner = {mine.name: yours for mine, yours in pairs}
    taken = {yours.name for _, yours in pairs}
    columns: list[tuple[Field | None, Field | None]] = [(field, partner.get(field.name)) for field in _said(one)]
    columns.extend((None, field) for field in _said(other) if field.name not in taken)
    starts, ends, owners = (
        a + b for a, b in ((one.starts, other.starts), (one.ends, other.ends), (one.documents, other.documents))
    )
    fields = [_column(mine, yours, len(one), len(other)) for mine, yours in columns]
    kept = _once(
        sorted(range(len(starts)), key=starts.__getitem__),
        [f for f, (mine, yours) in zip(fields, columns, strict=True) if mine and yours],
        owners,
        documents,
        notes,
    )
    used: dict[str, Field] = {}
    for field in fields:
        name = field.name if field.name not in used else f"{field.name}_2"
        used[name] = Field(name, field.label, field.type, [field.values[place] for place in kept], field.unit)
    path = typed("file" if "path" in used else "path", [documents[owners[place]] for place in kept])[0]
    lead = other if one.kind == "documents" else one
    return ItemSet(
        common_name(lead.name, one.name if lead is other else other.name, ""),
        lead.kind,
        _chosen(starts, kept),
        _chosen(ends, kept),
        _chosen(owners, kept),
        (*used.values(), path),
    )


def _chosen(values: "array[int]", kept: Iterable[int]) -> "array[int]":
    return offsets(values[place] for place in kept)


def _column(mine: Field | None, yours: Field | None, first: int, second: int) -> Field:
    lead = mine or yours
    if lead is None:
        raise ValueError("a column of neither set")
    values: list[Value] = [*(mine.values if mine else [None] * first), *(yours.values if yours else [None] * second)]
    types = {field.type for field in (mine, yours) if field}
    if len(types) > 1:
        texts = [None if value is None else written(value) for value in values]
        kind: FieldType = string_type(lead.name, texts)
        return Field(lead.name, lead.label, kind, texts)
    return Field(lead.name, lead.label, lead.type, values, lead.unit or (yours.unit if yours else ""))


def _once(
    order: Sequence[int], fields: Sequence[Field], owners: "array[int]", documents: Sequence[str], notes: list[Note]
) -> list[int]:
    """The places of the items without those that an earlier document holds already, with the same key and the
    same values in `fields`, which both sides have."""
    ids = [field for field in fields if field.type == "id"]
    if not ids:
        return list(order)
    seen: dict[tuple[Value, ...], int] = {}
    left_out: dict[tuple[int, int], int] = defaultdict(int)
    kept: list[int] = []
    for place in order:
        record = tuple(field.values[place] for field in fields)
        first = seen.setdefault(record, owners[place]) if any(field.values[place] for field in ids) else owners[place]
        if first == owners[place]:
            kept.append(place)
        else:
            left_out[owners[place], first] += 1
    for (document, first), count in left_out.items():
        notes.append(Note(documents[document], 0, f"{count} items are in {documents[first]} already and are kept once"))
    return kept
