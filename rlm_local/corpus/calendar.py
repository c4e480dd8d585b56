"""Months, years and weekdays of a set's dates, as fields that items can be grouped by."""

from collections.abc import Callable, Iterator
from datetime import date

from rlm_local.corpus.field import Field
from rlm_local.corpus.item_set import ItemSet

_MOST = 2  # date fields of a set that get them
_PARTS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("month", lambda iso: iso[:7]),
    ("year", lambda iso: iso[:4]),
    ("weekday", lambda iso: date.fromisoformat(iso[:10]).strftime("%A")),
)


def with_calendar(item_set: ItemSet) -> ItemSet:
    """The set with "<date>_month" ("2024-03"), "<date>_year" and "<date>_weekday" as more fields, where they vary."""
    names = {field.name for field in item_set.fields}
    found = [part for field in _dates(item_set)[:_MOST] for part in _parts(field) if part.name not in names]
    return ItemSet(
        item_set.name, item_set.kind, item_set.starts, item_set.ends, item_set.documents, (*item_set.fields, *found)
    )


def _dates(item_set: ItemSet) -> list[Field]:
    dates = (field for field in item_set.fields if field.type == "date" and field.distinct)
    return [
        field for field in dates if len(str(field.min)) >= 10 and all(len(str(value)) >= 10 for value in field.counts)
    ]


def _parts(field: Field) -> Iterator[Field]:
    for name, part in _PARTS:
        known = {value: part(str(value)) for value in field.counts}
        if len(set(known.values())) > 1:
            values = [None if value is None else known[value] for value in field.values]
            yield Field(f"{field.name}_{name}", f"{field.label} ({name})", "category", values)
