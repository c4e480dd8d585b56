"""PDFs made of a few lines each: what is read of them, in which order, and what bad ones cost."""

import io
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import layout, pdf
from rlm_local.collection.formats.layout import Piece, Rule
from rlm_local.collection.formats.part import Document, Note, Part, Rows, Text
from rlm_local.collection.formats.ruled import celled
from rlm_local.collection.formats.source import Source
from rlm_local.collection.formats.written import Written

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


def records(data: bytes) -> list[Rows]:
    """The tables of a PDF; each row's span is checked to hold its first cell."""
    read = parts(data)
    written = "".join(part.text for part in read if isinstance(part, Text))
    tables = [part for part in read if isinstance(part, Rows)]
    for table in tables:
        for row, (start, end) in zip(table.rows, table.spans or [], strict=True):
            assert str(row[0]).split()[0] in written[start:end]
    return tables


def ruled(xs: Sequence[int], ys: Sequence[int]) -> str:
    """Lines of a table that begin and end its columns and rows."""
    across = "".join(f"{xs[0]} {800 - y} m {xs[-1]} {800 - y} l S " for y in ys)
    return across + "".join(f"{x} {800 - ys[0]} m {x} {800 - ys[-1]} l S " for x in xs)


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


def test_a_ruled_table_is_records_and_its_cells_are_kept_apart_however_near() -> None:
    lines = [(52, 62, "Company"), (152, 62, "City"), (252, 62, "Notices")]
    lines += [(52, 82, "Bakery of Los Angeles"), (156, 82, "San Fernando"), (252, 82, "50")]
    lines += [
        (52, 97, "Boeing, of which"),
        (52, 107, "the name is long"),
        (152, 102, "Seal Beach"),
        (252, 102, "56"),
    ]
    table = records(paper(lines, extra=ruled((50, 150, 250, 300), (50, 70, 88, 110))))[0]
    assert table.columns == ("Company", "City", "Notices")
    assert list(table.rows) == [
        ("Bakery of Los Angeles", "San Fernando", "50"),
        ("Boeing, of which the name is long", "Seal Beach", "56"),
    ]
    assert table.places == ["page 1, row 2", "page 1, row 3"]


def test_columns_of_numbers_that_stand_below_one_another_are_records() -> None:
    lines = [(50, 40, "Table 7. Arrests"), (50, 80, "Offense"), (200, 80, "Total"), (280, 80, "Under 18")]
    for y, (label, total, young) in enumerate((("Robbery", "102", "25"), ("Arson", "9", "-"), ("Fraud", "173", "5"))):
        lines += [(50, 94 + 14 * y, f"{label} . . . . . . . . ."), (200, 94 + 14 * y, total), (280, 94 + 14 * y, young)]
    table = records(paper(lines))[0]
    assert (table.table, table.columns) == ("Table 7. Arrests", ("Offense", "Total", "Under 18"))
    assert list(table.rows) == [("Robbery", "102", "25"), ("Arson", "9", "-"), ("Fraud", "173", "5")]


def test_a_label_above_a_line_over_several_columns_is_the_label_of_each() -> None:
    lines = [(260, 66, "Male"), (50, 80, "Offense"), (150, 80, "Total"), (220, 80, "Young"), (290, 80, "Old")]
    for y in range(4):
        lines += [(50, 94 + 14 * y, "abcd"[y] * 5), *((x, 94 + 14 * y, f"{x + y}") for x in (150, 220, 290))]
    table = records(paper(lines, extra="215 731 m 320 731 l S "))[0]
    assert table.columns == ("Offense", "Total", "Male Young", "Male Old")


