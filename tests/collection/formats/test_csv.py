import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rlm_local.collection.formats.csv import dialect_of, is_headed, is_table, read
from rlm_local.collection.formats.part import Document, Note, Rows, Text
from rlm_local.collection.formats.source import Source


class Parsed:
    """All that `read` gives of one file, with what belongs together put together."""

    def __init__(self, data: str | bytes, name: str = "file.csv") -> None:
        parts = list(read(Source(name, data.encode() if isinstance(data, str) else data)))
        self.rows_parts = [part for part in parts if isinstance(part, Rows)]
        self.text = "".join(part.text for part in parts if isinstance(part, Text))
        self.notes = [part for part in parts if isinstance(part, Note)]
        self.document = next(part for part in parts if isinstance(part, Document))
        self.tables = list(dict.fromkeys((part.table, part.columns) for part in self.rows_parts))
        self.rows = [row for part in self.rows_parts for row in part.rows]
        self.spans = [span for part in self.rows_parts for span in part.spans or ()]

    @property
    def columns(self) -> tuple[str, ...]:
        (only,) = self.tables
        return only[1]


def test_rows_have_their_labels_and_the_text_they_stand_in():
    parsed = Parsed("id,name\n1,Ann\n2,Bob\n")
    assert parsed.columns == ("id", "name")
    assert parsed.rows == [("1", "Ann"), ("2", "Bob")]
    assert [parsed.text[start:end] for start, end in parsed.spans] == ["1,Ann", "2,Bob"]
    assert parsed.document.kind == "table"
    assert not parsed.notes


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n3,4\n", ","),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ("a\tb\nx, y\t1\nz, w\t2\n", "\t"),
        ("when|what\nJan 3, 2024|x\nJan 4, 2024|y\n", "|"),
        ("sep=;\na,b;c\n1,2;3\n", ";"),
        ("report of 2024\n\na;b;c\n1;2;3\n4;5;6\n", ";"),
        ("only one column\nx\ny\n", ","),
        ("", ","),
    ],
)
def test_the_delimiter_is_the_one_that_splits_evenly(text: str, delimiter: str):
    assert dialect_of(text).delimiter == delimiter


def test_quotes_may_be_single_and_escaped_with_a_backslash():
    assert Parsed("a,b\n'x, y','1'\n'z','2'\n").rows == [("x, y", "1"), ("z", "2")]
    assert Parsed('a,b\n"say \\"hi\\", please",1\n"z",2\n').rows == [('say "hi", please', "1"), ("z", "2")]


def test_a_stray_quote_costs_its_own_line():
    lines = [f'{number},"name, {number}",{number * 2}' for number in range(1_000)]
    lines[500] = '500,"name,1000'
    parsed = Parsed("id,name,twice\n" + "\n".join(lines))
    assert len(parsed.rows) == 1_000
    assert parsed.rows[500] == ("500", '"name', "1000")
    assert parsed.rows[501] == ("501", "name, 501", "1002")
    assert [note.place for note in parsed.notes] == ["line 502"]


def test_a_quoted_cell_may_hold_lines_and_be_long():
    long = "word, " * 40_000
    parsed = Parsed(f'id,text\n1,"two\nlines"\n2,"{long}"\n3,x\n')
    assert parsed.rows == [("1", "two\nlines"), ("2", long), ("3", "x")]
    assert parsed.text[slice(*parsed.spans[0])] == '1,"two\nlines"'


def test_a_cell_written_as_a_formula_of_a_text_is_that_text():
    assert Parsed('id,n\n="0844001",1\n"=""0844002""",2\n').rows == [("0844001", "1"), ("0844002", "2")]


def test_titles_totals_and_remarks_are_no_records():
    parsed = Parsed("Sales 2024\nin thousands\n\nregion,n,m\nNorth,1,2\nSouth,3,4\nTotal,4,6\n\nSource: the office\n")
    assert parsed.document.title == "Sales 2024"
    assert parsed.columns == ("region", "n", "m")
    assert parsed.rows == [("North", "1", "2"), ("South", "3", "4")]
    assert [note.place for note in parsed.notes] == ["line 7, 9"]


