"""Groups by a column of lists are of its items, in any query over it, as SQLite counts them."""

from collections import Counter
from collections.abc import Iterator

import pytest

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.authors.query import Query, check

GENRES = ("drama, comedy", "comedy", "drama", "drama, war", 'comedy, "noir"', "war, drama, comedy")
FILMS = "title,year,genre\n" + "".join(
    f'Film {n},{1990 + n % 4},"{GENRES[n % 6].replace(chr(34), chr(34) * 2)}"\n' for n in range(60)
)


@pytest.fixture(scope="module")
def view() -> Iterator[View]:
    with Collection.of({"films.csv": FILMS}) as collection:
        yield View(collection)


def checked(view: View, sql: str) -> Query:
    return check(sql, view.collection.tables, "", view.values, view.collection.references)


def rows(view: View, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in view.collection.rows(checked(view, sql).named, ())]


def counted() -> Counter[str]:
    return Counter(item.strip('"') for n in range(60) for item in GENRES[n % 6].split(", "))


def test_equality_means_that_the_list_has_it(view: View) -> None:
    assert rows(view, "SELECT COUNT(*) FROM films WHERE genre = 'Drama'") == [(40,)]
    assert rows(view, "SELECT COUNT(*) FROM films WHERE genre <> 'drama'") == [(20,)]
    assert checked(view, "SELECT COUNT(*) FROM films WHERE genre = 'drama'").notes == ("what holds 'drama'",)


def test_a_group_is_an_item(view: View) -> None:
    assert rows(view, "SELECT genre, COUNT(*) FROM films GROUP BY genre ORDER BY COUNT(*) DESC, genre") == [
        ("comedy", 40), ("drama", 40), ("war", 20), ("noir", 10),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT COUNT(DISTINCT genre) FROM films", [(4,)]),
        ("SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM films GROUP BY genre)", [(40,)]),
        ("SELECT f.genre FROM films AS f GROUP BY f.genre HAVING COUNT(*) < 20", [("noir",)]),
        ("SELECT year, COUNT(*) FROM films WHERE genre = 'war' GROUP BY year ORDER BY year LIMIT 1", [(1991, 10)]),
    ],
    ids=["different ones", "inside another query", "with an alias", "a group by something else"],
)
def test_in_queries_of_any_form(view: View, sql: str, expected: list[tuple[object, ...]]) -> None:
    assert rows(view, sql) == expected


def test_different_values_are_items(view: View) -> None:
    assert {genre for (genre,) in rows(view, "SELECT DISTINCT genre FROM films")} == set(counted())


def test_a_column_that_is_called_as_one_of_the_spread_is_left_alone() -> None:
    table = FILMS.replace("title,year", "title,type")
    with Collection.of({"films.csv": table}) as collection:
        query = checked(View(collection), "SELECT genre, MAX(type) FROM films GROUP BY genre")
    assert "json_each" not in query.named.lower()
