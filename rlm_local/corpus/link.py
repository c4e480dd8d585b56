"""What a question mentions of an item set."""

from dataclasses import dataclass
from typing import Any

from rlm_local.corpus.item_set import ItemSet


@dataclass(frozen=True)
class Link:
    field: str
    op: str
    value: Any
    surface: str
    score: float


def link(question: str, item_set: ItemSet) -> list[Link]:
    return [
        Link(field.name, "=", value, str(value), 1.0)
        for field in item_set.fields
        if field.type in ("category", "id")
        for value in field.counts
        if str(value).lower() in question.lower()
    ]
