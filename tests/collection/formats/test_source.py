import io

import pytest

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.source import LONGEST_LINE, PIECE, Source

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


def test_controls_are_left_out():
    assert list(Source("x.csv", b"a\x07b\tc\n").pieces()) == ["ab\tc\n"]


def test_lines_are_the_text_between_line_breaks_with_their_places():
    text = "one\n\ntwo" + "x" * (2 * PIECE) + "\nthree"
    lines = list(Source("x.txt", text.encode()).lines())
    assert "\n".join(line for line, _ in lines) == text
    assert all(text.startswith(line, start) for line, start in lines)


def test_a_line_of_any_length_is_given_in_bounded_pieces():
    lines = list(Source("x.txt", b"x" * (3 * LONGEST_LINE)).lines())
    assert [len(line) for line, _ in lines] == [LONGEST_LINE] * 3
    assert [start for _, start in lines] == [0, LONGEST_LINE, 2 * LONGEST_LINE]