def test_comment_lines_are_skipped_and_may_hold_the_header():
    assert Parsed("# made by hand\n# id,name\n1,a\n# between\n2,b\n").rows == [("1", "a"), ("2", "b")]
    assert Parsed("#id,name\n1,a\n2,b\n").columns == ("id", "name")


@pytest.mark.parametrize("between", ["\n", "", "\n\nTable 2\n"])
def test_several_tables_are_told_apart(between: str):
    parsed = Parsed("name,n\nA,1\nB,2\nC,3\n" + between + "city,people,area\nX,1,2\nY,3,4\nZ,5,6\n")
    assert [columns for _, columns in parsed.tables] == [("name", "n"), ("city", "people", "area")]
    assert [len(part.rows) for part in parsed.rows_parts] == [3, 3]


def test_ragged_rows_are_kept():
    parsed = Parsed("a,b,c\n1,2,3\n4,5\n6,7,8,9\n1,1,1\n")
    assert parsed.rows == [("1", "2", "3"), ("4", "5", ""), ("6", "7", "8,9"), ("1", "1", "1")]


def test_a_file_without_header_has_columns_without_labels():
    parsed = Parsed("1,2024-01-01,x\n2,2024-01-02,y\n")
    assert parsed.columns == ("", "", "")
    assert len(parsed.rows) == 2


def test_many_cells_a_line_make_a_table_of_a_file_of_no_telling_name():
    rows = [f'{n},"Port {n}, north","HB{n}",{n}.5,\\N' for n in range(1, 9)]
    assert is_table("\n".join(rows))
    assert not is_table("\n".join([*rows, "That is all."]))
    assert not is_table("\n".join(f"{n} boats, of {n} kinds, in {n} harbours, on day {n}" for n in range(9)))


def test_blank_lines_between_all_rows_mean_nothing():
    assert Parsed("a,b\n\n1,2\n\n3,4\n\n").rows == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_makes_no_difference(encoding: str):
    text = "name,prix\r\nÉric,1\N{NO-BREAK SPACE}000\r\nZoë,2\N{NO-BREAK SPACE}500\r\n"
    parsed = Parsed(text.encode(encoding))
    assert parsed.columns == ("name", "prix")
    assert parsed.rows == [("Éric", "1\N{NO-BREAK SPACE}000"), ("Zoë", "2\N{NO-BREAK SPACE}500")]


def test_a_large_file_comes_in_batches_of_bounded_size():
    parsed = Parsed("id,n\n" + "".join(f"{n},{n}\n" for n in range(12_000)))
    assert [len(part.rows) for part in parsed.rows_parts] == [5_000, 5_000, 2_000]
    assert len(parsed.tables) == 1


def test_wide_rows_are_cut_to_a_bounded_number_of_columns():
    parsed = Parsed(",".join(f"c{n}" for n in range(5_000)) + "\n" + ",".join("1" * 5_000) + "\n")
    assert len(parsed.columns) == 1_000
    assert len(parsed.rows[0]) == 1_000


CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")) | st.sampled_from('",\n ')
CELL = st.text(CHARACTERS, max_size=8).filter(lambda cell: '\\"' not in cell)
"""A backslash before a quote may be one of the cell, or one before a quote of the cell: few lines do not tell."""


@example([['\\"x', "", '\\"']])
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=8))
def test_what_the_csv_module_writes_is_read_back(rows: list[list[str]]):
    numbered = [[str(number), *row] for number, row in enumerate(rows)]
    file = io.StringIO()
    csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["number", "a", "b", "c"], *numbered])
    parsed = Parsed(file.getvalue())
    assert parsed.text == file.getvalue()
    assert parsed.columns == ("number", "a", "b", "c")
    assert [list(row) for row in parsed.rows] == numbered


@given(st.text(st.sampled_from("ab1,;|\t\"'\\#= \n"), max_size=200))
def test_whatever_the_file_holds_spans_lie_in_the_text_in_order(text: str):
    parsed = Parsed(text)
    places = [place for span in parsed.spans for place in span]
    assert places == sorted(places)
    assert all(0 <= place <= len(parsed.text) for place in places)
    assert all(len(row) == len(part.columns) for part in parsed.rows_parts for row in part.rows)


