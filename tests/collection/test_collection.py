"""A collection from outside: opened, read, searched."""

import gc
import io
import os
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from rlm_local.collection import Collection, CollectionError
from rlm_local.home import Home
from rlm_local.vault import Key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "records"
    (root / "sales").mkdir(parents=True)
    (root / "letter.txt").write_text("Dear all,\n\nthe fee is 40 EUR a month.\n")
    (root / "sales/sales_2023.csv").write_text("id,day,amount\n1,2023-01-02,10\n2,2023-02-03,20\n")
    (root / "sales/sales_2024.csv").write_text("id,day,amount\n3,2024-01-02,10.5\n4,2024-02-03,20\n")
    return root


@pytest.fixture
def opened(folder: Path, home: Home) -> Iterator[Collection]:
    with Collection.open([folder], home=home) as collection:
        yield collection


def test_a_folder_becomes_documents_and_tables(opened: Collection) -> None:
    assert [document.name for document in opened.documents] == [
        "letter.txt",
        "sales/sales_2023.csv",
        "sales/sales_2024.csv",
    ]
    sales, documents = opened.tables
    assert (sales.name, sales.rows) == ("sales", 4)
    assert [(column.name, column.type) for column in sales.columns] == [
        ("id", "id"),
        ("day", "date"),
        ("amount", "number"),
        ("document", "category"),
    ]
    assert (documents.name, documents.kind, documents.rows) == ("documents", "documents", 3)


def test_a_few_rows_in_prose_come_after_the_records(tmp_path: Path, home: Home) -> None:
    rows = "".join(f"| part {number} | {number} |\n" for number in range(30))
    tables = f"# Addenda\n\n| word | meaning |\n|---|---|\n| a | b |\n\n# Costs\n\n| part | cost |\n|---|---|\n{rows}"
    (tmp_path / "notes.md").write_text(tables)
    (tmp_path / "visits.csv").write_text("id,amount\n1,10\n2,20\n")
    with Collection.open([tmp_path], home=home) as collection:
        assert [table.name for table in collection.tables] == ["costs", "visits", "addenda", "documents"]


def test_the_text_of_all_documents_can_be_read_from_anywhere_to_anywhere(opened: Collection) -> None:
    whole = opened.text()
    assert len(whole) == opened.characters
    for document in opened.documents:
        assert whole[document.end] == "\n"
    for start in range(0, len(whole), 7):
        assert opened.text(start, start + 31) == whole[start : start + 31]


def test_what_is_found_stands_where_it_says(opened: Collection) -> None:
    found = opened.search("What is the fee a month?", 3)
    assert found[0].document == "letter.txt"
    assert opened.text(found[0].start, found[0].end) == found[0].text
    assert opened.span(found[0].start, found[0].end) == ("letter.txt", 0, len(found[0].text))


def test_a_search_can_be_kept_to_some_documents(opened: Collection) -> None:
    sales = [document.id for document in opened.documents if document.name.startswith("sales")]
    assert opened.search("fee", documents=sales) == []
    assert opened.search("2023", documents=sales)[0].document == "sales/sales_2023.csv"


def test_of_very_many_passages_those_with_the_rarest_words_are_ranked() -> None:
    texts = {
        f"{number:02}.txt": f"whole {number}" + " half" * (number % 2) + " rare" * (number == 30)
        for number in range(40)
    }
    with Collection.of(texts) as collection:
        assert [found.document for found in collection.search("whole half rare", 3, most=10)] == ["30.txt"]
        assert len(collection.search("rare half", 40, most=25)) == 21
        assert [found.document for found in collection.search("half", 2, most=10)] == ["01.txt", "03.txt"]
        last = [document.id for document in collection.documents][-1:]
        assert [found.document for found in collection.search("half", 2, last, most=10)] == ["39.txt"]


def test_the_file_alone_is_the_whole_collection(opened: Collection) -> None:
    plain = apsw.Connection(f"file:{opened.path}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    assert plain.execute("SELECT sum(amount) FROM sales").get == 60.5
    assert plain.execute("SELECT text FROM documents WHERE name = 'letter.txt'").get.startswith("Dear all,")
    assert {path.suffix for path in opened.path.parent.iterdir()} == {".db", ".lock"}


def test_texts_by_name_make_a_collection_that_goes_away() -> None:
    with Collection.of({"a": "the first text", "b/c.txt": "the second text"}) as collection:
        path = collection.path
        assert [document.name for document in collection.documents] == ["a", "b/c.txt"]
        assert collection.search("second")[0].document == "b/c.txt"
    assert not path.parent.exists()


def test_standard_input_is_a_document_and_kept_nowhere(home: Home) -> None:
    with Collection.open(["-"], home=home, stdin=io.StringIO("from a pipe")) as collection:
        assert collection.text() == "from a pipe\n"
    assert list(home.collections.iterdir()) == []


def test_a_name_is_a_collection_to_come_back_to(folder: Path, home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("another one")
    Collection.open([folder], home=home, name="work").close()
    Collection.open([other], home=home, name="work").close()
    with Collection.open(home=home, name="work") as collection:
        assert collection.sources == (str(folder), str(other))
        assert "other.txt" in {document.name for document in collection.documents}


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 65])
def test_a_name_is_no_path(name: str, folder: Path, home: Home) -> None:
    with pytest.raises(CollectionError, match="is no name"):
        Collection.open([folder], home=home, name=name)


def test_what_is_not_there_is_said(home: Home, tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="nowhere does not exist"):
        Collection.open([tmp_path / "nowhere"], home=home)
    with pytest.raises(CollectionError, match="there is no collection 'nothing'"):
        Collection.open(home=home, name="nothing")


