"""Pages as their readers see them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats import html
from rlm_local.collection.formats.part import Document, Part, Rows, Text
from rlm_local.collection.formats.source import Source


def parts(page: str) -> list[Part]:
    return list(html.read(Source("a.html", page.encode())))


def text(page: str) -> str:
    return "".join(part.text for part in parts(page) if isinstance(part, Text))


def rows(page: str) -> list[Rows]:
    return [part for part in parts(page) if isinstance(part, Rows)]


def test_a_page_has_a_title_headings_and_paragraphs():
    page = "<title>Fees &amp; costs</title><h1>Fees</h1><p>They <b>rose</b>.<h2>Monthly</h2><p>By 2&nbsp;%."
    assert parts(page) == [
        Document(title="Fees & costs", kind="web"),
        Text("Fees\n\nThey rose.\n", "Fees"),
        Text("Monthly\n\nBy 2 %.\n", "Fees > Monthly"),
    ]


def test_scripts_styles_comments_and_hidden_parts_are_not_read():
    assert text("<style>p{}</style><p>seen<script>if (a</b) x('</p>')</script><!-- no > no -->").split() == ["seen"]
    assert text("seen<div style='display: none'>no<div>no</div>no</div>").split() == ["seen"]
    assert text("<div style='color: red'>seen</div><template><p>no</p></template>").split() == ["seen"]
    assert text("<p>a</p><!-- never closed <p>no</p>").split() == ["a"]


def test_a_table_is_lines_of_text_and_rows():
    page = "<table><caption>Fees</caption><tr><th>Kind<th>Price<tr><td>a<br>b<td>3<tr><td>c<td></table>"
    found = rows(page)
    assert [(one.table, one.columns, list(one.rows)) for one in found] == [
        ("Fees", ("Kind", "Price"), [("a\nb", "3"), ("c", None)])
    ]
    assert "a b | 3\n" in text(page)


def test_spans_point_at_the_rows_in_the_text():
    page = "<p>before</p><table><tr><th>Kind<th>Price<tr><td>x<td>3<tr><td>y<td>4</table>"
    (found,) = rows(page)
    assert found.spans is not None
    assert [text(page)[start:end] for start, end in found.spans] == ["x | 3", "y | 4"]


def test_merged_cells_stand_in_every_row_and_column_that_they_cover():
    body = "<tr><td rowspan=2>Ulm<td>2001<td>5<tr><td>2002<td>6<tr><td colspan=2>all<td>11"
    (found,) = rows(f"<table><tr><th>City<th>Year<th>Sum{body}</table>")
    assert list(found.rows) == [("Ulm", "2001", "5"), ("Ulm", "2002", "6"), ("all", "all", "11")]


def test_a_table_that_only_lays_out_a_page_has_no_rows():
    page = (
        "<table><tr><td>left<td><h2>News</h2>right<tr><td colspan=2><table><tr><th>a<th>b<tr><td>1<td>2</table></table>"
    )
    assert [one.columns for one in rows(page)] == [("a", "b")]
    assert "News" in text(page)


def test_text_is_in_the_charset_that_the_page_names():
    data = '<meta charset="iso-8859-2"><p>Łódź'.encode("iso-8859-2")
    assert any(isinstance(part, Text) and "Łódź" in part.text for part in html.read(Source("a.html", data)))


@pytest.mark.parametrize(
    "page", ["a < b & c", "<p title='it>'>a < b & c", '<a href="never closed>a < b & c', "<p>a < b &amp; c</"]
)
def test_what_is_no_tag_is_text(page: str):
    assert "a < b & c" in text(page)


def test_long_references_and_wide_spans_cost_nothing():
    assert text(f"<p>x&#{'9' * 5000};")
    assert text("<table>" + "<tr><td rowspan=9999 colspan=9999>x" * 50 + "<tr>" * 500 + "</table>")


TAGS = "<p> </p> <table> </table> <tr> <td colspan=3> </td> <h1> </h1> <li> <pre> </pre> <!-- --> <caption> </caption>"
PIECES = [
    *TAGS.split(),
    *("<script>", "</script>", "<![CDATA[", "<td rowspan=2>", '<div style="display:none">', "</div>", "&#0;", "&lt"),
    *("<", "x", "\0"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_nothing_raises_and_what_is_given_holds_together(pieces: list[str]):
    page = "".join(pieces)
    whole = text(page)
    assert "\0" not in whole
    for found in rows(page):
        assert found.spans is not None
        assert len(found.spans) == len(found.rows)
        assert all(len(row) == len(found.columns) for row in found.rows)
        assert all(0 <= start <= end <= len(whole) for start, end in found.spans)
