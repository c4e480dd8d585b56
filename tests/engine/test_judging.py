"""From margins of sentences to verdicts on items."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from rlm_local.engine.judging import sentences, verdicts

NOTE = "Visit V-12 | 2024-05-01 | Dr Ilse Elvanger\nShe waited for an hour. He was kind to her!\n"


def test_a_heading_is_no_sentence() -> None:
    assert sentences(NOTE) == ["She waited for an hour.", "He was kind to her!"]


def test_one_sentence_and_a_whole_document_are_judged_as_they_are() -> None:
    for text in ("the pump is broken", "It rained all day. " * 40, "A-1 | B-2", ""):
        assert sentences(text) == [text]


def test_few_sentences_are_judged_by_even_odds() -> None:
    assert verdicts([[0.3, -2.0], [-0.1], [4.0]]) == [0.3, -0.1, 4.0]
    assert verdicts([]) == []


@given(st.floats(-4, 4), st.integers(0, 1000))
def test_what_stands_out_is_a_yes_whatever_the_lean(lean: float, seed: int) -> None:
    rng = Random(seed)
    margins = [[rng.gauss(lean, 0.5) for _ in range(8)] for _ in range(40)]
    for each in margins[:12]:
        each[3] = lean + abs(lean) + 5.0
    assert min(verdicts(margins)[:12]) > 0


def test_where_nothing_stands_out_hardly_any_is_a_yes() -> None:
    rng = Random(1)
    margins = [[rng.gauss(-2.0, 0.8) for _ in range(8)] for _ in range(40)]
    assert sum(margin > 0 for margin in verdicts(margins)) <= 2
