"""The same records in two forms are kept once, and the other form comes back when the first one goes."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from rlm_local.collection import Collection
from rlm_local.home import Home

ROWS = [{"region": "Abruzzo", "code": 3, "beds": 31}, {"region": "Molise", "code": 14, "beds": 7}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "records"
    folder.mkdir()
    return folder


def write(folder: Path, rows: Sequence[Mapping[str, object]], name: str = "beds") -> None:
    lines = [",".join(rows[0]), *(f"{row['region']},{row['code']:03},{row['beds']}" for row in rows)]
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    (folder / "json").mkdir(exist_ok=True)
    (folder / "json" / f"{name}.json").write_text(json.dumps(rows, indent=1))


def counted(folder: Path, home: Home) -> tuple[list[str], list[tuple[str, str]]]:
    with Collection.open([folder], home=home) as collection:
        rows = [f"{table.name} {table.rows}" for table in collection.tables if table.name != "documents"]
        return rows, [(each.path, each.reason) for each in collection.skipped]


def test_records_in_two_forms_are_counted_once(folder: Path, home: Home) -> None:
    write(folder, ROWS)
    assert counted(folder, home) == (["beds 2"], [("json/beds.json", "the same as beds.csv")])
    assert counted(folder, home) == (["beds 2"], [("json/beds.json", "the same as beds.csv")])


def test_a_form_that_says_something_else_is_kept(folder: Path, home: Home) -> None:
    write(folder, ROWS)
    counted(folder, home)
    newer = [*ROWS[:1], {**ROWS[1], "beds": 9}]
    (folder / "json" / "beds.json").write_text(json.dumps(newer))
    assert counted(folder, home) == (["beds 4"], [])


def test_the_other_form_is_read_once_the_first_is_gone(folder: Path, home: Home) -> None:
    write(folder, ROWS)
    counted(folder, home)
    (folder / "beds.csv").unlink()
    assert counted(folder, home) == (["beds 2"], [])


@pytest.mark.parametrize("second", ["wards.json", "json/other.json"])
def test_files_of_other_names_are_no_copies(second: str, folder: Path, home: Home) -> None:
    write(folder, ROWS)
    (folder / "json" / "beds.json").rename(folder / second)
    tables, skipped = counted(folder, home)
    assert sum(int(table.rpartition(" ")[2]) for table in tables) == 4
    assert skipped == []


def test_a_form_with_more_sheets_is_the_one_that_is_kept(folder: Path, home: Home) -> None:
    write(folder, ROWS)
    shutil.rmtree(folder / "json")
    book = Workbook()
    del book["Sheet"]
    sheets = {"Lits par région": [[*ROWS[0]], *([*row.values()] for row in ROWS)],
              "Description": [["field", "meaning"], ["beds", "in wards"], ["code", "of the office"]]}  # fmt: skip
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(folder / "beds.xlsx")
    assert counted(folder, home) == (["description 2", "lits_par_region 2"], [("beds.csv", "the same as beds.xlsx")])
    (folder / "beds.xlsx").unlink()
    assert counted(folder, home) == (["beds 2"], [])


def test_three_forms_leave_one(folder: Path, home: Home) -> None:
    write(folder, ROWS)
    (folder / "beds.tsv").write_text((folder / "beds.csv").read_text().replace(",", "\t"))
    tables, skipped = counted(folder, home)
    assert tables == ["beds 2"]
    assert {reason for _, reason in skipped} == {"the same as beds.csv"}
    assert len(skipped) == 2


def test_prose_with_the_records_of_a_file_is_what_is_kept(folder: Path, home: Home) -> None:
    write(folder, ROWS)
    shutil.rmtree(folder / "json")
    table = "| region | code | beds |\n|---|---|---|\n| Abruzzo | 003 | 31 |\n| Molise | 014 | 7 |\n"
    (folder / "beds.md").write_text(f"# Beds\n\nWe need more of them.\n\n{table}")
    tables, skipped = counted(folder, home)
    assert (tables, skipped) == (["beds 2"], [("beds.csv", "the same as beds.md")])
