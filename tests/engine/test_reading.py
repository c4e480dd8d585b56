"""What kind of answer a question wants."""

import pytest

from rlm_local.engine.reading import asks_yes_or_no


@pytest.mark.parametrize(
    "question",
    [
        "Is the gate open?",
        "Were dogs allowed in the yard in May 2024?",
        "For the audit: has the licence been renewed?",
        "When the bell rings, must the visitors leave?",
    ],
)
def test_a_clause_that_begins_with_a_verb_asks_for_yes_or_no(question: str) -> None:
    assert asks_yes_or_no(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who is at the gate?",
        "Is the gate red or green?",
        "What must the visitors do?",
        "Somebody bit through the cable. Which animal was it?",
        "Count the visits, please.",
    ],
)
def test_other_questions_do_not(question: str) -> None:
    assert not asks_yes_or_no(question)
