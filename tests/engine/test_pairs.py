"""Questions about pairs of groups."""

from random import Random

import pytest

from rlm_local.bench.tasks import pairs
from rlm_local.bench.tasks.labelled import document, make_rows
from rlm_local.corpus import Corpus
from rlm_local.engine.guided import Schema
from rlm_local.engine.guided.pairs import pair_tests
from rlm_local.engine.guided.plan import Condition

COLOURS = ("red", "blue", "green")


def linked(text: str) -> list[Condition]:
    named = [Condition("colour", "=", colour) for colour in COLOURS if colour in text]
    return [*named, *([Condition("day", ">", "2024-05-01")] if "after May" in text else [])]


@pytest.mark.parametrize(
    ("question", "label"),
    [
        (
            "List all pairs of users such that both have a red or a blue row.",
            "both colour any red|blue: >= 1 items",
        ),
        (
            "Which are the pairs where one has at least 2 red rows and no green row, and the other exactly 1 blue row?",
            "one colour = red: >= 2 items; colour = green: == 0 items, the other colour = blue: == 1 items",
        ),
        (
            "Give the pairs of users for which all red rows of both are after May 1, 2024.",
            "both colour = red and day <= 2024-05-01: == 0 items",
        ),
        ("Give the pairs of users such that both are nice.", None),
        ("Which users have a red row?", None),
    ],
)
def test_a_question_says_what_each_of_two_groups_must_meet(question: str, label: str | None) -> None:
    tests = pair_tests(question, linked)
    assert (tests and tests.label) == label


def test_every_condition_of_oolong_pairs_is_understood() -> None:
    corpus = Corpus.from_documents(document(make_rows(2_000, Random(1), None, 120)))
    labels = ", ".join(pairs.LABELS.values())
    for condition in pairs.CONDITIONS:
        schema = Schema(corpus, f"The labels: {labels}. List all pairs of users such that {condition}. In order.")
        [tests] = schema.pairs.values()
        dated = [test for test in tests.one if len(test.where) > 1]
        assert len(tests.one) == (len(condition.one) or 1 + bool(condition.dated))
        assert len(tests.other) == (len(condition.other) or 1 + bool(condition.dated))
        assert bool(dated) == bool(condition.dated)