def test_the_same_content_has_the_same_hash(folder: Path, home: Home) -> None:
    with Collection.open([folder], home=home) as one, Collection.open([folder], home=home, fresh=True) as other:
        assert one.sha256 == other.sha256
    (folder / "letter.txt").write_text("another")
    with Collection.open([folder], home=home) as changed:
        assert changed.sha256 != one.sha256


def test_texts_of_a_collection_that_nobody_closed_are_gone() -> None:
    collection = Collection.of({"note.txt": "The pump rattles."})
    folder = collection.path.parent
    assert folder.is_dir()
    del collection
    gc.collect()
    assert not folder.exists()


def test_a_document_that_is_gone_leaves_no_byte(tmp_path: Path) -> None:
    folder, home = tmp_path / "records", Home(tmp_path / "home")
    folder.mkdir()
    for number in range(30):
        (folder / f"note-{number}.txt").write_text(f"Nothing but note {number}, of no use to anybody.\n" * 20)
    (folder / "wombat.txt").write_text("The zebrastripe walked with the quokkahopper.\n")
    Collection.open([folder], home=home).close()
    (folder / "wombat.txt").unlink()
    Collection.open([folder], home=home).close()
    kept = b"".join(path.read_bytes() for path in home.collections.rglob("*") if path.is_file())
    assert b"note" in kept
    assert not [word for word in (b"wombat", b"zebra", b"ebrastrip", b"quokka") if word in kept]


def test_uploads_have_names_of_their_own_beside_folders(tmp_path: Path, home: Home) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.txt").write_text("The courier comes at ten.\n")
    upload = home.serve / "file-1"
    upload.write_text("item,price\nrope,12\nlamp,30\n")
    uploads = [("goods.csv", upload), ("goods.csv", upload.with_name("file-2"))]
    uploads[1][1].write_text("item,price\nsail,90\n")
    with Collection.open([folder], home=home, uploads=uploads) as collection:
        assert {document.name for document in collection.documents} == {"goods.csv", "goods.csv (2)", "notes/a.txt"}
        assert collection.sources == ("goods.csv", "goods.csv", str(folder))
        kept = collection.sha256
    with Collection.open([folder], home=home, uploads=uploads) as again:
        assert again.sha256 == kept
    with Collection.open([home.serve / "file-1"], home=home) as direct:
        assert not direct.documents  # what somebody uploaded is nobody else's to name


def test_lists_of_one_name_in_files_of_many_folders_are_one_table() -> None:
    part = '{"title": "Report %d", "gates": [{"name": "G%d", "default": true}, {"name": "H%d", "default": false}]}'
    reports = {f"r{number}/report.json": part % (number, number, number) for number in range(4)}
    with Collection.of(reports) as collection:
        assert [(table.name, table.rows) for table in collection.tables] == [("gates", 8), ("documents", 4)]


def test_who_reads_a_sealed_collection_at_the_same_time_shares_its_pages(folder: Path, home: Home) -> None:
    sealed = Home(home.root, given=Key.made())

    def pages(collection: Collection) -> bytes:
        assert isinstance(collection.pages, int)
        return os.pread(collection.pages, 1 << 24, 0)

    first, second = (Collection.open([folder], home=sealed) for _ in range(2))
    assert first.pages == second.pages
    first.close()
    assert b"the fee is 40 EUR" in pages(second)
    second.close()
    (folder / "letter.txt").write_text("Dear all,\n\nthe fee is 50 EUR a month.\n")
    with Collection.open([folder], home=sealed) as third:
        assert b"the fee is 50 EUR" in pages(third)
        assert b"the fee is 40 EUR" not in pages(third)


def test_a_sealed_collection_is_hardly_larger() -> None:
    text = "\n\n".join(
        " ".join(f"w{7919 * number % 65521}" for number in range(at, at + 100)) for at in range(0, 65521, 100)
    )
    sizes: list[int] = []
    for sealed in (False, True):
        with Collection.of({"words.txt": text}, sealed=sealed) as collection:
            sizes.append(collection.path.stat().st_size)
    assert sizes[1] < 1.05 * sizes[0]


def test_rows_of_several_files_say_which_they_are_from() -> None:
    offices = {f"{name}_staff.csv": f"Name,YEAR\n{name} A,2001\n{name} B,2003\n" for name in ("holm", "skerry")}
    offices["skerry_staff.csv"] = offices["skerry_staff.csv"].replace("YEAR", "Year")
    with Collection.of(offices) as collection:
        staff = collection.tables[0]
        assert (staff.name, staff.rows) == ("staff", 4)
        assert [column.name for column in staff.columns] == ["name", "year", "document"]
        assert staff.columns[-1].common == [("holm_staff.csv", 2), ("skerry_staff.csv", 2)]
    with Collection.of({"holm_staff.csv": offices["holm_staff.csv"]}) as collection:
        assert [column.name for column in collection.tables[0].columns] == ["name", "year"]


def test_files_of_one_series_are_one_table_and_others_with_much_the_same_columns_are_not() -> None:
    rows = "".join(f"{number},Holm,{number % 3},n{number}\n" for number in range(9))
    columns = "id,place,kind,name"
    more = rows.replace("\n", ",7\n")
    documents = {
        "trips.csv": f"trip,{columns[3:]}\n{rows}",
        "trips_planned.csv": f"trip,{columns[3:]},days\n{more}",
        "sales_north.csv": f"{columns}\n{rows}".replace("Holm", "Skerry"),
        "sales_south.csv": f"{columns},days\n{more}".replace("Holm", "Norland"),
    }
    with Collection.of(documents) as collection:
        assert [(table.name, table.rows) for table in collection.tables] == [
            ("sales", 18),
            ("trips", 9),
            ("trips_planned", 9),
            ("documents", 4),
        ]
