"""What a search for words finds, in languages with and without stems of their own."""

import pytest

from rlm_local.collection import Collection
from rlm_local.collection.words import phrases

TEXTS = {
    "lease.txt": "The deposit is three rents. Harbourtools Ltd pays it.",
    "vertrag.txt": "Die Kündigungsfrist beträgt drei Monate, die Wohnungen werden im Mai begangen.",
    "menu.txt": "Soup of the day, with bread.",
}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Wie lang ist die Frist der Kündigung?", "vertrag.txt"),
        ("Was ist mit der Wohnung?", "vertrag.txt"),
        ("What does Harbour pay?", "lease.txt"),
        ("rents", "lease.txt"),
    ],
)
def test_what_begins_with_a_word_is_found(words: str, found: str) -> None:
    with Collection.of(TEXTS) as collection:
        assert [passage.document for passage in collection.search(words, 1)] == [found]


def test_the_word_itself_comes_first() -> None:
    texts = {"a.txt": "The harbourmaster has it.", "b.txt": "The harbour has it.", "c.txt": "Nobody has it."}
    with Collection.of(texts) as collection:
        assert [passage.document for passage in collection.search("harbour", 3)] == ["b.txt", "a.txt"]


@pytest.mark.parametrize("word", ["a1", "it", "\u5e83"])
def test_a_word_too_short_to_be_a_stem_is_no_beginning_unless_its_script_has_no_spaces(word: str) -> None:
    assert phrases(f"{word} {word}") == [f'"{word}"*' if not word.isascii() else f'"{word}"']


def test_words_are_no_operators() -> None:
    assert phrases('near("x" OR -y*)') == ['"near"', '"near"*', '"x"', '"y"']
