"""Values that a text may mean, and those that stand in a question."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.info import Column, Table
from rlm_local.collection.mentions import mentioned
from rlm_local.collection.values import Ask, fold, values_like
from rlm_local.sqlite import Database, connect

_CITIES = ["Köln", "New York", "York", "Paris", "R", "a", "O'Fallon"]


@pytest.fixture
def db() -> Iterator[Database]:
    db = connect(Path(":memory:"))
    db.execute("CREATE TABLE visits (city TEXT, code TEXT)")
    db.executemany("INSERT INTO visits VALUES (?, ?)", [(city, f"c-{place}") for place, city in enumerate(_CITIES)])
    yield db
    db.close()


@pytest.fixture
def ask(db: Database) -> Ask:
    def ask(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return db.execute(statement, values).fetchall()

    return ask


def column(name: str, kind: str, common: Sequence[str], distinct: int) -> Column:
    return Column(name, name, kind, "", 9, distinct, None, None, [(value, 1) for value in common])


CITY = column("city", "category", _CITIES, len(_CITIES))
CODE = column("code", "id", ["c-0"], 7)
VISITS = Table("visits", "rows", 7, (CITY, CODE))


def said(ask: Ask, question: str) -> list[tuple[str, str]]:
    return [(mention.column, mention.text) for mention in mentioned(ask, [VISITS], question)]


def test_a_value_stands_in_a_question_whatever_its_case_and_accents(ask: Ask) -> None:
    assert said(ask, "How many visits in KOLN?") == [("city", "Köln")]
    assert said(ask, "How many visits in köln?") == [("city", "Köln")]


def test_the_longer_value_is_meant(ask: Ask) -> None:
    assert said(ask, "How many in new york?") == [("city", "New York")]


def test_a_short_value_has_to_be_written_as_it_is(ask: Ask) -> None:
    assert said(ask, "Is R a rating?") == [("city", "R")]
    assert said(ask, "is r a rating?") == []


def test_values_that_are_not_counted_are_asked_for(ask: Ask) -> None:
    assert said(ask, "What is C-3?") == [("code", "c-3")]


def test_quotes_in_values_and_questions_are_no_sql(ask: Ask) -> None:
    assert said(ask, "How many in O'Fallon?") == [("city", "O'Fallon")]
    assert said(ask, "How many in '; DROP TABLE visits; --?") == []


def test_prose_and_names_of_documents_are_not_looked_up(ask: Ask) -> None:
    assert mentioned(ask, [Table("visits", "rows", 7, (column("document", "id", ["Paris"], 1),))], "Paris?") == []


def test_what_a_literal_may_mean_begins_with_what_is_the_same(ask: Ask) -> None:
    assert values_like(ask, VISITS, CITY, "PARIS")[0] == "Paris"
    assert set(values_like(ask, VISITS, CITY, "nothing")) == set(_CITIES)


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(f"  {text.upper()} ") == fold(text.upper())
