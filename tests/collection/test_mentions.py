"""Values of the records that stand in a question are found, with their columns."""

from collections.abc import Iterator

import pytest

from rlm_local.collection import Collection
from rlm_local.collection.mentions import mentioned

FILMS = "title,genre,rating,region,made_in\n" + "".join(
    f"Film {n},{('Comedy', 'Horror', 'Drama')[n % 3]},{('R', 'PG')[n % 2]},"
    f"{('South America', 'Europe')[n % 2]},{('American', 'ARE')[n % 2]}\n"
    for n in range(40)
)
LOG = "\n".join(
    f"Dec 10 06:{n % 60:02}:{n % 59:02} host sshd[{n}]: "
    f"{('Failed password for root', 'Connection closed by', 'session opened for', 'reset by')[n % 4]} 10.0.0.{n % 7}"
    for n in range(120)
)


@pytest.fixture(scope="module")
def collection() -> Iterator[Collection]:
    with Collection.of({"films.csv": FILMS, "auth.log": LOG}) as made:
        yield made


def found(collection: Collection, question: str) -> set[tuple[str, str]]:
    return {(each.column, each.text) for each in mentioned(collection.rows, collection.tables, question)}


def test_a_value_in_any_form_is_a_mention(collection: Collection) -> None:
    assert ("genre", "Comedy") in found(collection, "How many comedies are there?")
    assert ("genre", "Horror") in found(collection, "how many HORROR films?")


def test_a_part_of_a_longer_mention_is_none(collection: Collection) -> None:
    assert found(collection, "Which South American films are there?") == {("region", "South America")}


def test_short_values_have_to_be_written_as_they_are(collection: Collection) -> None:
    assert ("rating", "R") in found(collection, "How many films are rated R?")
    assert found(collection, "how many are a hit?") == set()


def test_words_of_events_are_found_as_they_stand_there(collection: Collection) -> None:
    said = mentioned(collection.rows, collection.tables, "How many failed passwords were there?")
    assert [(each.text, each.within) for each in said if each.column == "event"] == [("Failed password", True)]


def test_a_word_of_events_that_a_column_has_as_its_value_is_that_columns() -> None:
    lines = "\n".join(
        f"[Sun Dec 04 04:{n % 60:02}:44 2005] [{('error', 'notice')[n % 2]}] "
        f"{('child in error state', 'found child in slot')[n % 2]} {n}"
        for n in range(120)
    )
    with Collection.of({"web.log": lines}) as made:
        said = mentioned(made.rows, made.tables, "How many errors were there?")
    assert [(each.column, each.text, each.within) for each in said] == [("level", "error", False)]


def test_an_item_of_lists_is_a_mention_of_what_holds_it() -> None:
    posts = "title,tags\n" + "".join(
        f'Post {n},"{("how we work, agile", "agile", "how we work")[n % 3]}"\n' for n in range(30)
    )
    with Collection.of({"posts.csv": posts}) as made:
        said = mentioned(made.rows, made.tables, "How many posts are about how we work?")
    assert [(each.column, each.text, each.within) for each in said] == [("tags", "how we work", True)]


@pytest.mark.parametrize("question", ["成都市有多少个区", "サイトの成都市には区がいくつありますか。"])
def test_values_are_found_where_words_have_no_spaces(question: str) -> None:
    cities = "编号,城市\n" + "".join(f"{n},{('成都市', '都市', '重庆市', '西安市')[n % 4]}\n" for n in range(12))
    with Collection.of({"cities.csv": cities}) as collection:
        assert [text for _, text in found(collection, question)] == ["成都市"]


def test_the_end_of_a_verb_is_no_value_that_is_written_in_the_same_kana() -> None:
    stops = "駅,よみ,線\n" + "".join(
        f"{('須賀', '浦安', '葛西')[n % 3]},{('すか', 'うらやす', 'かさい')[n % 3]},{('メトロ', 'ロ')[n % 2]}\n"
        for n in range(12)
    )
    with Collection.of({"stops.csv": stops}) as collection:
        assert found(collection, "メトロの駅はいくつありますか。") == {("線", "メトロ")}
        assert [text for _, text in found(collection, "「すか」はどこですか。")] == ["すか"]
