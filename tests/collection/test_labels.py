"""Labels of columns are short, and those of one question of a survey keep what distinguishes them."""

from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection import Collection
from rlm_local.collection.labels import LONGEST, shortened

QUESTION = "Which of these do you usually have for breakfast on a working day? Select all that apply. - "


def test_answers_of_one_question_keep_their_ends() -> None:
    assert shortened([QUESTION + "Bread", "Age", QUESTION + "Oat porridge"]) == [
        "Which of these do you usually \u2026 Bread",
        "Age",
        "Which of these do you usually \u2026 Oat porridge",
    ]


def test_the_question_itself_stays_as_it_is() -> None:
    question = "What do you usually have for breakfast on Sundays?"
    assert shortened([question, f"{question} - Other (please say)"]) == [
        question,
        "What do you usually have for \u2026 Other (please say)",
    ]


def test_words_are_not_cut_where_labels_part_within_them() -> None:
    labels = [f"How often did you go to the harbour in {season} of last year?" for season in ("spring", "summer")]
    assert [label.partition("\u2026 ")[2] for label in shortened(labels)] == [
        "spring of last year?",
        "summer of last year?",
    ]


@given(st.lists(st.text(max_size=120)))
def test_no_label_is_long_or_of_two_lines(labels: list[str]) -> None:
    short = shortened(labels)
    assert len(short) == len(labels)
    assert all(len(label) <= LONGEST and label.splitlines() in ([], [label]) for label in short)


def test_columns_are_named_after_the_answers() -> None:
    header = ",".join((f"{QUESTION}Bread", f"{QUESTION}Oat porridge", "Age"))
    with Collection.of({"survey.csv": f"{header}\nBread,,31\n,Oat porridge,44\nBread,,29\n"}) as collection:
        names = [column.name for column in collection.tables[0].columns]
    assert names[:3] == ["which_of_these_do_you_usually_bread", "which_of_these_do_you_usually_oat_porrid", "age"]
