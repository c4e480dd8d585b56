"""Candidates vote by what they came to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from rlm_local.engine.authors.choose import Candidate, Choice, choose
from rlm_local.engine.authors.outcome import Outcome
from rlm_local.engine.authors.prompt import Dialect
from rlm_policy import Odds, share


def candidate(dialect: Dialect, value: Any, logprob: float = -0.1, *, greedy: bool = True) -> Candidate:
    return Candidate(dialect, str(value), greedy=greedy, logprob=logprob, outcome=Outcome.of(value))


def chosen(candidates: Sequence[Candidate], right: float = 0.0) -> Choice | None:
    return choose(candidates, Odds(right=right))


FAILED = Candidate("python", "1 /", error="this is no Python")


def test_two_dialects_outweigh_many_votes_of_one() -> None:
    choice = chosen([candidate("sql", 7), candidate("python", 7), *[candidate("sql", 8, greedy=False)] * 3])
    assert choice is not None
    assert (choice.candidate.outcome, choice.across, choice.votes) == (Outcome.of(7), True, 2)


def test_what_found_something_outweighs_what_did_not() -> None:
    choice = chosen([candidate("sql", 0), candidate("python", 0), candidate("sql", 4, greedy=False)])
    assert choice is not None
    assert choice.candidate.outcome == Outcome.of(4)


def test_of_one_dialect_the_most_votes_win_then_the_likelier() -> None:
    most = chosen([candidate("sql", 1, -0.01), candidate("sql", 2, -0.9), candidate("sql", 2, -0.8)])
    likelier = chosen([candidate("sql", 1, -0.5), candidate("sql", 2, -0.2)])
    assert most is not None
    assert likelier is not None
    assert most.candidate.outcome == Outcome.of(2)
    assert likelier.candidate.outcome == Outcome.of(2)


def test_sql_is_shown_where_both_agree() -> None:
    choice = chosen([candidate("python", 5, -0.01), candidate("sql", 5, -0.5)])
    assert choice is not None
    assert choice.candidate.dialect == "sql"


def test_where_yes_or_no_is_wanted_a_count_says_the_same_as_a_yes_and_is_asked_to_be_one() -> None:
    count, yes = (replace(candidate("sql", value), whether=True) for value in (6, True))
    no = replace(candidate("python", False), whether=True)
    choice = chosen([count, no, yes])
    assert choice is not None
    assert (choice.candidate, choice.votes) == (count, 2)
    assert (bool(count.trouble), yes.trouble, no.trouble) == (True, "", "")


def test_a_no_is_an_answer_where_yes_or_no_is_wanted_and_all_values_are_there() -> None:
    no = candidate("sql", False)
    missing = replace(no, whether=True, missing=("branch = Holm",))
    assert (no.found, replace(no, whether=True).found, missing.found) == (False, True, False)


def test_a_yes_is_no_answer_where_a_value_is_wanted() -> None:
    choice = chosen([candidate("sql", True), candidate("python", "Holm", greedy=False)])
    assert choice is not None
    assert choice.candidate.outcome == Outcome.of("Holm")
    assert "does not want yes or no" in candidate("sql", True).trouble


def test_where_sql_and_python_differ_python_has_to_be_surer_by_more() -> None:
    odds = Odds(python=-0.4, right=1.75)
    for gain, won in ((0.1, "sql"), (0.4, "python")):
        sql, python = candidate("sql", 7), replace(candidate("python", 8), right=gain)
        choice = choose([sql, python], odds)
        assert choice is not None
        assert choice.candidate.dialect == won


def test_what_failed_has_no_vote() -> None:
    assert chosen([FAILED]) is None
    choice = chosen([FAILED, candidate("sql", 3)])
    assert choice is not None
    assert (choice.votes, choice.of) == (1, 1)


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ([3], "one program"),
        ([3, 3, 3], "all 3 programs agree"),
        ([3, 3, 4], "2 of 3 programs agree"),
        ([3, 4, 5], "the surest of 3 programs, which differ"),
    ],
)
def test_a_person_is_told_how_many_programs_agree(values: list[int], label: str) -> None:
    choice = chosen([candidate("sql", value) for value in values])
    assert choice is not None
    assert choice.label == label


def test_what_looks_in_all_tables_that_the_question_names_outweighs_votes() -> None:
    partly = [replace(candidate("sql", 35, greedy=False), unused=("trips",))] * 3
    choice = chosen([*partly, candidate("python", 23)])
    assert choice is not None
    assert choice.candidate.outcome == Outcome.of(23)
    assert partly[0].trouble == "the question speaks of trips: use it, too"


@pytest.mark.parametrize("comes_to", [42, 14, 4, 30], ids=["sum", "mean", "least", "greatest"])
def test_a_list_of_numbers_votes_for_what_it_comes_to(comes_to: int) -> None:
    choice = chosen([candidate("sql", [4, 8, None, 30]), candidate("python", comes_to)])
    assert choice is not None
    assert (choice.candidate.outcome, choice.across, choice.votes) == (Outcome.of(comes_to), True, 2)


@pytest.mark.parametrize("listed", [[], [42], ["4", "8", "30"], [[4, 1], [8, 1], [30, 1]], [True, False]])
def test_other_lists_vote_for_themselves(listed: list[Any]) -> None:
    choice = chosen([candidate("sql", listed), candidate("python", 42.5)])
    assert choice is not None
    assert not choice.across


def test_what_the_model_finds_right_outweighs_what_is_likely_and_what_agrees() -> None:
    doubted = [replace(candidate(dialect, 7), right=-0.4) for dialect in ("sql", "python")]
    choice = chosen([*doubted, replace(candidate("sql", 8, greedy=False), right=0.9)], right=5.0)
    assert choice is not None
    assert (choice.candidate.outcome, choice.confidence) == (Outcome.of(8), share(0.4 + 4.5))


def test_agreement_makes_surer() -> None:
    alone, both = chosen([candidate("sql", 7)]), chosen([candidate("sql", 7), candidate("python", 7)])
    assert alone is not None
    assert both is not None
    assert alone.confidence < both.confidence


def test_a_list_that_mostly_says_nothing_is_written_again_and_loses() -> None:
    sparse = candidate("sql", [None, "Gannet", None], logprob=-0.01)
    assert "says what each row is" in sparse.trouble
    choice = chosen([sparse, candidate("sql", ["Gannet", "Wren", "Rook"], logprob=-0.9)])
    assert choice is not None
    assert choice.candidate.text == "['Gannet', 'Wren', 'Rook']"
    assert not candidate("sql", [None]).trouble
