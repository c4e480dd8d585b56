"""TOML: its records, its fields, and what is no good TOML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats.part import Document, Note, Rows, Text
from rlm_local.collection.formats.source import Source
from rlm_local.collection.formats.toml import read

from .nested import Parsed, parsed_by


def parsed(text: str) -> Parsed:
    return parsed_by(read, "file.toml", text)


def test_arrays_of_tables_are_records_where_they_stand() -> None:
    found = parsed('[[pets]]\nname = "Ada"\n\n[pets.owner]\ncity = "Holm"\n\n[[pets]]\nname = "Bo"\n\n[end]\nx = 1\n')
    assert found.tables == {"pets": [{"name": "Ada", "owner_city": "Holm"}, {"name": "Bo", "owner_city": None}]}
    assert found.stands == ['[[pets]]\nname = "Ada"\n\n[pets.owner]\ncity = "Holm"', '[[pets]]\nname = "Bo"']
    assert found.fields == {"end_x": 1}


def test_arrays_inside_a_record_are_tables_that_refer_to_it() -> None:
    found = parsed("[[a]]\nid = 7\n[[a.b]]\nc = 1\n[[a.b]]\nc = 2\n[[a]]\nid = 8\n")
    assert found.tables["b"] == [{"a_id": 7, "c": 1}, {"a_id": 7, "c": 2}]


def test_days_and_times_are_text_and_flags_are_flags() -> None:
    text = "day = 2024-05-01\nat = 2024-05-01T10:00:00Z\nclock = 07:30:00\nok = true\nmany = [2024-05-01]\n"
    assert parsed(text).fields == {
        "day": "2024-05-01",
        "at": "2024-05-01 10:00:00+00:00",
        "clock": "07:30:00",
        "ok": True,
        "many": "2024-05-01",
    }


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2\n", "[" * 9_000, f"a = {'[' * 9_000}", "a = 1\n[[a]]\n"])
def test_what_is_no_good_toml_is_text_and_that_is_said(text: str) -> None:
    found = parsed(text)
    assert (found.fields, found.tables) == ({}, {})
    assert found.problems == ["what cannot be read as TOML is text alone"]


@given(st.text(alphabet="ab=.[]{}\"'1 \n#,-:T", max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert all(isinstance(part, Document | Text | Rows | Note) for part in read(Source("file.toml", text.encode())))
