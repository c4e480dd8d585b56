import io

import pytest

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.source import PIECE, Source

LINE = "Größe \N{EURO SIGN}, one line of text\r\n"
LARGE = LINE * (20 * PIECE // len(LINE))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-be"])
def test_a_large_file_in_pieces_is_its_text(encoding: str):
    source = Source("large.txt", io.BytesIO(LARGE.encode(encoding)))
    pieces = list(source.pieces())
    assert max(map(len, pieces)) <= PIECE
    assert "".join(pieces) == LARGE.replace("\r\n", "\n")


def test_a_large_file_whose_first_foreign_letters_come_late_is_read_in_their_encoding():
    data = b"plain\n" * (4 * PIECE) + "caf\xe9 cr\xe8me, d\xe9j\xe0 vu\n".encode("cp1252")
    assert "".join(Source("late.csv", data).pieces()).endswith("café crème, déjà vu\n")


def test_what_is_no_text_is_unreadable():
    with pytest.raises(Unreadable):
        list(Source("large.csv", bytes(range(256)) * (PIECE // 8)).pieces())


def test_controls_become_replacement_characters():
    assert list(Source("x.csv", b"a\x07b\tc\n").pieces()) == ["a\N{REPLACEMENT CHARACTER}b\tc\n"]
