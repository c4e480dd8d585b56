"""Semantic functions from end to end: a cell in the sandbox, the broker, a model, and the answer."""

import re
from collections.abc import Callable, Sequence

import pytest

from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Limits
from rlm_local.log import RunStore
from rlm_local.models import Cancel, Prompt
from rlm_sandbox import Image
from tests.engine.semantic.cells import Cells
from tests.models.fakes import ScriptedModel

COUNT = "SELECT COUNT(*) FROM messages WHERE judge(message, 'Is an account to be closed?')"


@pytest.fixture
def cells(image: Image, store: RunStore) -> Cells:
    return Cells(image, store)


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("log") / "runs.sqlite")


def _asked(prompt: Prompt) -> str:
    return prompt.messages[-1].content


def closing(prompt: Prompt, options: Sequence[str]) -> str:
    """Says yes, or the last of the options, to messages that ask to close an account."""
    close = "close my account" in _asked(prompt)
    if list(options) == ["yes", "no"]:
        return "yes" if close else "no"
    return options[-1 if close else 0]


def finder(prompt: Prompt) -> str:
    """Finds the card."""
    return " yes\npassage: 1\nanswer: my card" if "my card" in _asked(prompt) else " no"


def model(at_call: Callable[[], None] = lambda: None) -> ScriptedModel:
    def choose(prompt: Prompt, options: Sequence[str]) -> str:
        at_call()
        return closing(prompt, options)

    return ScriptedModel(finder, choose=choose, slot=lambda _p, _t, options: options[0], write=lambda _p, _t: "forty")


def test_a_count_by_judgement_is_answered(cells: Cells) -> None:
    scripted = model()
    result = cells.sql(COUNT, scripted)
    assert (result.value, result.answer, result.ended) == (40, "40", Ended.ANSWERED)
    assert (result.usage.leaf_calls, len(scripted.calls), result.basis.judged) == (120, 120, 120)


def test_plain_conditions_spare_the_model_work_and_texts_are_asked_about_once(cells: Cells) -> None:
    scripted = model()
    result, record = cells.run(
        f"first = sql({COUNT + ' AND number < 30'!r})\nFINAL(first[0][0] + sql({COUNT + ' AND number < 30'!r})[0][0])",
        scripted,
    )
    assert (result.value, len(scripted.calls)) == (20, 30)
    assert {batch.kind for batch in record.nodes[0].turns[0].batches} == {"judge"}


def test_texts_are_sorted_and_looked_into(cells: Cells) -> None:
    query = (
        "SELECT classify(message, 'card', 'account') AS kind, COUNT(*) AS n, MIN(extract(message, 'what is missing?')) "
        "AS missing FROM messages WHERE number < 6 GROUP BY kind ORDER BY kind"
    )
    assert cells.sql(query, model()).value == [
        {"kind": "account", "n": 2, "missing": None},
        {"kind": "card", "n": 4, "missing": "my card"},
    ]


def test_what_is_not_in_the_text_was_not_found_in_it(cells: Cells) -> None:
    inventing = ScriptedModel(lambda _prompt: " yes\npassage: 1\nanswer: a blue parrot")
    assert cells.sql("SELECT extract(message, 'what is lost?') FROM messages WHERE number = 1", inventing).value == ""


def test_documents_are_asked_by_children(cells: Cells) -> None:
    documents = {f"ward-{n}.txt": f"Ward {n} has {'forty' if n else 'ten'} beds.\n" for n in range(3)}
    query = (
        "SELECT document FROM documents WHERE answer(document, 'How many beds has it?') = 'forty' AND document <> "
        "'ward-0.txt'"
    )
    beds = ScriptedModel(
        write=lambda prompt, _text: " forty" if "has forty" in str(prompt.messages) else " ten",
        slot=lambda _prompt, _text, options: "answer:" if "answer:" in options else options[0],
    )
    result, record = cells.run(f"FINAL(sql({query!r}))", beds, documents)
    assert (result.value, result.usage.nodes) == (["ward-1.txt", "ward-2.txt"], 3)
    assert [node.question for node in record.nodes] == ["?", "How many beds has it?", "How many beds has it?"]


def test_a_document_that_is_not_there_says_nothing_and_costs_nothing(cells: Cells) -> None:
    result = cells.sql("SELECT answer('nowhere.txt', 'Who?') FROM messages LIMIT 1", model())
    assert (result.value, result.usage.nodes) == ("", 1)


def test_a_count_that_is_beyond_the_ledger_is_estimated_and_says_so(cells: Cells) -> None:
    scripted = model()
    result = cells.sql(COUNT, scripted, limits=Limits(calls=60))
    assert len(scripted.calls) <= 60
    assert result.basis.low is not None
    assert result.basis.high is not None
    assert result.basis.low <= 40 <= result.basis.high
    assert result.basis.items == 120
    assert "(estimated: " in result.answer
    assert f"{len(scripted.calls)} of 120 rows were looked at)" in result.answer
    assert result.answer.startswith(str(result.value))


def test_a_list_that_is_beyond_the_ledger_says_what_it_has_not_looked_at(cells: Cells) -> None:
    query = "SELECT number FROM messages WHERE judge(message, 'Is an account to be closed?')"
    result = cells.sql(query, model(), limits=Limits(calls=20))
    assert result.value == [0, 3, 6, 9, 12, 15, 18]
    assert result.unseen == ("100 of 120 texts that judge() was to look at",)
    assert "without 100 of 120 texts" in result.answer


def test_what_may_not_be_done_in_part_is_not_begun(cells: Cells) -> None:
    scripted = model()
    result = cells.sql(f"{COUNT} GROUP BY price", scripted, limits=Limits(calls=20))
    assert (scripted.calls, result.found) == ([], False)
    assert result.unseen == ("120 of 120 texts that judge() was to look at",)
    assert result.ended is Ended.ERROR


def test_a_map_that_cannot_end_in_time_is_not_begun_whole(cells: Cells) -> None:
    scripted = model()
    result = cells.sql(COUNT, scripted, limits=Limits(seconds=10_000), slow=True)
    assert 30 <= len(scripted.calls) <= 80
    assert (result.ended, result.basis.low is None) == (Ended.ANSWERED, False)


def test_a_run_that_is_stopped_says_what_it_came_to_and_counts_what_it_evaluated(cells: Cells) -> None:
    cancel, calls = Cancel(), list[int]()

    def at_call() -> None:
        calls.append(1)
        if len(calls) == 50:
            cancel.cancel()

    result = cells.sql(COUNT, model(at_call), limits=Limits(seconds=100_000), cancel=cancel, slow=True)
    assert result.ended is Ended.CANCELLED
    [told] = result.unseen
    assert re.fullmatch(r"judge\(\): 72 of 120 texts; of the 48 before them, \d+ had it", told)
    assert result.usage.prompt_tokens > 0
