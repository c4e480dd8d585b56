import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats.part import Note, Rows, Text
from rlm_local.collection.formats.source import Source
from rlm_local.collection.formats.spreadsheet import letters, read


class Parsed:
    def __init__(self, data: bytes, name: str = "book.xlsx") -> None:
        parts = list(read(Source(name, data)))
        self.texts = [part for part in parts if isinstance(part, Text)]
        self.text = "".join(part.text for part in self.texts)
        self.notes = [part for part in parts if isinstance(part, Note)]
        self.tables = [part for part in parts if isinstance(part, Rows)]


Values = list[str | int | float | None]


def book(*fill: Callable[[Worksheet], None], epoch_1904: bool = False) -> bytes:
    """A workbook with a sheet for each function that fills one."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    if epoch_1904:
        workbook.epoch = CALENDAR_MAC_1904
    for function in fill:
        function(workbook.create_sheet(function.__name__))
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def people(sheet: Worksheet) -> None:
    for row in (["name", "age", "ok", "born"], ["Ann", 31, True, date(1993, 5, 1)], ["Bob", 2.5, False, None]):
        sheet.append(row)


def test_rows_have_values_places_and_the_text_they_stand_in():
    parsed = Parsed(book(people))
    (table,) = parsed.tables
    assert table.table == "people"
    assert table.columns == ("name", "age", "ok", "born")
    assert table.rows == [("Ann", 31, True, "1993-05-01"), ("Bob", 2.5, False, "")]
    assert table.places == ["people!A2:D2", "people!A3:D3"]
    assert [parsed.text[start:end] for start, end in table.spans or ()] == [
        "Ann\t31\tTRUE\t1993-05-01",
        "Bob\t2.5\tFALSE",
    ]
    assert parsed.texts[0].place == "sheet people"


def test_all_sheets_are_read_and_hidden_ones_are_marked():
    def secret(sheet: Worksheet) -> None:
        people(sheet)
        sheet.sheet_state = "hidden"

    parsed = Parsed(book(people, secret))
    assert [table.table for table in parsed.tables] == ["people", "secret"]
    assert [note.place for note in parsed.notes if "hidden" in note.problem] == ["sheet secret"]
    assert parsed.texts[1].heading == "secret (hidden)"


def test_titles_and_totals_are_told_from_data():
    def sales(sheet: Worksheet) -> None:
        sheet["B2"] = "Sales of all shops"
        rows: list[Values] = [["shop", "2023", "2024"], ["A", 1, 2], ["B", 3, 4], ["Total", 4, 6], [], ["Source: them"]]
        for at, row in enumerate(rows):
            for place, value in enumerate(row):
                sheet.cell(4 + at, 2 + place, value)

    (table,) = Parsed(book(sales)).tables
    assert table.columns == ("shop", "2023", "2024")
    assert table.rows == [("A", 1, 2), ("B", 3, 4)]
    assert table.places == ["sales!B5:D5", "sales!B6:D6"]


def test_tables_in_one_sheet_are_told_apart_below_and_beside_one_another():
    def several(sheet: Worksheet) -> None:
        left: list[Values] = [["name", "n"], ["A", 1], ["B", 2], [], ["Cities"], ["city", "people"], ["X", 5], ["Y", 6]]
        right: list[Values] = [["fruit", "price", "stock"], ["fig", 1.5, 4], ["kiwi", 2.5, 5], ["plum", 3.5, 6]]
        for first, rows in ((1, left), (5, right)):
            for at, row in enumerate(rows, 1):
                for place, value in enumerate(row, first):
                    sheet.cell(at, place, value)

    found = {
        table.columns: (table.table, table.rows[0], (table.places or [""])[0]) for table in Parsed(book(several)).tables
    }
    assert found == {
        ("name", "n"): ("several", ("A", 1), "several!A2:B2"),
        ("city", "people"): ("Cities", ("X", 5), "several!A7:B7"),
        ("fruit", "price", "stock"): ("several", ("fig", 1.5, 4), "several!E2:G2"),
    }


def test_a_blank_column_inside_a_table_parts_nothing():
    def spaced(sheet: Worksheet) -> None:
        for row in (["zone", "sales", None, "profit"], ["A", 1, None, 2], ["B", 3, None, 4], ["C", 5, None, 6]):
            sheet.append(row)
        sheet.cell(9, 1, "A remark of many words")

    (table,) = Parsed(book(spaced)).tables
    assert table.columns == ("zone", "sales", "", "profit")
    assert table.rows[0] == ("A", 1, "", 2)


def test_merged_cells_are_filled_and_headers_of_several_rows_are_joined():
    def merged(sheet: Worksheet) -> None:
        rows = [
            ["A report of both years", None, None, None, None],
            ["shop", "2023", None, "2024", None],
            [None, "in", "out", "in", "out"],
            ["A", 1, 2, 3, 4],
            [None, 5, 6, 7, 8],
            ["B", 1, 1, 1, 1],
        ]
        for row in rows:
            sheet.append(row)
        for area in ("A1:E1", "A2:A3", "B2:C2", "D2:E2", "A4:A5"):
            sheet.merge_cells(area)

    (table,) = Parsed(book(merged)).tables
    assert table.columns == ("shop", "2023 in", "2023 out", "2024 in", "2024 out")
    assert [row[0] for row in table.rows] == ["A", "A", "B"]


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_dates_of_both_epochs_and_times_are_written_as_iso_does(epoch_1904: bool):
    def times(sheet: Worksheet) -> None:
        sheet.append(["day", "moment", "clock"])
        sheet.append([date(2008, 6, 30), datetime.fromisoformat("2008-06-30 12:30:05"), time(8, 15)])

    (table,) = Parsed(book(times, epoch_1904=epoch_1904)).tables
    assert table.rows == [("2008-06-30", "2008-06-30 12:30:05", "08:15:00")]


def test_numbers_have_the_digits_that_a_spreadsheet_reckons_with():
    def digits(sheet: Worksheet) -> None:
        for row in (["name", "n"], ["a", 0.1 + 0.2], ["b", 12553.0], ["c", "007"]):
            sheet.append(row)

    (table,) = Parsed(book(digits)).tables
    assert [row[1] for row in table.rows] == [0.3, 12553, "007"]


def test_a_large_sheet_comes_in_batches_and_its_spans_lie_in_the_text():
    def large(sheet: Worksheet) -> None:
        sheet.append(["id", "text"])
        for number in range(6_000):
            sheet.append([number, f"text\n{number}"])

    parsed = Parsed(book(large))
    assert [len(table.rows) for table in parsed.tables] == [5_000, 1_000]
    for table in parsed.tables:
        for (start, end), row in zip(table.spans or (), table.rows, strict=True):
            assert parsed.text[start:end] == f"{row[0]}\ttext {row[0]}"


def test_a_sheet_that_reaches_too_far_is_noted_and_the_others_are_read():
    def far(sheet: Worksheet) -> None:
        sheet["A1"] = 1
        sheet["XFD1048576"] = 2

    parsed = Parsed(book(far, people))
    assert [table.table for table in parsed.tables] == ["people"]
    assert [note.place for note in parsed.notes] == ["sheet far"]


def test_a_sheet_of_many_empty_columns_is_read():
    def wide(sheet: Worksheet) -> None:
        people(sheet)
        sheet["XFD50"] = "far out"

    table = Parsed(book(wide)).tables[0]
    assert table.columns[:4] == ("name", "age", "ok", "born")
    assert len(table.columns) <= 1_000


def test_a_cell_a_million_columns_away_costs_nobody_the_table():
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(people))) as given, zipfile.ZipFile(stream, "w") as made:
        for name in given.namelist():
            made.writestr(name, given.read(name).replace(b'r="C3"', b'r="BDWGN3"'))
    table = Parsed(stream.getvalue()).tables[0]
    assert table.columns[:4] == ("name", "age", "ok", "born")
    assert 4 < len(table.columns) <= 1_000
    assert [row[:2] for row in table.rows] == [("Ann", 31), ("Bob", 2.5)]


@pytest.mark.parametrize("blank", [100, 16_384, 1_000_000])
def test_what_stands_beyond_the_columns_of_a_sheet_is_noted(blank: int):
    name = "urn:oasis:names:tc:opendocument:xmlns"
    cell = '<table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell>'
    content = (
        f'<office:document-content xmlns:office="{name}:office:1.0" xmlns:text="{name}:text:1.0"'
        f' xmlns:table="{name}:table:1.0"><office:body><office:spreadsheet><table:table table:name="far">'
        f'<table:table-column table:number-columns-repeated="{blank + 2}"/><table:table-row>{cell}'
        f'<table:table-cell table:number-columns-repeated="{blank}"/>{cell}</table:table-row>'
        f'<table:table-row>{cell}<table:table-cell table:number-columns-repeated="16383"/></table:table-row>'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        made.writestr("META-INF/manifest.xml", "<manifest/>")
        made.writestr("content.xml", content)
    parsed = Parsed(stream.getvalue(), "far.ods")
    assert parsed.text.startswith("a")
    said = [note.problem for note in parsed.notes]
    assert said == (["cells beyond column 16,384 are not read"] if blank >= 16_384 else [])


def test_what_is_no_spreadsheet_says_so():
    with pytest.raises(Unreadable, match="damaged"):
        Parsed(book(people)[:300])
    with pytest.raises(Unreadable, match="encrypted"):
        Parsed(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(3_000))


def test_a_bomb_is_not_unpacked():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(123_457))
    claims = file.getvalue().replace((123_457).to_bytes(4, "little"), (0xFFFF_FFF0).to_bytes(4, "little"))
    with pytest.raises(Unreadable, match="2 GB"):
        Parsed(claims)


def test_text_under_the_name_of_a_spreadsheet_is_read():
    (table,) = Parsed(b"name\tn\nA\t1\nB\t2\n", "export.xls").tables
    assert table.rows == [("A", "1"), ("B", "2")]


@pytest.mark.parametrize(("column", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (16_383, "XFD")])
def test_columns_are_called_as_in_a_spreadsheet(column: int, name: str):
    assert letters(column) == name


def test_macros_are_not_looked_at() -> None:
    stream = io.BytesIO(book(people))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b'Sub Auto_Open()\nShell "echo ran"\nEnd Sub')
    parsed = Parsed(stream.getvalue(), "book.xlsm")
    assert parsed.tables[0].rows == Parsed(book(people)).tables[0].rows
    assert "Auto_Open" not in parsed.text
