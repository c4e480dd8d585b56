"""Presentations: each slide at its place."""

import io

import pytest
from pptx import Presentation
from pptx.util import Inches

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import pptx as slides
from rlm_local.collection.formats.part import Document, Rows, Text
from rlm_local.collection.formats.source import Source


def presentation() -> bytes:
    made = Presentation()
    made.core_properties.title = "Plans"
    first = made.slides.add_slide(made.slide_layouts[1])
    first.shapes.title.text = "Growth"
    first.placeholders[1].text = "by 2 %\nin all"
    first.notes_slide.notes_text_frame.text = "say it slowly"
    second = made.slides.add_slide(made.slide_layouts[6])
    table = second.shapes.add_table(3, 2, Inches(1), Inches(1), Inches(4), Inches(2)).table
    for row, cells in enumerate((("Year", "Sum"), ("2001", "5"), ("2002", "6"))):
        for column, said in enumerate(cells):
            table.cell(row, column).text = said
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 100, 100).text_frame.text = "in a group"
    second._element.set("show", "0")
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def test_slides_have_places_titles_notes_and_tables():
    found = list(slides.read(Source("a.pptx", presentation())))
    assert isinstance(found[0], Document)
    assert (found[0].title, found[0].kind) == ("Plans", "slides")
    texts = [part for part in found if isinstance(part, Text)]
    assert texts[0] == Text("Growth\n\nby 2 %\nin all\n\nNotes: say it slowly\n\n", "Growth", "slide 1")
    second = "".join(part.text for part in texts if part.place == "slide 2")
    assert second.startswith("(hidden)")
    assert "2001 | 5\n" in second
    assert "in a group" in second
    (rows,) = (part for part in found if isinstance(part, Rows))
    assert (rows.columns, list(rows.rows)) == (("Year", "Sum"), [("2001", "5"), ("2002", "6")])


def test_a_damaged_one_says_so():
    with pytest.raises(Unreadable, match="cut short"):
        list(slides.read(Source("a.pptx", presentation()[:-50])))
