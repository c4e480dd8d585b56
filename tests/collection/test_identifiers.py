"""Names of tables and columns: what SQL and Python take without quotes, whatever a label is."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.identifiers import LONGEST, identifier, plain


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Größe (m²)", "grosse_m2"),
        ("visitsPerDay", "visits_per_day"),
        ("% of total", "percent_of_total"),
        ("Дата рождения", "дата_рождения"),
        ("線", "線"),
        ("नाम", "नाम"),
        ("2019", "n2019"),
        ("Order", "order_"),
        ("©", "value"),
    ],
)
def test_a_label_is_a_name_in_its_own_script(label: str, name: str) -> None:
    assert identifier(label, ()) == name


@given(st.text(max_size=80))
def test_any_label_is_a_name_that_sql_and_python_take_as_it_is(label: str) -> None:
    name = identifier(label, ())
    assert name.isidentifier()
    assert len(name) <= LONGEST
    assert plain(plain(label)) == plain(label)
    with sqlite3.connect(":memory:") as database:
        assert database.execute(f"SELECT {name} FROM (SELECT 1 AS {name})").fetchone() == (1,)
    database.close()


@given(st.lists(st.sampled_from(["線", "Line", "line", "Ligne"]), max_size=6))
def test_no_two_labels_share_a_name(labels: list[str]) -> None:
    taken: list[str] = []
    for label in labels:
        taken.append(identifier(label, taken))
    assert len(set(taken)) == len(labels)
