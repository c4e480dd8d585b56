"""What a question is asked of: a collection, or the corpus that the guided author plans over."""

from dataclasses import replace

from rlm_local.collection.view import Shape, View
from rlm_local.corpus import Corpus, ItemSet

Records = Corpus | View


def shape_of(records: Records) -> Shape:
    """What there is to count or to judge."""
    if isinstance(records, View):
        return records.shape
    largest = max((s for s in records.item_sets if s.fields), key=len, default=None)
    fields = sum(len(s.fields) for s in records.item_sets)
    return replace(shape_of_set(largest), fields=fields) if largest else Shape(0, 0, fields)


def shape_of_set(items: ItemSet) -> Shape:
    """What one set of items is."""
    return Shape(len(items), items.characters, len(items.fields))
