"""Documents in, a corpus out: texts, items and fields that a model can plan over and code can count."""

from rlm_local.corpus.comparison import comparisons
from rlm_local.corpus.corpus import Corpus
from rlm_local.corpus.document import Document, Note, Span
from rlm_local.corpus.field import Field
from rlm_local.corpus.item_set import ItemSet
from rlm_local.corpus.link import Link, group_size, link
from rlm_local.corpus.view import View, view

__all__ = [
    "Corpus",
    "Document",
    "Field",
    "ItemSet",
    "Link",
    "Note",
    "Span",
    "View",
    "comparisons",
    "group_size",
    "link",
    "view",
]
