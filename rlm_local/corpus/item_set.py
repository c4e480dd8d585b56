"""Items of one sort, over one or many documents, with what they say by field."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from rlm_local.corpus.field import Field
from rlm_local.corpus.table import ItemKind


@dataclass(frozen=True, eq=False)
class ItemSet:
    """Items in the order of the context. `starts` and `ends` are offsets in the context, `documents` the index of the
    document that each item lies in; each field has a value per item. `name` is unique in its corpus.
    """

    name: str
    kind: ItemKind
    starts: "array[int]"
    ends: "array[int]"
    documents: "array[int]"
    fields: tuple[Field, ...]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def characters(self) -> int:
        """Of all items together."""
        return sum(self.ends) - sum(self.starts)

    def field(self, name: str) -> Field | None:
        """The field of this name, None if there is none."""
        return next((field for field in self.fields if field.name == name), None)

    def texts(self, context: str) -> Iterator[str]:
        """Each item's text."""
        return (context[start:end] for start, end in zip(self.starts, self.ends, strict=True))
