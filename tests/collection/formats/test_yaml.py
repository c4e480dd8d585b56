"""YAML: its records, its fields, and what hostile files come to."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats.part import Cell, Document, Note, Rows, Text
from rlm_local.collection.formats.records import MOST_COLUMNS
from rlm_local.collection.formats.source import Source
from rlm_local.collection.formats.yaml import read

from .nested import Parsed, parsed_by


def parsed(text: str) -> Parsed:
    return parsed_by(read, "file.yaml", text)


def test_items_of_a_list_are_records_where_they_stand() -> None:
    found = parsed("# pets\n- name: Ada\n  age: 3\n- {name: Bo}\n\n# end\n")
    assert found.tables == {"": [{"name": "Ada", "age": 3}, {"name": "Bo", "age": None}]}
    assert found.stands == ["name: Ada\n  age: 3", "{name: Bo}"]


def test_lists_inside_a_record_are_tables_that_refer_to_it() -> None:
    found = parsed("- id: A\n  orders:\n  - sum: 5\n  - sum: 6\n- id: B\n")
    assert found.tables["orders"] == [{"file_id": "A", "sum": 5}, {"file_id": "A", "sum": 6}]


def test_values_beside_the_records_are_fields() -> None:
    found = parsed("title: T\nby: {name: N}\ntags: [x, y]\npeople:\n- {a: 1}\n- {a: 2}\n")
    assert found.fields == {"title": "T", "by_name": "N", "tags": "x, y"}
    assert found.tables == {"people": [{"a": 1}, {"a": 2}]}


def test_members_that_are_alike_are_records_by_name() -> None:
    found = parsed("pets:\n  Ada: {age: 3}\n  Bo: {age: 4}\n  Cy:\n    age: 5\n")
    assert [row["key"] for row in found.tables["pets"]] == ["Ada", "Bo", "Cy"]
    assert found.stands[0] == "Ada: {age: 3}"


@pytest.mark.parametrize("text", ["---\na: 1\n---\na: 2\n...\n", "a: 1\n---\n---\na: 2\n", "- a: 1\n---\n- a: 2\n"])
def test_documents_one_after_another_are_records(text: str) -> None:
    assert parsed(text).tables == {"": [{"a": 1}, {"a": 2}]}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12:30", "12:30"),
        ("NO", "NO"),
        ("007", "007"),
        ("2024-05-01", "2024-05-01"),
        ("2024-05-01T10:00:00+02:00", "2024-05-01T10:00:00+02:00"),
        ("-3", -3),
        ("1.5e3", 1500.0),
        ("9" * 30, "9" * 30),
        ("true", True),
        ("'true'", "true"),
        ("!!str 5", "5"),
        ("!!python/object:os.system x", "x"),
        ("~", None),
        (".nan", None),
        ("|\n    one\n    two", "one\ntwo\n"),
    ],
)
def test_plain_values_are_what_they_look_like_and_nothing_is_made_of_tags(written: str, value: Cell) -> None:
    [row] = parsed(f"- a: {written}\n").tables[""]
    assert row["a"] == value
    assert type(row["a"]) is type(value)


def test_aliases_and_merged_mappings_are_what_they_name() -> None:
    found = parsed("- &x {p: 1, q: 2}\n- {<<: *x, q: 3}\n- {<<: [{q: 4}, *x], r: *x}\n")
    assert found.tables[""] == [
        {"p": 1, "q": 2, "r_p": None, "r_q": None},
        {"p": 1, "q": 3, "r_p": None, "r_q": None},
        {"p": 1, "q": 4, "r_p": 1, "r_q": 2},
    ]


def test_all_values_of_a_key_that_comes_again_are_kept() -> None:
    found = parsed("a: 1\na: 2\n")
    assert found.fields == {"a": "1, 2"}
    assert found.notes == ["mappings in which a key comes more than once (1): all its values are kept: "]


def test_keys_that_are_no_text_are_written() -> None:
    assert parsed("1: a\ntrue: b\n? [x]\n: c\n").fields == {"1": "a", "true": "b", '["x"]': "c"}


@pytest.mark.parametrize(
    "text", ["a: {{ b }}: c\n", "a:\n\tb: 1\n", "a: [", "[" * 9_000, "- " * 9_000, "%TAG ! a:\n" * 200]
)
def test_what_is_no_good_yaml_is_text_and_that_is_said(text: str) -> None:
    found = parsed(text)
    assert not found.tables
    assert not found.fields
    assert [note.partition(":")[0] for note in found.notes] == ["what cannot be read as YAML is text alone"]


def test_records_before_the_place_where_it_breaks_are_kept() -> None:
    found = parsed("- a: 1\n- a: 2\n- a: {{ x }}: 3\n")
    assert found.tables == {"": [{"a": 1}, {"a": 2}]}
    assert "line 3" in found.notes[0]


def test_words_alone_are_no_record() -> None:
    assert parsed("Only some words.\n") == Parsed()


def test_an_anchor_inside_of_itself_leads_nowhere() -> None:
    found = parsed("a: &a [1, *a]\nb: *c\n")
    assert found.fields == {"a": "1, *a", "b": "*c"}
    assert len(found.notes) == 1


def test_aliases_of_aliases_stay_small() -> None:
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)]
    found = parsed("".join(("a0: &a0 [lol]\n", *lines)))
    assert sum(len(str(row)) for rows in found.tables.values() for row in rows) < 4 << 20
    assert any("aliases" in note for note in found.notes)


def test_a_long_text_that_many_aliases_name_is_not_multiplied() -> None:
    found = parsed(f"- &a {'x' * 100_000}\n" + "- *a\n" * 1_000)
    assert sum(len(str(row["value"])) for row in found.tables[""]) < 2 << 20


def test_columns_are_bounded_however_many_keys_there_are() -> None:
    rows = parsed("".join(f"- k{number}: 1\n" for number in range(3_000))).tables[""]
    assert len(rows[0]) <= MOST_COLUMNS + 1


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES)
def test_whatever_the_library_writes_is_read_without_a_note(value: object) -> None:
    assert not parsed(yaml.safe_dump(value, allow_unicode=True)).notes


@given(st.text(alphabet="ab: -[]{}&*!|>%'\"\n\t#?,~<", max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert all(isinstance(part, Document | Text | Rows | Note) for part in read(Source("file.yaml", text.encode())))


@pytest.mark.parametrize(("tags", "tables"), [(20, set[str]()), (21, {"tags"})])
def test_a_few_plain_values_are_a_field_and_many_are_rows_too(tags: int, tables: set[str]) -> None:
    found = parsed("title: Pump\ntags:\n" + "".join(f"- t{number}\n" for number in range(tags)))
    assert str(found.fields["tags"]).startswith("t0, t1, t2, ")
    assert set(found.tables) == tables
