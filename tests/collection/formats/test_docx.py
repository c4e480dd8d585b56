"""Word documents as they would print."""

import io
import zipfile
from collections.abc import Callable

import docx
import pytest
from docx.document import Document as Made
from docx.oxml import parse_xml

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import docx as word
from rlm_local.collection.formats.part import Document, Part, Rows, Text
from rlm_local.collection.formats.source import Source

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def parts(made: Made) -> list[Part]:
    stream = io.BytesIO()
    made.save(stream)
    return list(word.read(Source("a.docx", stream.getvalue())))


def text(made: Made) -> str:
    return "".join(part.text for part in parts(made) if isinstance(part, Text))


def with_body(xml: str) -> Made:
    made = docx.Document()
    for element in parse_xml(f"<w:body {W}>{xml}</w:body>"):
        made.element.body.insert(0, element)
    return made


def test_headings_are_what_their_text_stands_under():
    made = docx.Document()
    made.core_properties.title = "Terms"
    made.add_heading("Fees", 1)
    made.add_heading("Monthly", 2)
    made.add_paragraph("By 2 %.")
    found = parts(made)
    assert isinstance(found[0], Document)
    assert (found[0].title, found[0].kind) == ("Terms", "word")
    assert Text("Monthly\n\nBy 2 %.\n\n", "Fees > Monthly") in found


def test_deletions_do_not_count_and_insertions_do():
    made = with_body(
        "<w:p><w:r><w:t>It is </w:t></w:r><w:del><w:r><w:delText>old</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p>"
    )
    assert text(made).strip() == "It is new"


def test_a_deleted_end_of_a_paragraph_joins_it_to_the_next():
    second = "<w:p><w:r><w:t>sentence.</w:t></w:r></w:p>"
    first = "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>One </w:t></w:r></w:p>"
    assert text(with_body(second + first)).strip() == "One sentence."


def test_merged_cells_stand_in_each_row_and_column():
    made = docx.Document()
    table = made.add_table(4, 3)
    for row, cells in zip(table.rows, ("City|Year|Sum", "Ulm|2001|5", "|2002|6", "Bonn||7"), strict=True):
        for cell, said in zip(row.cells, cells.split("|"), strict=True):
            cell.text = said
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(3, 0).merge(table.cell(3, 1))
    (found,) = (part for part in parts(made) if isinstance(part, Rows))
    assert found.columns == ("City", "Year", "Sum")
    assert list(found.rows) == [("Ulm", "2001", "5"), ("Ulm", "2002", "6"), ("Bonn", "Bonn", "7")]
    assert "Ulm | 2002 | 6\nBonn | 7\n" in text(made)


def test_a_deleted_row_is_not_read():
    row = (
        "<w:tr>{}<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr>"
    )
    table = row.format("", "kept") + row.format("<w:trPr><w:del/></w:trPr>", "gone")
    assert "gone" not in text(with_body(f"<w:tbl>{table}</w:tbl>"))


def test_figures_in_lines_of_one_cell_stay_with_their_labels():
    made = docx.Document()
    table = made.add_table(2, 3)
    for cell, said in zip(table.rows[0].cells, ("Item", "2006", "2007"), strict=True):
        cell.text = said
    for cell, said in zip(table.rows[1].cells, ("Gross\nTax", "38,000\n1,600", "39,000\n0"), strict=True):
        cell.text = said
    assert "Gross | 38,000 | 39,000\nTax | 1,600 | 0\n" in text(made)


def test_headers_and_footers_are_read_once():
    made = docx.Document()
    made.sections[0].header.paragraphs[0].text = "Confidential"
    made.sections[0].footer.paragraphs[0].text = "GE.16-21563"
    made.add_section()
    made.add_paragraph("words")
    assert text(made).split() == ["Confidential", "words", "GE.16-21563"]


def test_comments_stand_behind_their_paragraph():
    made = docx.Document()
    run = made.add_paragraph("The fee rises.").runs[0]
    made.add_comment(run, "by how much?", author="Ann")
    assert text(made).split("\n\n", 1)[1].strip() == "[Comment by Ann: by how much?]"


def test_text_boxes_are_read_once_and_hidden_text_is_not():
    box = "<w:txbxContent><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:txbxContent>"
    made = with_body(
        '<w:p xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:r><mc:AlternateContent>'
        f"<mc:Choice Requires='wps'>{box.format('boxed')}</mc:Choice><mc:Fallback>{box.format('boxed')}</mc:Fallback>"
        "</mc:AlternateContent></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>"
    )
    assert text(made).split() == ["boxed"]


def test_numbers_of_lists_are_counted():
    made = docx.Document()
    made.add_paragraph("first", "List Number")
    made.add_paragraph("second", "List Number")
    made.add_paragraph("point", "List Bullet")
    assert text(made) == "1. first\n\n2. second\n\n- point\n\n"


def changed(change: Callable[[str, bytes], bytes]) -> bytes:
    made = io.BytesIO()
    docx.Document().save(made)
    out = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (changed(lambda _, data: data)[:-100], "cut short"),
        (b"words", "no office document"),
        (changed(lambda name, data: data[:-20] if name == "word/document.xml" else data), "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "old office document"),
        (changed(lambda name, data: data + b" " * (1 << 27) if name == "word/document.xml" else data), "too large"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(data: bytes, reason: str):
    with pytest.raises(Unreadable, match=reason):
        list(word.read(Source("a.docx", data)))


def test_entities_are_not_expanded():
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    body = f"<w:document {W}><w:body><w:p><w:r><w:t>x&b;&f;</w:t></w:r></w:p></w:body></w:document>".encode()
    data = changed(lambda name, data: bomb + body if name == "word/document.xml" else data)
    found = [part.text for part in word.read(Source("a.docx", data)) if isinstance(part, Text)]
    assert found == ["x\n\n"]


def test_macros_are_not_looked_at():
    stream = io.BytesIO()
    made = docx.Document()
    made.add_paragraph("It is a letter.")
    made.save(stream)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("word/vbaProject.bin", b'Sub AutoOpen()\nShell "echo ran"\nEnd Sub')
    parts = word.read(Source("a.docm", stream.getvalue()))
    assert "".join(part.text for part in parts if isinstance(part, Text)).strip() == "It is a letter."


def test_a_paragraph_that_is_bold_throughout_is_a_heading():
    made = docx.Document()
    made.add_heading("Minutes", 1)
    for title, body in (("Present", "Ann, Ben."), ("Money", "We have some.")):
        made.add_paragraph().add_run(title).bold = True
        made.add_paragraph(body)
    mixed = made.add_paragraph()
    mixed.add_run("Vote").bold = True
    mixed.add_run(" of all")
    made.add_paragraph().add_run("It was a long evening.").bold = True
    found = [part for part in parts(made) if isinstance(part, Text)]
    assert [part.heading for part in found] == ["Minutes", "Minutes > Present", "Minutes > Money"]
