"""PDFs made of a few lines each: what is read of them, in which order, and what bad ones cost."""

import io
from collections.abc import Callable, Sequence

import pytest
from pypdf import PdfReader, PdfWriter

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import pdf
from rlm_local.collection.formats.part import Document, Note, Part, Text
from rlm_local.collection.formats.source import Source

Line = tuple[float, float, str]
"""x from the left, y from the top, what is written there in letters of ten points."""

LEFT = "the first column tells of rivers and of mills that"
RIGHT = "while the second one is about ships and harbours in"


def paper(*pages: Sequence[Line], extra: str = "", size: int = 10) -> bytes:
    """A PDF with these lines on its pages, and `extra` drawn on each."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids: list[str] = []
    for lines in pages:
        shown = extra + "".join(
            f"BT /F1 {size} Tf 1 0 0 1 {x} {800 - y} Tm ({text.replace('(', chr(92) + '(')}) Tj ET\n"
            for x, y, text in lines
        )
        stream = shown.encode("cp1252")
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
            % len(objects)
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>".encode()
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % place for place in places)
    out.write(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))
    return out.getvalue()


def parts(data: bytes) -> list[Part]:
    return list(pdf.read(Source("some.pdf", data)))


def text(data: bytes) -> str:
    return "".join(part.text for part in parts(data) if isinstance(part, Text))


def changed(data: bytes, change: Callable[[PdfWriter], object]) -> bytes:
    writer = PdfWriter(PdfReader(io.BytesIO(data)))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_each_page_is_a_text_that_knows_its_number() -> None:
    read = [part for part in parts(paper([(50, 50, "one")], [], [(50, 50, "three")])) if isinstance(part, Text)]
    assert [(part.text.strip(), part.place) for part in read] == [("one", "page 1"), ("three", "page 3")]


def test_two_columns_of_prose_are_read_one_after_the_other() -> None:
    lines = [(50, 40, "A title over both of the columns that stands in the middle of the page and is a long one")]
    for row in range(6):  # row by row, as some programs write them
        lines += [(50, 80 + 12 * row, f"{LEFT} {row}"), (320, 80 + 12 * row, f"{RIGHT} {row}")]
    read = text(paper(lines))
    assert read.index("title") < read.index(f"{LEFT} 0") < read.index(f"{LEFT} 5") < read.index(f"{RIGHT} 0")


def test_what_stands_side_by_side_in_short_stays_one_line() -> None:
    rows = [("2024-01-02", "Acme Corporation", "Springfield", "12"), ("2024-01-03", "Initech", "Austin", "7")] * 3
    columns = [(x, [row[i] for row in rows]) for i, x in enumerate((50, 150, 300, 450))]
    lines = [(x, 50 + 14 * y, cell) for x, cells in columns for y, cell in enumerate(cells)]  # column by column
    found = text(paper(lines)).splitlines()
    assert [line.split("  ") for line in found if line] == [list(row) for row in rows]


def test_lines_that_only_the_margin_broke_are_one_paragraph() -> None:
    full = "a line that goes on to the margin of the page and is as long as the lines"
    read = text(paper([(50, 50 + 12 * y, full) for y in range(3)] + [(50, 86, "the end."), (50, 98, "Next.")]))
    assert read.strip() == f"{full} {full} {full} the end.\nNext."


@pytest.mark.parametrize(
    ("before", "after", "elsewhere", "whole"),
    [
        ("we show the repre-", "sentation of it", "", "representation"),
        ("we show a dual-", "encoder that works", "this is the dual-encoder", "dual-encoder"),
        ("we show a low-", "frequency sound", "a low-level frequency", "low-frequency"),
        ("it is better than a Lucene-", "BM25 system", "", "Lucene-BM25"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_goes_unless_the_word_has_it(
    before: str, after: str, elsewhere: str, whole: str
) -> None:
    assert whole in text(paper([(50, 50, before), (50, 62, after), (50, 100, elsewhere)]))


def test_dots_that_lead_to_a_number_are_left_out() -> None:
    assert text(paper([(50, 50, "Robbery. . . . . . . . . . . 25.5")])).strip() == "Robbery  25.5"


def test_turned_text_is_read_along_its_direction() -> None:
    sideways = (
        "BT /F1 10 Tf 0 1 -1 0 100 100 Tm (first words of it) Tj ET BT /F1 10 Tf 0 1 -1 0 112 100 Tm (second) Tj ET"
    )
    assert text(paper([], extra=sideways)).split() == ["first", "words", "of", "it", "second"]


def test_the_title_is_the_files_own_or_its_largest_line() -> None:
    big = "BT /F1 24 Tf 1 0 0 1 50 760 Tm (Annual Report) Tj ET "
    plain = paper([(50, 100, "and a few words of text"), (50, 112, "and some more of them")], extra=big)
    named = changed(plain, lambda writer: writer.add_metadata({"/Title": "The Year 2024"}))
    titles = [part.title for data in (plain, named) for part in parts(data) if isinstance(part, Document)]
    assert titles == ["Annual Report", "The Year 2024"]


def test_what_is_encrypted_without_the_users_password_is_read() -> None:
    data = changed(
        paper([(50, 50, "for all")]), lambda writer: writer.encrypt("", owner_password="o", algorithm="RC4-128")
    )
    assert text(data).strip() == "for all"


def test_what_asks_for_a_password_says_so() -> None:
    data = changed(paper([(50, 50, "secret")]), lambda writer: writer.encrypt("u", algorithm="RC4-128"))
    with pytest.raises(Unreadable, match="encrypted: a password is needed"):
        parts(data)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4\n", b"%PDF-1.4\nno objects\n%%EOF", b"\0" * 4000])
def test_what_is_no_pdf_is_damaged(data: bytes) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        parts(data)


def test_a_file_that_is_cut_short_is_read_as_far_as_it_goes_or_damaged() -> None:
    data = paper([(50, 50, "one")], [(50, 50, "two")])
    for end in range(0, len(data), 37):
        try:
            parts(data[:end])
        except Unreadable as error:
            assert "damaged" in str(error)  # noqa: PT017  either is right


def test_pages_that_contain_themselves_end() -> None:
    data = paper([(50, 50, "once")]).replace(b"/Kids[5 0 R]", b"/Kids[2 0 R]").replace(b"/Count 1", b"/Count 9")
    assert sum(isinstance(part, Text) for part in parts(data)) <= 9


def test_pages_beyond_the_bound_are_noted() -> None:
    data = paper([]).replace(b"/Kids[5 0 R]", b"/Kids[%s]" % (b"5 0 R " * (pdf.MOST_PAGES + 1)))
    data = data.replace(b"/Count 1", b"/Count %d" % (pdf.MOST_PAGES + 1))
    notes = [part.problem for part in parts(data) if isinstance(part, Note)]
    assert notes == [f"only the first {pdf.MOST_PAGES} of {pdf.MOST_PAGES + 1} pages are read"]
