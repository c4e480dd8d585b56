"""A format: which files it reads, and how."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rlm_local.collection.formats.part import Part
from rlm_local.collection.formats.source import Source

LOOK = 1 << 16
"""Bytes from the beginning of a file that `sniff` is given."""


def _never(_head: bytes) -> bool:
    return False


@dataclass(frozen=True)
class Format:
    """One form of file.

    Attributes:
        suffixes: in lower case, without the dot.
        read: gives the parts of a file, in order; raises Unreadable where it cannot.
        sniff: whether a file whose suffix tells nothing looks like one, from its first bytes.
        version: grows when `read` gives something else, so that files are parsed anew.
        prose: whether files are read for their words, so that a few rows in one are an aside.
    """

    name: str
    suffixes: frozenset[str]
    read: Callable[[Source], Iterator[Part]]
    sniff: Callable[[bytes], bool] = _never
    version: int = 1
    prose: bool = False