def test_a_file_that_is_streamed_loses_no_row():
    long = "x" * 2_000
    rows = 9_000
    parsed = Parsed("id,text\n" + "".join(f'{number},"{long}"\n' for number in range(rows)))
    assert [row[0] for row in parsed.rows] == [str(number) for number in range(rows)]
    assert all(
        parsed.text[start:end].startswith(row[0]) for (start, end), row in zip(parsed.spans, parsed.rows, strict=True)
    )


def test_a_plate_has_its_numbers_as_labels_and_what_stands_above_it_is_no_width():
    letters = ["A,0.1,0.2,0.3,0.4", "B,0.5,0.6,0.7,0.8", "C,0.9,1.0,1.1,1.2"]
    plate = "\n".join([",1,2,3,4", *letters])
    parsed = Parsed(
        f"User: Ann,Run: 7,,,\nTest: fat,Day: 3,,,\n,,,,\nRaw data,,,,\n,,,,\n{plate}\n,,,,\nBlank,,,,\n,,,,\n{plate}\n"
    )
    plates = [part for part in parsed.rows_parts if len(part.columns) == 5]
    assert [(part.table, part.columns, len(part.rows)) for part in plates] == [
        ("Raw data", ("", "1", "2", "3", "4"), 3),
        ("Blank", ("", "1", "2", "3", "4"), 3),
    ]


def test_a_header_is_told_by_codes_of_one_length_even_if_a_label_comes_twice():
    rows = [f"UDI{number:03},{'ACGT' * 2},i7_{number:03},{'GGCC' * 2}{number % 7}" for number in range(12)]
    parsed = Parsed("\n".join(["name,bases,i7,bases", *rows]))
    assert parsed.columns == ("name", "bases", "i7", "bases")
    assert len(parsed.rows) == 12


def test_statements_above_a_header_are_no_records():
    parsed = Parsed("device;PH-7\nday;2024-03-01\nsample;ph;temp\nA;7,1;20\nB;7,4;21\nC;6,9;20\n")
    assert parsed.columns == ("sample", "ph", "temp")
    assert len(parsed.rows) == 3


def test_the_total_of_each_block_is_no_record():
    blocks = "\n\n".join(f"{theme} A,1\n{theme} B,2\n{theme} C,3\nTotal,6" for theme in ("Sport", "Music", "Art"))
    parsed = Parsed(f"club,grant\n{blocks}\n")
    assert [row[0] for row in parsed.rows] == [
        f"{theme} {club}" for theme in ("Sport", "Music", "Art") for club in "ABC"
    ]
    assert any("totals" in note.problem for note in parsed.notes)


def test_a_total_that_comes_more_than_once_in_a_block_is_a_category():
    parsed = Parsed("sex,year,count\nmen,2020,1\ntotal,2020,2\nmen,2021,3\ntotal,2021,4\n\nmen,2022,5\ntotal,2022,6\n")
    assert sum(row[0] == "total" for row in parsed.rows) >= 2


@pytest.mark.parametrize(
    ("text", "headed"),
    [
        (
            "run\t7\n\ntime\tY\n2024-03-01 10:00:00,1\t1,5\n2024-03-01 10:00:00,2\t1,6\n2024-03-01 10:00:00,3\t1,7\n",
            True,
        ),
        ("depth;salt\n1;35\n2;36\n3;34\n", True),
        (
            "Now, wait\n2024-03-01 10:00:00,1 INFO a\n2024-03-01 10:00:01,4 INFO b\n2024-03-01 10:00:01,5 INFO b\n",
            False,
        ),
        ("2024-03-01 10:00:00\tINFO\tup\n2024-03-01 10:00:01\tINFO\tdown\n2024-03-01 10:00:02\tINFO\tup\n", False),
    ],
)
def test_what_an_instrument_writes_is_a_table_and_a_log_is_none(text: str, headed: bool):
    assert is_headed(text) == headed
