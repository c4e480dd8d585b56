import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats.json import read
from rlm_local.collection.formats.part import Cell, Document, Note, Rows, Text
from rlm_local.collection.formats.records import MOST_COLUMNS
from rlm_local.collection.formats.source import Source


class Parsed:
    """What `read` gives of one file: its fields, and its tables by name with their rows as dictionaries."""

    def __init__(self, text: str, name: str = "file.json") -> None:
        parts = list(read(Source(name, text.encode())))
        self.document = next(part for part in parts if isinstance(part, Document))
        self.text = "".join(part.text for part in parts if isinstance(part, Text))
        self.notes = [part for part in parts if isinstance(part, Note)]
        self.rows_parts = [part for part in parts if isinstance(part, Rows)]
        self.tables: dict[str, list[dict[str, Cell]]] = {}
        for part in self.rows_parts:
            rows = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
            self.tables.setdefault(part.table, []).extend(rows)

    def part(self, table: str) -> Rows:
        return next(part for part in self.rows_parts if part.table == table)


def test_objects_in_a_list_are_records():
    parsed = Parsed('[{"id": 1, "ok": true}, {"id": 2, "ok": null, "x": 1.5}]')
    assert parsed.tables == {"": [{"id": 1, "ok": True, "x": None}, {"id": 2, "ok": None, "x": 1.5}]}


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}\n{"a": 2}\n', '{"a": 1} {"a": 2}', '{\n"a": 1\n}\n{\n"a": 2\n}', '[{"a": 1},\n{"a": 2}]'],
)
def test_records_may_stand_in_lines_or_one_after_another(text: str):
    parsed = Parsed(text)
    assert parsed.tables == {"": [{"a": 1}, {"a": 2}]}
    spans = parsed.part("").spans or ()
    assert [json.loads(parsed.text[start:end]) for start, end in spans] == [{"a": 1}, {"a": 2}]


def test_values_beside_the_records_are_fields():
    parsed = Parsed('{"title": "T", "by": {"name": "N"}, "tags": ["x", "y"], "data": {"items": [{"a": 1}, {"a": 2}]}}')
    assert parsed.document.title == "T"
    assert parsed.document.fields == {"title": "T", "by_name": "N", "tags": "x, y"}
    assert parsed.tables == {"items": [{"a": 1}, {"a": 2}]}


def test_objects_inside_a_record_are_columns():
    parsed = Parsed('[{"name": {"first": "Ann", "other": {"x": 1}}}]')
    assert parsed.tables[""] == [{"name_first": "Ann", "name_other_x": 1}]


def test_lists_of_objects_inside_a_record_are_tables_that_refer_to_it():
    text = '[{"id": "A", "orders": [{"sum": 5}, {"sum": 6}]}, {"id": "B", "orders": [{"sum": 7}]}]'
    parsed = Parsed(text, "people.json")
    assert parsed.tables[""] == [{"id": "A"}, {"id": "B"}]
    assert [row["people_id"] for row in parsed.tables["orders"]] == ["A", "A", "B"]
    assert [row["sum"] for row in parsed.tables["orders"]] == [5, 6, 7]
    assert parsed.part("orders").parent == ("", "id")


def test_records_without_a_name_of_their_own_are_referred_to_by_number():
    parsed = Parsed('{"teams": [{"players": [{"n": "A"}]}, {"players": [{"n": "B"}, {"n": "C"}]}]}')
    assert [row["number"] for row in parsed.tables["teams"]] == [1, 2]
    assert [row["teams_id"] for row in parsed.tables["players"]] == [1, 2, 2]
    assert parsed.part("players").parent == ("teams", "number")


def test_references_hold_across_batches():
    text = "".join(json.dumps({"list": [{"n": number}]}) + "\n" for number in range(12_000))
    parsed = Parsed(text, "many.jsonl")
    assert [row["number"] for row in parsed.tables[""]] == list(range(1, 12_001))
    assert all(row["n"] == row["many_id"] - 1 for row in parsed.tables["list"] if isinstance(row["many_id"], int))
    assert max(len(part.rows) for part in parsed.rows_parts) <= 5_000


def test_lists_of_texts_inside_a_record_are_a_text_and_a_table():
    parsed = Parsed('[{"id": 1, "tags": ["red", "green"]}, {"id": 2, "tags": []}]', "things.json")
    assert [row["tags"] for row in parsed.tables[""]] == ["red, green", None]
    assert parsed.tables["tags"] == [{"things_id": 1, "tags": "red"}, {"things_id": 1, "tags": "green"}]


def test_objects_that_are_alike_are_records_by_name():
    parsed = Parsed('{"u1": {"n": 1, "m": 2}, "u2": {"n": 2, "m": 2}, "u3": {"n": 3}}')
    assert [(row["key"], row["n"]) for row in parsed.tables[""]] == [("u1", 1), ("u2", 2), ("u3", 3)]
    assert "" not in Parsed('{"scripts": {"a": "b"}, "config": {"c": 1}, "more": {"d": 1}}').tables


