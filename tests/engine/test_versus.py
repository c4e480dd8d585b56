"""Questions that compare two values of a field."""

import pytest

from rlm_local.corpus import Corpus
from rlm_local.engine.guided import Schema

ROWS = "".join(f"{site},{state}\n" for site in ("Ashford", "Brindle", "Foxley") for state in ("late", "sent") * 3)


@pytest.mark.parametrize(
    ("question", "label", "reply"),
    [
        (
            "Is the site Foxley more common, less common or equally common in comparison with the site Ashford?",
            "site = Foxley against site = Ashford",
            "more common",
        ),
        ("Were there more late orders in Brindle than in Foxley?", "site = Brindle against site = Foxley", "yes"),
        ("Which of Brindle and Foxley has more late orders?", "", ""),
        ("Are there more than 3 late orders in Brindle?", "", ""),
    ],
)
def test_a_question_compares_two_values(question: str, label: str, reply: str) -> None:
    compared = Schema(Corpus.from_documents({"orders.csv": f"site,state\n{ROWS}"}), question).versus.get("orders")
    assert (compared.label if compared else "", compared.replies[0] if compared else "") == (label, reply)


def test_the_labels_that_a_question_lists_are_compared_too() -> None:
    question = (
        "Each has one of these labels: praise, blame. Is the label blame more common, less common or equally common in "
        "comparison with the label praise?"
    )
    schema = Schema(Corpus.from_documents({"orders.csv": f"site,state\n{ROWS}"}), question)
    assert schema.versus["orders"].label == "label = blame against label = praise"
