"""OpenDocument texts as they would print."""

import io
import zipfile

import pytest
from odfdo import Document as Made
from odfdo import Header, Paragraph, Table

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import odf
from rlm_local.collection.formats.part import Document, Rows, Text
from rlm_local.collection.formats.source import Source

SPACES = (
    " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in "office text table drawing style".split()
    )
    + ' xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"'
)


def with_body(body: str, manifest: str = "<m/>", styles: str = "") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        made.writestr("META-INF/manifest.xml", manifest)
        text = f"<office:body><office:text>{body}</office:text></office:body>"
        content = f"<office:document-content {SPACES}>{styles}{text}"
        made.writestr("content.xml", content + "</office:document-content>")
    return stream.getvalue()


def text(data: bytes, name: str = "a.odt") -> str:
    return "".join(part.text for part in odf.read(Source(name, data)) if isinstance(part, Text))


def test_headings_paragraphs_and_tables():
    made = Made("text")
    made.body.clear()
    made.body.append(Header(1, "Fees"))
    made.body.append(Paragraph("They rose."))
    table = Table("Sums", width=2, height=3)
    for row, cells in enumerate((("Year", "Sum"), ("2001", "5"), ("2002", "6"))):
        for column, said in enumerate(cells):
            table.set_value((column, row), said)
    made.body.append(table)
    stream = io.BytesIO()
    made.save(stream)
    found = list(odf.read(Source("a.odt", stream.getvalue())))
    assert isinstance(found[0], Document)
    assert (found[0].title, found[0].kind) == ("Fees", "word")
    assert Text("Fees\n\nThey rose.\n\nYear | Sum\n2001 | 5\n2002 | 6\n\n", "Fees") in found
    (rows,) = (part for part in found if isinstance(part, Rows))
    assert (rows.columns, list(rows.rows)) == (("Year", "Sum"), [("2001", "5"), ("2002", "6")])


def test_deletions_do_not_count_and_insertions_do():
    gone = "<text:tracked-changes><text:deletion><text:p>gone</text:p></text:deletion></text:tracked-changes>"
    kept = "<text:p>It is <text:change-start/>new<text:change-end/>.</text:p>"
    assert text(with_body(gone + kept)) == "It is new.\n\n"


def test_notes_and_comments_stand_behind_their_paragraph():
    note = "<text:note><text:note-body><text:p>see below</text:p></text:note-body></text:note>"
    comment = "<office:annotation><text:p>how much?</text:p></office:annotation>"
    expected = "The fee[1] rises.\n\n[1] see below\n[Comment by somebody: how much?]\n"
    assert text(with_body(f"<text:p>The fee{note} rises.{comment}</text:p>")) == expected


def test_blanks_are_counted_and_never_too_many():
    assert text(with_body('<text:p>a<text:s text:c="3"/>b<text:tab/>c</text:p>')) == "a   b\tc\n\n"
    assert len(text(with_body('<text:p>a<text:s text:c="99999999"/>b</text:p>'))) < 1000


def test_lists_and_boxes_are_read_once():
    body = "<text:list><text:list-item><text:p>point</text:p></text:list-item></text:list>"
    box = "<text:p><drawing:frame><drawing:text-box><text:p>boxed</text:p></drawing:text-box></drawing:frame></text:p>"
    assert text(with_body(body + box)).split() == ["point", "boxed"]


def test_merged_and_repeated_cells_stand_where_they_cover():
    row = "<table:table-row>{}</table:table-row>"
    cell = "<table:table-cell {}><text:p>{}</text:p></table:table-cell>"
    covered = "<table:covered-table-cell/>"
    rows = (
        row.format("".join(cell.format("", said) for said in ("City", "Year", "Sum")))
        + row.format(
            cell.format('table:number-rows-spanned="2"', "Ulm") + cell.format("", "2001") + cell.format("", "5")
        )
        + row.format(covered + cell.format('table:number-columns-repeated="2"', "6"))
    )
    data = with_body(f"<table:table>{rows}</table:table>")
    (found,) = (part for part in odf.read(Source("a.odt", data)) if isinstance(part, Rows))
    assert list(found.rows) == [("Ulm", "2001", "5"), ("Ulm", "6", "6")]


def test_slides_have_places():
    page = "<drawing:page><text:p>{}</text:p></drawing:page>"
    found = list(odf.read(Source("a.odp", with_body(page.format("one") + page.format("two")))))
    assert [(part.text, part.place) for part in found if isinstance(part, Text)] == [
        ("one\n\n", "slide 1"),
        ("two\n\n", "slide 2"),
    ]


def test_an_encrypted_one_says_so():
    with pytest.raises(Unreadable, match="encrypted"):
        text(with_body("", "<m><manifest:encryption-data xmlns:manifest='m'/></m>"))


def test_headings_by_style_and_by_bold_letters():
    bold = '<style:text-properties fo:font-weight="bold"/></style:style>'
    styles = (
        '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Heading"/>'
        f'<style:style style:name="P2" style:family="paragraph">{bold}'
        f'<style:style style:name="T1" style:family="text">{bold}'
    )
    body = (
        '<text:p text:style-name="P1">Minutes</text:p><text:p>In March.</text:p>'
        '<text:p text:style-name="P2">Present</text:p><text:p>Ann.</text:p>'
        '<text:p><text:span text:style-name="T1">Money</text:span></text:p><text:p>Some.</text:p>'
        '<text:p><text:span text:style-name="T1">Vote</text:span> of all</text:p>'
    )
    data = with_body(body, styles=f"<office:automatic-styles>{styles}</office:automatic-styles>")
    found = [part.heading for part in odf.read(Source("a.odt", data)) if isinstance(part, Text)]
    assert found == ["Minutes", "Minutes > Present", "Minutes > Money"]
