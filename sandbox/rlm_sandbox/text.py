"""A str in the layout CPython keeps it in, so that the guest's copy is the only one made of a large text.

CPython stores a str in the narrowest of four layouts that holds all its characters, and relies on it: a text written
into a guest object must be in exactly that layout. Lone surrogates are ordinary two-byte characters here.

Source: CPython 3.14, Include/cpython/unicodeobject.h; offsets are those of wasm32.
"""

import codecs
from collections.abc import Iterator
from enum import Enum

_PIECE = 1 << 20


class Layout(Enum):
    """`(codec, bytes per character, largest character, offset of the data in the object)`."""

    ASCII = ("ascii", 1, 0x7F, 20)
    LATIN1 = ("latin-1", 1, 0xFF, 28)
    UCS2 = ("utf-16-le", 2, 0xFFFF, 28)
    UCS4 = ("utf-32-le", 4, 0x10FFFF, 28)

    def __init__(self, codec: str, width: int, largest: int, offset: int) -> None:
        self.width, self.largest, self.offset = width, largest, offset
        # Looked up now: a confined worker cannot load a codec's module any more.
        self._encode = codecs.lookup(codec).encode

    def encode(self, text: str) -> Iterator[bytes]:
        """The data of `text` in this layout, in pieces of a million characters."""
        for piece in _pieces(text):
            yield self._encode(piece, "surrogatepass")[0]


def layout_of(text: str) -> Layout:
    """The narrowest layout for `text`."""
    if text.isascii():
        return Layout.ASCII
    layout = Layout.LATIN1
    for piece in _pieces(text):
        if layout is Layout.LATIN1 and not _is_latin1(piece):
            layout = Layout.UCS2
        if layout is Layout.UCS2 and len(piece.encode("utf-16-le", "surrogatepass")) > 2 * len(piece):
            return Layout.UCS4
    return layout


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def _is_latin1(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