def test_a_label_that_goes_on_on_the_next_line_is_one() -> None:
    lines = [(50, 66, "Murder and"), (50, 80, "manslaughter"), (200, 80, "10.0"), (280, 80, "0.9")]
    lines += [
        (50, 52, "Offense"),
        (200, 52, "Total"),
        (280, 52, "Young"),
        (200, 38, ""),
        (50, 94, "Arson"),
        (200, 94, "9.8"),
    ]
    lines += [(280, 94, "4.3"), (50, 108, "Fraud"), (200, 108, "7.5"), (280, 108, "5.1")]
    assert records(paper(lines))[0].rows[0] == ("Murder and manslaughter", "10.0", "0.9")


def test_a_table_that_goes_on_on_the_next_page_is_one_without_its_labels_again() -> None:
    def page(first: int) -> list[Line]:
        rows = [("Name", "Amount"), *((f"name {n}", str(n)) for n in range(first, first + 3))]
        return [(x, 62 + 20 * y, row[i]) for y, row in enumerate(rows) for i, x in enumerate((52, 152))]

    lines = ruled((50, 150, 250), (50, 70, 90, 110, 130))
    tables = records(paper(page(1), page(4), extra=lines))
    rows = [row for table in tables for row in table.rows]
    assert rows == [(f"name {n}", str(n)) for n in range(1, 7)]
    assert [place for table in tables for place in table.places or []][3] == "page 2, row 2"


def test_tables_beside_one_another_are_two() -> None:
    lines: list[Line] = []
    for x, names in ((50, "abcd"), (330, "wxyz")):
        rows = [("Name", "Amount"), *((letter * 4, str(n)) for n, letter in enumerate(names))]
        lines += [(x + 2 + 100 * i, 62 + 20 * y, row[i]) for y, row in enumerate(rows) for i in range(2)]
    borders = (50, 70, 90, 110, 130, 150)
    drawn = ruled((50, 150, 250), borders) + ruled((330, 430, 530), borders)
    found = [row for table in records(paper(lines, extra=drawn)) for row in table.rows]
    assert found == [(letter * 4, str(n)) for letters in ("abcd", "wxyz") for n, letter in enumerate(letters)]


coordinates = st.integers(20, 560)


@given(
    st.lists(st.tuples(coordinates, coordinates, st.integers(1, 6)), min_size=1, max_size=60),
    st.lists(st.tuples(coordinates, coordinates, st.integers(0, 200), st.booleans()), max_size=30),
)
def test_every_word_is_in_the_text_once_wherever_words_and_lines_are(
    places: list[tuple[int, int, int]], drawn: list[tuple[int, int, int, bool]]
) -> None:
    words = [
        Piece(" ".join(f"w{number}x{part}" for part in range(count)), x, x + 25 * count, y, 10)
        for number, (x, y, count) in enumerate(places)
    ]
    rules = [Rule(x, x + size, y, y) if across else Rule(x, x, y, y + size) for x, y, size, across in drawn]
    page = Written(0, set(), rules)
    for block in layout.flow(layout.pieces(celled(words, rules)), rules):
        page.block(block)
    written = [word for piece in words for word in piece.text.split()]
    assert {word: page.text.count(word) for word in written} == dict.fromkeys(written, 1)  # those that touch are one


def test_a_page_of_many_lines_and_one_of_too_many_letters_are_read_to_the_bound() -> None:
    drawn = "".join(f"{n % 600} 0 m {n % 600} 800 l S 0 {n % 800} m 600 {n % 800} l S " for n in range(30_000))
    assert "kept" in text(paper([(50, 50, "kept")], extra=drawn))
    read = parts(paper([(n % 9 * 60, n % 790, f"{n} a word or two, and some more of them") for n in range(6_000)]))
    assert [part.problem for part in read if isinstance(part, Note)] == ["only the first 200000 characters are read"]


def test_a_form_inside_itself_ends() -> None:
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources<</XObject<</X 4 0 R>>/Font<</F1 3 0 R>>>>"
    data = paper([(50, 50, "once")], extra="/X Do ").replace(b"4 0 obj\n<<", b"4 0 obj\n" + form)
    assert "once" in text(data.replace(b"/Resources<</Font", b"/Resources<</XObject<</X 4 0 R>>/Font", 1))


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
