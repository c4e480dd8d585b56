"""Light markup: headings, front matter, tables; nothing out of code or comments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats import markdown as form
from rlm_local.collection.formats.part import Document, Rows, Text
from rlm_local.collection.formats.source import Source

NOTE = """\
---
title: A note
date: 2024-05-01
draft: true
tags: [locks, doors]
author:
  name: Ada
nested: [[deep]]
---

# A *note*

Words.

## Rows `here` ##

| Name | Cost |
|------|-----:|
| [Bolt](http://x/) | 5 \\| 6 |
| Key |
Not a row.

```
# no heading
| a |
|---|
| b |
```

<!--
# none here either
-->

Third
-----

End.
"""


def read(text: str, name: str = "a.md") -> list[object]:
    return list(form.read(Source(name, text.encode())))


def document(text: str, name: str = "a.md") -> Document:
    return next(part for part in read(text, name) if isinstance(part, Document))


def headings(text: str, name: str = "a.md") -> list[str]:
    return [part.heading for part in read(text, name) if isinstance(part, Text)]


def test_front_matter_is_fields() -> None:
    found = document(NOTE)
    assert found.title == "A note"
    assert found.fields == {
        "title": "A note",
        "date": "2024-05-01",
        "draft": True,
        "tags": "locks, doors",
        "author.name": "Ada",
    }


def test_front_matter_of_toml_is_fields() -> None:
    assert document('+++\nname = "Kim"\nsize = 3\n+++\n# T\n').fields == {"name": "Kim", "size": 3}


@pytest.mark.parametrize("matter", ["```toml\n[report]\nid = 7\n```\n", "```yaml\nreport:\n  id: 7\n```\n"])
def test_a_fence_of_data_before_the_title_is_front_matter(matter: str) -> None:
    found = document(f"{matter}# A report\n")
    assert (found.title, found.fields) == ("A report", {"report.id": 7})
    assert document(f"# A report\n\n{matter}").fields == {}


def test_labelled_lines_under_the_title_are_fields() -> None:
    assert document("# Minutes\n\n**Date:** 3 May 2021\n**Present:** Ann, Ben\n\nWe met.\n").fields == {
        "Date": "3 May 2021",
        "Present": "Ann, Ben",
    }


@pytest.mark.parametrize("matter", ["a: [", "a: !!python/object:os.x {}", "- a", "&a [*a]", "[" * 9_000])
def test_front_matter_that_is_none_is_text(matter: str) -> None:
    text = f"---\n{matter}\n---\n# T\n"
    assert document(text).fields == {}
    assert headings(text)[-1] == "T"


@pytest.mark.parametrize("broken", ["tags:\n\t- a", "subtitle: Part 1: The lock", "more: [a", "by: @ann"])
def test_front_matter_that_is_no_good_yaml_has_its_simple_lines(broken: str) -> None:
    found = document(f'---\ntitle: "A note"\n{broken}\n  inner: c\ndate: 2024-05-01\n---\nText.\n').fields
    assert (found["title"], found["date"]) == ("A note", "2024-05-01")
    assert "inner" not in found


def test_headings_nest_and_code_and_comments_have_none() -> None:
    assert headings(NOTE) == ["", "A note", "A note > Rows here", "A note > Third"]


def test_a_table_is_rows_under_the_name_of_its_heading() -> None:
    [found] = [part for part in read(NOTE) if isinstance(part, Rows)]
    assert (found.table, found.columns) == ("Rows here", ("Name", "Cost"))
    assert found.rows == [("Bolt", "5 | 6"), ("Key", None)]
    assert found.spans
    assert NOTE[slice(*found.spans[1])] == "| Key |"


def test_restructured_text_has_underlined_headings_and_field_lists() -> None:
    text = "Lock\n====\n\n:Author: Ada\n:Version: 3\n\nPart\n----\n\nWords.\n"
    assert document(text, "a.rst").fields == {"Author": "Ada", "Version": "3"}
    assert headings(text, "a.rst") == ["Lock", "Lock > Part"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tex", "\\title{T}\n\\section{One}\nx\n\\subsection*{Two}\ny\n% \\section{no}\n"),
        ("a.adoc", "= One\nx\n== Two\ny\n"),
        ("a.org", "* One\nx\n** Two\ny\n"),
    ],
)
def test_other_marks(name: str, text: str) -> None:
    assert [heading for heading in headings(text, name) if heading] == ["One", "One > Two"]


@given(st.text(alphabet="#ab |-=`~<!>\n[]()", max_size=300))
def test_the_stretches_joined_are_the_text(text: str) -> None:
    parts = read(text)
    assert "".join(part.text for part in parts if isinstance(part, Text)) == text
    for part in parts:
        if isinstance(part, Rows):
            assert all(len(row) == len(part.columns) for row in part.rows)
            assert all(0 <= start <= end <= len(text) for start, end in part.spans or ())


@pytest.mark.parametrize(
    "piece",
    [
        "#",
        "# a\n",
        "|",
        "|-",
        "a|b\n|-|\n",
        "```\n",
        "``",
        "[",
        "[a](",
        "<!--",
        "---\n",
        "==\n",
        "a\n==\n\n",
        "\\section{",
        "*",
    ],
)
@pytest.mark.parametrize("name", ["a.md", "a.rst", "a.tex", "a.org"])
def test_hostile_texts_are_read_in_one_pass(name: str, piece: str) -> None:
    text = piece * (200_000 // len(piece))
    assert "".join(part.text for part in read(text, name) if isinstance(part, Text)) == text


def test_headings_and_cells_are_without_html():
    rows = "| **Print** | **Cost (ct)** |\n|---|---|\n| A4 <!-- which? --> | SW 3 ct<br>Farbe `<br>` 7 ct |\n"
    text = f"# <center> Prices </center>\n\n{rows}"
    parts = list(form.read(Source("a.md", text.encode())))
    assert next(part.title for part in parts if isinstance(part, Document)) == "Prices"
    assert next(part.columns for part in parts if isinstance(part, Rows)) == ("Print", "Cost (ct)")
    assert [part.rows for part in parts if isinstance(part, Rows)] == [[("A4", "SW 3 ct Farbe <br> 7 ct")]]


def test_a_bold_line_is_a_heading_below_the_marked_ones():
    top = "# Meeting of A&nbsp;B\n\n---\n**TOP1 - Greeting:**\n- Leon greeted.\n\nSee\n**now**\n\n"
    text = f"{top}**TOP2 - Money**\n\nSome.\n\n# Next\n\nSoon.\n"
    found = [part.heading for part in form.read(Source("a.md", text.encode())) if isinstance(part, Text)]
    meeting = "Meeting of A B"
    assert found == [meeting, f"{meeting} > TOP1 - Greeting", f"{meeting} > TOP2 - Money", "Next"]