def test_lists_of_lists_are_rows_with_a_header_and_columns_may_be_lists():
    expected = [{"name": "A", "n": 1}, {"name": "B", "n": 2}, {"name": "C", "n": 3}]
    assert Parsed('[["name", "n"], ["A", 1], ["B", 2], ["C", 3]]').tables == {"": expected}
    assert Parsed('{"name": ["A", "B", "C"], "n": [1, 2, 3]}').tables == {"": expected}


def test_features_of_geojson_are_their_properties_and_place():
    feature = {"type": "Feature", "properties": {"n": "A"}, "geometry": {"type": "Point", "coordinates": [1.5, 2]}}
    parsed = Parsed(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert parsed.tables["features"] == [{"n": "A", "geometry": "Point", "longitude": 1.5, "latitude": 2}]


def test_a_broken_line_is_noted_and_the_rest_is_read():
    parsed = Parsed('{"a": 1}\n{"a": 2\n{"a": 3}\n', "x.jsonl")
    assert parsed.tables[""] == [{"a": 1}, {"a": 3}]
    assert [note.place for note in parsed.notes] == ["line 2"]


def test_a_file_that_ends_too_early_gives_what_it_has():
    parsed = Parsed('{"n": 1, "list": [{"x": 1}, {"x": 2}, {"x"')
    assert parsed.document.fields == {"n": 1}
    assert parsed.tables["list"] == [{"x": 1}, {"x": 2}]
    assert parsed.notes


def test_a_broken_record_in_a_list_costs_its_line():
    parsed = Parsed('[{"a": 1},\n{"a": oops},\n{"a": 3}]')
    assert parsed.tables[""] == [{"a": 1}, {"a": 3}]
    assert len(parsed.notes) == 1


def test_what_no_database_holds_is_made_harmless():
    (row,) = Parsed('[{"a": NaN, "b": 1e999, "c": 123456789012345678901, "d": "\\ud800\\u0007x"}]').tables[""]
    assert row == {"a": None, "b": None, "c": "123456789012345678901", "d": "\N{REPLACEMENT CHARACTER}x"}


def test_keys_that_come_twice_keep_both_values():
    parsed = Parsed('[{"a": 1, "a": 2}]')
    assert parsed.tables[""] == [{"a": "1, 2"}]
    assert parsed.notes


@pytest.mark.parametrize("text", ["", " ", "5", "null", "[]", "{}", "[" * 100_000, '{"a":' * 100_000, '"' * 1_000])
def test_nothing_in_it_and_far_too_deep_are_read_as_text(text: str):
    parsed = Parsed(text)
    assert parsed.text == text
    assert not parsed.tables.get("people")


def test_ever_new_keys_make_few_columns():
    parsed = Parsed("".join(json.dumps({"id": n, f"key {n}": n}) + "\n" for n in range(20_000)))
    assert max(len(part.columns) for part in parsed.rows_parts) <= MOST_COLUMNS + 1
    last = parsed.tables[""][-1]
    assert last["id"] == 19_999
    assert last["other"] == "key 19999: 19999"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


@given(st.lists(VALUES, max_size=4), st.sampled_from(["", "\n", ", "]), st.integers(0, 50))
def test_whatever_stands_there_is_read_and_each_row_fits_its_columns(values: list[object], between: str, cut: int):
    text = between.join(json.dumps(value) for value in values)
    parsed = Parsed(text[: len(text) - cut] if cut < 20 else text)
    for part in parsed.rows_parts:
        assert all(len(row) == len(part.columns) for row in part.rows)
        assert all(0 <= start <= end <= len(parsed.text) for start, end in part.spans or ())


@pytest.mark.parametrize("text", ["007", "0" * 100, "1true", '[12, 3x, {"a": 1}]'])
def test_a_number_ends_where_something_else_begins(text: str) -> None:
    parts = list(read(Source("a.json", text.encode())))
    assert not any(
        part.rows and part.columns == ("value",) and len(part.rows) > 2 for part in parts if isinstance(part, Rows)
    )
    assert any(isinstance(part, Note) for part in parts)


@pytest.mark.parametrize(("tags", "tables"), [(20, set[str]()), (21, {"tags"})])
def test_a_few_plain_values_are_a_field_and_many_are_rows_too(tags: int, tables: set[str]) -> None:
    parsed = Parsed(json.dumps({"title": "Pump", "tags": [f"t{number}" for number in range(tags)]}))
    assert str(parsed.document.fields["tags"]).startswith("t0, t1, t2, ")
    assert set(parsed.tables) == tables
