"""A card that is too long shows what a question may concern, and names the rest."""

from dataclasses import replace

from rlm_local.engine.authors.cut import Line, Sheet, cut


def sheet(name: str, *columns: str) -> Sheet:
    lines = tuple(Line(column, column, f"  {column} TEXT, -- {'x' * 60}") for column in columns)
    return Sheet(name, f"CREATE TABLE {name} (", 100, lines)


TIDES = sheet("tides", *(f"reading{number}" for number in range(30)), "height")
BOATS = sheet("boats", *(f"field{number}" for number in range(30)), "colour")


def shown(sheets: list[Sheet]) -> set[str]:
    return {line.name for each in sheets for line in each.lines}


def test_columns_that_the_question_speaks_of_come_first() -> None:
    made = cut([TIDES, BOATS], 2_000, "Which colours do the boats have?", frozenset())
    assert "colour" in shown(made)
    assert "height" not in shown(made)


def test_columns_whose_values_stand_in_the_question_come_first() -> None:
    assert "height" in shown(cut([TIDES, BOATS], 1_500, "What of 3.2?", {("tides", "height")}))


def test_no_table_is_left_out_and_what_is_not_shown_is_named() -> None:
    made = cut([TIDES, BOATS], 1_500, "What?", frozenset())
    assert [each.name for each in made] == ["tides", "boats"]
    assert all("-- also: " in str(each) for each in made)


def test_a_card_stays_near_its_length() -> None:
    made = cut([TIDES, BOATS], 1_500, "What?", frozenset())
    assert sum(len(str(each)) for each in made) <= 1_500 + 100


def test_of_columns_that_are_much_alike_the_later_ones_are_only_named() -> None:
    names = sheet("names", "code", *(f"name_{language}_{n}" for language in ("en", "pt") for n in range(9)), "height")
    long = [names, *[BOATS] * 2]
    assert shown(cut(long, 6_000, "What?", frozenset())) >= {"code", "name_en_0", "name_en_1", "height"}
    assert "name_pt_3" not in shown(cut(long, 6_000, "What?", frozenset()))
    assert "name_pt_3" in shown(cut(long, 6_000, "What is Holm in pt?", frozenset()))


def test_very_many_tables_leave_room_for_the_first_and_for_those_that_are_asked_for() -> None:
    many = [sheet(f"options_{number:03}", "switch", "meaning") for number in range(200)]
    made = cut([BOATS, *many, TIDES, sheet("documents", "title")], 3_000, "What is the height?", frozenset())
    assert {"boats", "options_000", "tides", "documents"} <= {each.name for each in made}
    assert len(made) < 100
    assert "height" in shown(made)


def test_of_tables_that_nothing_asks_for_the_largest_are_shown() -> None:
    asides = [replace(sheet(f"aside{number}", "a", "b", "c"), rows=4) for number in range(60)]
    made = cut([*asides, TIDES, sheet("documents", "title")], 2_000, "What is the most of them?", frozenset())
    assert "tides" in {each.name for each in made}
    assert not shown(made) & {"a", "b", "c"}


def test_common_words_of_a_question_ask_for_nothing() -> None:
    named = replace(sheet("state_of_the_art", "a"), rows=2)
    first = cut([named, TIDES, BOATS], 1_500, "What is the height of the tides?", frozenset())
    assert "height" in shown(first)
    assert "a" not in shown(first)
