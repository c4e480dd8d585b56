"""The card shows what there is, and nothing in it can pass for a line of its own."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection import Reference, Table
from rlm_local.collection.mentions import Mention
from rlm_local.engine.authors.card import card, hints

from .harbour import REFERENCES, TABLES, column


@pytest.mark.parametrize(
    ("value", "hinted"), [("from", False), ("trip", False), ("I", False), ("US", True), ("Holm", True)]
)
def test_a_word_of_the_question_is_no_hint(value: str, hinted: bool) -> None:
    mention = Mention("boats", "harbour", value)
    assert bool(hints(TABLES, [mention])) is hinted


def test_a_year_is_no_id() -> None:
    assert hints(TABLES, [Mention("boats", "code", "1939")]) == ()
    assert hints(TABLES, [Mention("boats", "harbour", "1939")]) == ("boats.harbour = '1939'",)


def test_columns_are_shown_with_what_their_values_are_like() -> None:
    text = card(TABLES, REFERENCES)
    assert "CREATE TABLE boats ( -- 120 rows" in text
    assert "  harbour TEXT, -- 'Skerry', 'Holm'" in text
    assert "  length REAL, -- Length over all: 4.5 to 31.0 m" in text
    assert "  built DATE, -- 1978-03-01 to 2019-06-30" in text


def test_references_are_shown() -> None:
    assert "REFERENCES boats(code)" in card(TABLES, REFERENCES)


def test_a_column_without_values_is_left_out() -> None:
    assert "nothing" not in card([Table("t", "rows", 3, (column("nothing"),))])


def test_a_column_of_one_value_says_so() -> None:
    assert "-- always 'LabSZ'" in card([Table("t", "rows", 10, (column("host", values=["LabSZ"]),))])


def test_times_without_a_day_are_of_their_own_type() -> None:
    table = Table("t", "rows", 20, (column("at", "time", ["06:55:46", "11:04:45"]),))
    assert "at TIME, -- 06:55:46 to 11:04:45" in card([table])


def test_texts_that_come_back_are_shown_as_categories_are() -> None:
    events = [f"event {n} of <user>" for n in range(14)]
    text = card([Table("t", "lines", 140, (column("event", "text", events),))])
    assert "14 different: 'event 0 of <user>'" in text


def test_the_dots_of_a_value_that_is_cut_are_no_part_of_it() -> None:
    texts = column("a", "category", ["x" * 90, "y"])
    assert f"'{'x' * 80}'..., 'y'" in card([Table("t", "rows", 20, (texts,))])


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [("boats", "kind", "Holm"), ("boats", "code", "trips"), ("trips", "boat", "30")],
    ids=["not shown", "a name", "an amount"],
)
def test_no_hint_is_given_of_what_would_mislead(table: str, name: str, value: str) -> None:
    assert hints(TABLES, [Mention(table, name, value)]) == ()


def test_values_of_the_question_are_hints() -> None:
    assert hints(TABLES, [Mention("boats", "name", "Winter's Light")]) == ("boats.name = 'Winter''s Light'",)


@given(st.lists(st.text(max_size=200), min_size=1, max_size=5), st.text(max_size=100))
def test_a_value_or_label_stays_on_its_line(values: list[str], label: str) -> None:
    table = Table("t", "rows", 3, (column("a", "text", values, label=label),))
    lines = card([table]).split("\n")
    assert len(lines) == 3
    assert len(lines[1]) < 400


def test_a_value_called_as_its_own_table_is_a_hint() -> None:
    table = Table("error", "lines", 20, (column("level", values=["notice", "error"]),))
    assert hints([table], [Mention("error", "level", "error")]) == ("error.level = 'error'",)


def test_an_item_of_two_columns_of_lists_is_no_hint() -> None:
    table = Table(
        "laws", "rows", 20, (column("allows", "list", ["sale", "use"]), column("forbids", "list", ["sale", "loan"]))
    )
    assert hints([table], [Mention("laws", name, "sale", within=True) for name in ("allows", "forbids")]) == ()
    assert hints([table], [Mention("laws", "allows", "use", within=True)]) == ("laws.allows LIKE '%use%'",)


def test_what_all_rows_have_is_no_hint() -> None:
    table = Table("posts", "documents", 20, (column("layout", values=["post"]),))
    assert hints([table], [Mention("posts", "layout", "post")]) == ()


def test_lists_are_shown_by_their_items() -> None:
    tags = column("tags", "list", ["agile", "design"])
    assert "tags TEXT, -- lists of 'agile', 'design'" in card([Table("t", "rows", 20, (tags,))])


def test_what_a_dictionary_says_stands_beside_its_columns_and_it_is_not_shown_itself() -> None:
    left = replace(column("left", values=["RUS", "UKR"]), about="The club that the player left")
    text = card([Table("moves", "rows", 3, (left,)), Table("fields", "dictionary", 3, (column("header"),))])
    assert "left TEXT, -- The club that the player left: 'RUS', 'UKR'" in text
    assert "fields" not in text


def test_a_value_that_some_rows_have_is_told_from_one_that_all_have() -> None:
    ticked = replace(column("bread", values=["Bread"]), given=2)
    assert "bread TEXT, -- 'Bread' or NULL" in card([Table("t", "rows", 3, (ticked,))])


@pytest.mark.parametrize(("texts", "shown"), [(0, False), (1, False), (2, True)])
def test_documents_are_shown_where_two_are_more_than_their_rows(texts: int, *, shown: bool) -> None:
    kind = replace(column("kind"), common=[("table", 3), *([("markdown", texts)] if texts else [])])
    table = Table("documents", "documents", 3 + texts, (column("document", "id", ["a", "b"]), kind))
    assert ("CREATE TABLE documents" in card([table])) is shown


def test_tables_for_which_there_is_no_room_are_named() -> None:
    few = [Table(f"options_{number:03}", "rows", 4, (column("switch", values=["on", "off"]),)) for number in range(200)]
    text = card([*TABLES, *few], REFERENCES, "How long are the boats?")
    assert "CREATE TABLE boats (" in text
    assert len(text) < 6_000
    assert text.rpartition("\n")[2].startswith("-- other tables: options_")


def test_what_a_column_is_is_no_hint_that_a_list_holds_it() -> None:
    owner = column("owner", values=["storage", "node"])
    others = column("others", "list", ["storage", "node", "network"])
    table = Table("plans", "rows", 20, (owner, others))
    mentions = [Mention("plans", "owner", "storage"), Mention("plans", "others", "storage", within=True)]
    assert hints([table], mentions) == ("plans.owner = 'storage'",)
    assert hints([table], mentions[1:]) == ("plans.others LIKE '%storage%'",)


def test_a_reference_to_what_is_not_shown_is_not() -> None:
    files = Table("documents", "documents", 2, (replace(column("kind"), common=[("table", 2)]),))
    sales = Table("sales", "rows", 20, (column("document", values=["a.csv", "b.csv"]),))
    assert "REFERENCES" not in card([sales, files], [Reference("sales", "document", "documents", "name", 1.0)])
