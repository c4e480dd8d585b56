"""Categories that a question lists."""

import pytest

from rlm_local.corpus import Corpus
from rlm_local.engine.guided import Schema
from rlm_local.engine.guided.classes import listed_classes, mentioned_classes
from rlm_local.engine.guided.plan import Classes

TICKETS = "ticket,day,said\n1,2024-05-01,the printer is on fire again\n2,2024-05-02,please send me a bill for May\n"


@pytest.mark.parametrize(
    ("question", "classes"),
    [
        (
            "Each line has one of these labels: bill, order, praise and thanks. How many are a bill?",
            Classes("label", ("bill", "order", "praise and thanks")),
        ),
        (
            "The categories are: fire, money, or other. Which is rare?",
            Classes("category", ("fire", "money", "other")),
        ),
        ("Sort them by topic: fire and money. Which user asks most about money?", Classes("topic", ("fire", "money"))),
        ("Which type: the old one?", None),
        ("How many are a bill?", None),
        ("At what time: nine, ten or eleven?", None),
    ],
)
def test_categories_are_listed_after_a_colon(question: str, classes: Classes | None) -> None:
    assert listed_classes(question)[0] == classes


def test_what_the_rest_of_the_question_names_is_a_test_on_the_new_field() -> None:
    classes, rest = listed_classes("These labels: bill, order, praise. Is order or bill more common?")
    assert classes
    assert [condition.label for condition in mentioned_classes(classes, rest)] == ["label = order", "label = bill"]


QUESTION = "Each ticket has one of these labels: fire, money, other. How many in May 2024 are of the label money?"


def test_a_plan_may_use_the_field_that_is_still_to_be_made() -> None:
    schema = Schema(Corpus.from_documents({"tickets.csv": TICKETS}), QUESTION)
    assert schema.classes
    assert schema.mentioned() == "tickets: label = money, day 2024-05-01..2024-05-31"
    assert schema.fields("tickets")[0] == "label"


def test_categories_that_a_field_has_are_no_work_for_the_model() -> None:
    labelled = "ticket,kind,day\n1,fire,2024-05-01\n2,money,2024-05-02\n3,money,2024-05-02\n4,fire,2024-05-03\n"
    schema = Schema(Corpus.from_documents({"tickets.csv": labelled}), QUESTION)
    assert schema.classes is None
    assert "kind = money" in schema.mentioned()
