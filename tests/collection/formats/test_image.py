"""Pictures that are drawn here: what OCR reads of them, in which order, and what bad ones cost."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import image, pdf
from rlm_local.collection.formats.part import Note, Part, Text
from rlm_local.collection.formats.source import Source

Line = tuple[int, int, str]


def drawn(lines: Sequence[Line], size: tuple[int, int] = (600, 120)) -> Image.Image:
    picture = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(24)
    for x, y, text in lines:
        pen.text((x, y), text, "black", font)
    return picture


def saved(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def parts(data: bytes, name: str = "some.png") -> list[Part]:
    return list(image.read(Source(name, data)))


def text(data: bytes) -> str:
    return "".join(part.text for part in parts(data) if isinstance(part, Text)).strip()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_what_is_written_in_a_picture_is_read(form: str) -> None:
    assert text(saved(drawn([(20, 40, "Invoice number 4711")]), form)) == "Invoice number 4711"


def test_lines_are_read_from_the_top_and_cells_from_the_left() -> None:
    lines = [(20, 10, "Apples"), (400, 10, "12.50"), (20, 60, "Oranges"), (400, 60, "7.25")]
    assert text(saved(drawn(lines))) == "Apples  12.50\nOranges  7.25"


@pytest.mark.parametrize("turn", [90, 180])
def test_a_turned_picture_is_turned_back(turn: int) -> None:
    lines = [(20, 10, "The first line of a letter"), (20, 60, "and the second one of it")]
    read = text(saved(drawn(lines).rotate(turn, expand=True)))
    assert " ".join(read.split()) == "The first line of a letter and the second one of it"


def test_each_page_of_a_tiff_is_a_text() -> None:
    pages = [drawn([(20, 40, word)]) for word in ("First page", "Second page")]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    read = [(part.text.strip(), part.place) for part in parts(data, "some.tif") if isinstance(part, Text)]
    assert read == [("First page", "page 1"), ("Second page", "page 2")]


def test_what_is_clear_or_of_sixteen_bits_is_read_on_white() -> None:
    clear = Image.new("RGBA", (600, 120), (0, 0, 0, 0))
    ImageDraw.Draw(clear).text((20, 40), "Written on glass", (0, 0, 0, 255), ImageFont.load_default(24))
    deep = drawn([(20, 40, "Written in grey")]).convert("I").point(lambda value: value * 200).convert("I;16")
    assert [text(saved(clear)), text(saved(deep))] == ["Written on glass", "Written in grey"]


def test_a_picture_without_text_says_so() -> None:
    notes = [part.problem for part in parts(saved(drawn([]))) if isinstance(part, Note)]
    assert notes == ["no text was found in this picture"]


def test_a_page_of_a_pdf_that_is_a_picture_is_read() -> None:
    data = saved(drawn([(20, 40, "Scanned report")]), "PDF")
    read = [(part.text.strip(), part.place) for part in pdf.read(Source("scan.pdf", data)) if isinstance(part, Text)]
    assert read == [("Scanned report", "page 1")]


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 12_000, 12_000, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    with pytest.raises(Unreadable, match="too large: 12000 x 12000 pixels"):
        parts(bomb)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", saved(drawn([(20, 40, "cut")]))[:300], b"text"])
def test_what_is_no_picture_is_damaged(data: bytes) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        parts(data)


def test_reading_a_picture_asks_no_network() -> None:
    program = """if True:
        import sys
        def watch(event, given):
            if event in ("socket.connect", "socket.getaddrinfo"):
                raise SystemExit(f"asked the network: {given}")
        sys.addaudithook(watch)
        from rlm_local.collection.formats import image
        from rlm_local.collection.formats.source import Source
        print(*(part.text.strip() for part in list(image.read(Source("a.png", sys.stdin.buffer.read())))[1:]))
    """
    data = saved(drawn([(20, 40, "Alone at home")]))
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode().strip()) == (0, "Alone at home"), done.stderr.decode()
