"""A table that says what the columns of another mean describes them, and is no table of records to be asked."""

import pytest

from rlm_local.collection import Collection

MOVES = "player,from_club,to_club,moved_on\n" + "".join(
    f"P{n},C{n % 4},C{n % 5},{n % 9 + 1}/20/13\n" for n in range(12)
)
README = """# Moves

Players and their clubs.

Header | Definition
---|---
`player` | Number of the player
`from_club` | The club that the player left
`to_club` | The club that the player joined
"""


def about(documents: dict[str, str]) -> dict[str, str]:
    with Collection.of(documents) as collection:
        return {f"{table.name}.{each.name}": each.about for table in collection.tables for each in table.columns}


def kinds(documents: dict[str, str]) -> dict[str, str]:
    with Collection.of(documents) as collection:
        return {table.name: table.kind for table in collection.tables}


def test_a_readme_describes_the_columns_of_a_file() -> None:
    said = about({"README.md": README, "moves.csv": MOVES})
    assert said["moves.from_club"] == "The club that the player left"
    assert said["moves.moved_on"] == ""


def test_the_table_of_the_file_has_its_name_whatever_the_readme_is_called() -> None:
    assert kinds({"README.md": README, "moves.csv": MOVES}) == {
        "moves": "rows",
        "moves_2": "dictionary",
        "documents": "documents",
    }


@pytest.mark.parametrize("name", ["columns.csv", "zz.csv"])
def test_a_file_beside_describes_them_too(name: str) -> None:
    dictionary = "field,type,what\nplayer,id,Number of the player\nto_club,id,Where he went\nmoved_on,date,The day\n"
    said = about({name: dictionary, "moves.csv": MOVES})
    assert (said["moves.to_club"], said["moves.moved_on"]) == ("Where he went", "The day")


def test_values_that_two_columns_are_called_by_chance_describe_nothing() -> None:
    other = "name,age\nplayer,31\nto_club,22\nAnna,41\nBea,25\nCleo,37\n"
    assert not any(about({"other.csv": other, "moves.csv": MOVES}).values())


def test_two_files_with_the_same_columns_describe_neither() -> None:
    assert set(kinds({"a/moves.csv": MOVES, "b/moves.csv": MOVES.replace("P1", "Q1")}).values()) == {
        "rows",
        "documents",
    }


@pytest.mark.parametrize("line", ["- `{}`: {}", "* **{}** - {}", "{} \u2014 {}", "    {}:   {}", '"{}": {}'])
def test_a_list_in_a_text_describes_columns(line: str) -> None:
    said = {
        "player": "Number of the player",
        "from_club": "The club - that was left",
        "to_club": "Where he went: a club",
    }
    text = "# Moves\n\nThe columns are: \n\n" + "\n".join(line.format(*each) for each in said.items()) + "\n"
    found = about({"README.md": text, "moves.csv": MOVES})
    assert {name: found[f"moves.{name}"] for name in said} == said


def test_words_of_prose_describe_nothing() -> None:
    text = "Each player: a person.\nto_club - where he went.\nAll else is prose, and says: nothing of columns.\n"
    assert not any(about({"README.txt": text, "moves.csv": MOVES}).values())


def test_the_fields_of_a_letter_describe_no_column() -> None:
    letter = "player: Anna\nfrom_club: Rovers\nto_club: United\n\nDear all, this is to say that she moves on.\n"
    assert not any(about({"letter.txt": letter, "moves.csv": MOVES}).values())
