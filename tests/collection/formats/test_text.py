"""Plain text: headings, headers, records that repeat, talks; and nothing made of any other text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats import text as form
from rlm_local.collection.formats.part import Document, Rows, Text
from rlm_local.collection.formats.source import Source

PROPOSAL = """\
Number: 17
Title: A better lock
Author: Ada Byron,
        Ben Koch
Delegate: Cho Park

Abstract
========

It locks.

Details
-------

The bolt: it moves.

Rejected
========

Nothing.
"""


def read(text: str, name: str = "a.txt") -> list[object]:
    return list(form.read(Source(name, text.encode())))


def document(text: str) -> Document:
    return next(part for part in read(text) if isinstance(part, Document))


def rows(text: str, name: str = "a.txt") -> list[Rows]:
    return [part for part in read(text, name) if isinstance(part, Rows)]


def headings(text: str) -> list[str]:
    return [part.heading for part in read(text) if isinstance(part, Text)]


def joined(text: str) -> str:
    return "".join(part.text for part in read(text) if isinstance(part, Text))


def test_the_headers_at_the_top_are_fields_and_continue_on_indented_lines() -> None:
    found = document(PROPOSAL)
    assert found.title == "A better lock"
    assert found.fields == {
        "Number": "17",
        "Title": "A better lock",
        "Author": "Ada Byron, Ben Koch",
        "Delegate": "Cho Park",
    }


def test_a_letters_headers_stand_below_its_letterhead_and_apart() -> None:
    letter = "Meyer & Co\n\nDate: 3 May 2021\n\nTo: Kim Lee\nSubject: Rent\n\nDear Kim,\n\nNote: the rent goes up.\n"
    assert document(letter).fields == {"Date": "3 May 2021", "To": "Kim Lee", "Subject": "Rent"}


def test_labelled_lines_in_the_body_are_no_fields_and_no_records() -> None:
    text = "A story\n\n" + "He went on and on, and then he went home again to rest. " * 5 + "\n\nBy: Kim\nName: Kim\n"
    assert document(text).fields == {}
    assert rows(text) == []


def test_underlined_headings_nest_in_the_order_in_which_their_marks_come() -> None:
    assert headings(PROPOSAL) == ["", "Abstract", "Abstract > Details", "Rejected"]


def test_numbered_headings_stand_under_the_number_they_begin_with() -> None:
    text = "1. Terms\n\nx\n\n1.1 Fees\n\ny\n\n4. Care\n\nz\n\n6.2 Assignment\n\nq\n"
    assert headings(text) == ["1. Terms", "1. Terms > 1.1 Fees", "4. Care", "6.2 Assignment"]


def test_a_numbered_paragraph_names_itself() -> None:
    text = "4. Confidential Information. The parties keep it.\n\n5. we saw nothing. It was late.\n"
    assert headings(text) == ["4. Confidential Information"]


@pytest.mark.parametrize("line", ["GOVERNING LAW", "Kapitel 3", "Article IV. Term", "§ 12 Kündigung", "Exhibit 10.7"])
def test_evident_headings(line: str) -> None:
    assert headings(f"Once upon a time.\n\n{line}\n\nIt was so.\n") == ["", line]


@pytest.mark.parametrize(
    "line", ["12. March 2021", "Page 3", "We paid 3 times.", "1. Buy milk and eggs.", "A SHOUT, AND THEN,", "OK"]
)
def test_other_lines_are_no_headings(line: str) -> None:
    assert headings(f"Once upon a time.\n\n{line}\n\nIt was so.\n") == [""]


def test_blocks_that_repeat_in_one_shape_are_rows_with_their_places() -> None:
    text = "".join(f"Name: N{n}\nAge: {n}\nCity: C\n\n" for n in range(4)) + "Name: N4\nAge: 4\nPhone: 1\n"
    [found] = rows(text)
    assert found.columns == ("Name", "Age", "City", "Phone")
    assert found.rows[1] == ("N1", "1", "C", None)
    assert found.rows[4] == ("N4", "4", None, "1")
    assert found.spans
    assert text[slice(*found.spans[2])] == "Name: N2\nAge: 2\nCity: C"


def test_records_without_blank_lines_begin_where_the_first_label_comes_again() -> None:
    [found] = rows("".join(f"Id: {n}\nState: open\nOwner: Kim\n" for n in range(5)))
    assert [row[0] for row in found.rows] == ["0", "1", "2", "3", "4"]


def test_what_stands_between_records_belongs_to_the_one_before() -> None:
    text = "\n\n".join(f"Ticket: {n}\nState: open\n\nThe door {n} is stuck.\nAgain.\n\n-----" for n in range(6))
    [found] = rows(text)
    assert found.columns == ("Ticket", "State", "text")
    assert found.rows[2] == ("2", "open", "The door 2 is stuck.\nAgain.")


def test_the_headers_of_a_file_of_records_are_its_fields() -> None:
    text = "List: doors\nYear: 2020\n\n" + "".join(f"Name: N{n}\nAge: {n}\n\n" for n in range(5))
    assert document(text).fields == {"List": "doors", "Year": "2020"}
    assert len(rows(text)[0].rows) == 5


def test_lines_of_labelled_pieces_are_rows() -> None:
    text = "Records:\n" + "".join(f"Date: May {n}, 2023 || User: {n} || Text: hi; ho\n" for n in range(1, 9))
    [found] = rows(text)
    assert found.columns == ("Date", "User", "Text")
    assert found.rows[0] == ("May 1, 2023", "1", "hi; ho")


def test_turns_of_a_talk_are_messages() -> None:
    text = "[10:01] Ann: Hello\n[10:02] Ben: Hi,\n  how are you?\n[10:03] Ann: Well\n[10:04] Ben: Good\n"
    [found] = rows(text)
    assert (found.table, found.kind, found.columns) == ("messages", "messages", ("time", "speaker", "text"))
    assert found.rows[1] == ("10:02", "Ben", "Hi,\n  how are you?")


def test_subtitles_are_messages_with_their_times() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,500\n<i>Who</i> is there?\n\n2\n00:00:03,000 --> 00:00:04,000\nI.\n"
    [found] = rows(text, "film.srt")
    assert found.rows[0] == (1, "00:00:01.000", "00:00:02.500", "Who is there?")


@pytest.mark.parametrize(
    "text",
    [
        "loan,branch\nL-1,Hill\nL-2,Harbour\n",
        "loan\tbranch\nL-1\tHill\nL-2\t\n",
        'loan;note\nL-1;"late; twice"\nL-2;paid, in cash\n',
    ],
    ids=["commas", "tabs", "semicolons"],
)
def test_separated_values_are_a_table_whatever_the_file_is_called(text: str) -> None:
    [table] = rows(text)
    assert table.columns[0] == "loan"
    assert len(table.rows) == 2
    assert joined(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "The rain, the wind\nThe sun, the moon\nThe day, the night\n",
        "Dear Sir,\nthank you,\nyours,\n",
        "loan,branch\nL-1,Hill\n",
        "loan,branch\nL-1,Hill\nL-2,Harbour,late\n",
        "1,2\n3,4\n5,6\n",
    ],
    ids=["verse", "a letter", "one row", "uneven", "no header"],
)
def test_commas_alone_make_no_table(text: str) -> None:
    assert not rows(text)


def test_prose_is_passages_and_nothing_else() -> None:
    text = "It was late.\n\nShe said: go.\n\nHe went: home.\n\n- milk\n- eggs\n"
    assert rows(text) == []
    assert joined(text) == text


def test_control_characters_are_gone() -> None:
    assert joined("a\x1b[31mred\x1b[0m\x07b\x0cc\td\n") == "aredb\nc\td\n"


@given(st.text(alphabet="aB1 .:#=-\n\t|§é", max_size=300))
def test_the_stretches_joined_are_the_text_and_spans_lie_in_it(text: str) -> None:
    assert joined(text) == text
    for part in rows(text):
        assert all(len(row) == len(part.columns) for row in part.rows)
        assert all(0 <= start < end <= len(text) for start, end in part.spans or ())


@pytest.mark.parametrize(
    "piece",
    ["1", "1 ", " ", "\n ", "A: b\n", "A: b\nC: d\n\n", "AB\n\n", "1.1 A\n\n", "ab\n==\n\n", "-", "[1:11] ", "<a"],
)
def test_hostile_texts_are_read_in_one_pass(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    assert joined(text) == text


def test_front_matter_is_fields_in_plain_text_as_well() -> None:
    matter = "---\ntitle: MIT License\nhidden: false\npermissions:\n  - use\n  - sale\n---\n\nPermission is granted.\n"
    found = document(matter)
    assert (found.title, dict(found.fields)) == (
        "MIT License",
        {"title": "MIT License", "hidden": False, "permissions": "use, sale"},
    )
