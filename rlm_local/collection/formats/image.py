"""Pictures: what is written in them, by OCR. Each page of a TIFF is one."""

import importlib
import warnings
from collections.abc import Iterator
from typing import Any

from rlm_local.collection.errors import Needs, Unreadable
from rlm_local.collection.formats import layout, ocr
from rlm_local.collection.formats.format import Format
from rlm_local.collection.formats.part import Document, Note, Part, Text
from rlm_local.collection.formats.source import Source

MOST_PIXELS = 100_000_000
"""Pixels of a picture that is decoded: 300 MB."""

MOST_PAGES = 200
"""Pages that are read of a TIFF; each costs seconds."""

_FORMS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")  # and none of those that call other programs
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")


def read(source: Source) -> Iterator[Part]:
    """The parts of a picture, a text for each page that has one.

    Raises:
        Unreadable: it is damaged or too large.
        Needs: the packages of the extra `ocr` are not installed.
    """
    image = _opened(source)
    count = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    yield Document(kind="image")
    known: set[str] = set()
    for number in range(min(count, MOST_PAGES)):
        place = f"page {number + 1}" if count > 1 else ""
        try:
            image.seek(number)
            found = ocr.written(_pixels(image))
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            if not number:
                raise Unreadable(f"damaged picture: {error}") from None
            yield Note(f"this page is damaged: {error}", place)
            return
        known |= layout.words_of(found)
        text = layout.text(found, known)
        yield Text(text + "\n\n", place=place) if text else Note("no text was found in this picture", place)
    if count > MOST_PAGES:
        yield Note(f"only the first {MOST_PAGES} of {count} pages are read")


def _opened(source: Source) -> Any:
    try:
        library: Any = importlib.import_module("PIL.Image")
    except ImportError:
        raise Needs("pip install 'rlm-local[ocr]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", library.DecompressionBombWarning)  # the bound is set below
            return library.open(source.open(), formats=_FORMS)
    except library.DecompressionBombError as error:
        raise Unreadable(f"too large: {error}") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise Unreadable(f"damaged picture, or none: {error}") from None


def _pixels(image: Any) -> "ocr.Pixels":
    """A picture as it is meant to be seen, on white, small enough to be read.

    Raises:
        Unreadable: it has too many pixels to be decoded.
    """
    import numpy as np  # what opens a collection without pictures need not wait for it

    width, height = image.size
    if width * height > MOST_PIXELS:
        raise Unreadable(f"too large: {width} x {height} pixels, at most {MOST_PIXELS:,} are read")
    factor = ocr.scale(width, height)
    image.draft("RGB", (int(width * factor), int(height * factor)))  # a JPEG can be decoded to a smaller one
    library: Any = importlib.import_module("PIL.Image")
    turned = importlib.import_module("PIL.ImageOps").exif_transpose(image)
    if turned.mode.startswith(("I", "F")):  # grey of more than eight bits
        grey = np.asarray(turned, dtype=np.float32)
        least, most = float(grey.min()), float(grey.max())
        turned = library.fromarray(((grey - least) * (255 / ((most - least) or 1.0))).astype(np.uint8))
    factor = ocr.scale(*turned.size)
    seen = turned.resize((max(1, int(turned.width * factor)), max(1, int(turned.height * factor)))).convert("RGBA")
    white = library.new("RGBA", seen.size, "white")
    return np.asarray(library.alpha_composite(white, seen).convert("RGB"))[:, :, ::-1]


FORMAT = Format(
    "image",
    frozenset({"png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "gif"}),
    read,
    lambda head: head.startswith(_BEGINNINGS),
    prose=True,
)
