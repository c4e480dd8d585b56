"""Collections: files and folders as an index on the disk, parsed once, kept up to date, and read by everything else."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlm_local.collection.collection import Collection
    from rlm_local.collection.errors import CollectionError
    from rlm_local.collection.info import Column, DocumentInfo, FileInfo, Passage, Reference, Remark, Table
    from rlm_local.collection.progress import Progress, Step
    from rlm_local.collection.scan import Skipped

_PLACES = {
    "Collection": "collection",
    "CollectionError": "errors",
    "Progress": "progress",
    "Skipped": "scan",
    "Step": "progress",
}

__all__ = [
    "Collection",
    "CollectionError",
    "Column",
    "DocumentInfo",
    "FileInfo",
    "Passage",
    "Progress",
    "Reference",
    "Remark",
    "Skipped",
    "Step",
    "Table",
]


def __getattr__(name: str) -> object:
    """Modules are loaded when first asked for, because a process that parses needs only the formats."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"rlm_local.collection.{_PLACES.get(name, 'info')}"), name)
