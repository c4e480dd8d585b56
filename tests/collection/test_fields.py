"""What documents say of themselves, as columns of `documents`."""

from pathlib import Path

from rlm_local.collection import Collection
from rlm_local.home import Home


def columns(folder: Path, home: Home) -> list[str]:
    with Collection.open([folder], home=home) as collection:
        [documents] = [table for table in collection.tables if table.name == "documents"]
        return [column.name for column in documents.columns][6:]


def test_a_title_that_is_the_documents_own_is_no_second_column(tmp_path: Path, home: Home) -> None:
    for number in range(3):
        (tmp_path / f"{number}.md").write_text(f"---\ntitle: Post  {number}\nauthor: Ann\n---\n\nText.\n")
    assert columns(tmp_path, home) == ["author"]


def test_another_title_is_a_column(tmp_path: Path, home: Home) -> None:
    (tmp_path / "a.json").write_text('{"name": "Ann Lee", "title": "Dr", "age": 40}')
    (tmp_path / "b.md").write_text("---\nTitle: A post\nTITLE: Another\n---\n\nText.\n")
    assert "title_2" in columns(tmp_path, home)


def test_names_inside_a_field_are_columns_unless_they_are_many(tmp_path: Path, home: Home) -> None:
    for number in range(30):
        used = f"using:\n  Project {number}: https://example.org\nauthor:\n  name: Ann\n  mail: ann@example.org\n"
        (tmp_path / f"{number}.md").write_text(f"---\n{used}---\n\nText.\n")
    assert columns(tmp_path, home) == ["author_name", "author_mail"]


def test_a_sentence_with_a_colon_in_it_is_no_name(tmp_path: Path, home: Home) -> None:
    sentence = "In all of the films that I have seen so far, people who break into computers are often"
    (tmp_path / "a.md").write_text(f"---\ndate: 2024-01-02\nnote:\n  {sentence}: odd\n---\n\nText.\n")
    assert columns(tmp_path, home) == ["date"]


def test_flags_are_flags_whatever_form_they_stand_in(tmp_path: Path, home: Home) -> None:
    (tmp_path / "a.md").write_text("---\ndraft: true\n---\n\nText.\n")
    (tmp_path / "b.json").write_text('{"draft": false}')
    (tmp_path / "c.yaml").write_text("draft: true\n")
    (tmp_path / "list.json").write_text('[{"draft": true}, {"draft": false}]')
    with Collection.open([tmp_path], home=home) as collection:
        types = {table.name: table.columns[-1].type for table in collection.tables}
        drafts = collection.rows("SELECT draft FROM documents ORDER BY document", ())
    assert types == {"documents": "flag", "list": "flag"}
    assert drafts == [(1,), (0,), (1,), (None,)]


def test_a_flag_among_words_is_a_word(tmp_path: Path, home: Home) -> None:
    (tmp_path / "a.md").write_text("---\ndraft: true\n---\n\nText.\n")
    (tmp_path / "b.md").write_text("---\ndraft: nearly\n---\n\nOther.\n")
    with Collection.open([tmp_path], home=home) as collection:
        assert collection.rows("SELECT draft FROM documents ORDER BY document", ()) == [("true",), ("nearly",)]
