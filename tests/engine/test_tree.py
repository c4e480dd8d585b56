"""Whole trees in the real sandbox: children, their views, their shares of the ledger, and what becomes of them."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from rlm_local.collection.view import View
from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Limits
from rlm_local.engine.events import Event
from rlm_local.engine.replay import replay
from rlm_local.log import RunRecord
from rlm_local.models import Cancel, Prompt
from rlm_local.models.errors import EngineError
from tests.engine.conftest import Asker
from tests.engine.records import records, view_of
from tests.models.fakes import ScriptedModel

NOTES = {f"ward-{n}.txt": f"Ward {n} has {n + 2} beds.\n\nSister {name} runs it.\n" for n, name in enumerate("ABC")}
QUESTION = "How many beds are there?"
ASK = "How many beds?"


def notes() -> View:
    return view_of(NOTES)


def asked(prompt: Prompt) -> str:
    """The question of a prompt of the free author."""
    said = (message.content for message in prompt.messages)
    return next((text for text in said if text.startswith("Question: ") and "beds" in text), "")


def programmer(root: str, child: Callable[[Prompt], str]) -> ScriptedModel:
    """A model whose root runs one cell, and whose children run what a function of their prompt says."""
    return ScriptedModel(lambda prompt: root if asked(prompt).endswith(QUESTION) else child(prompt))


COUNT_BEDS = "import re\nFINAL(int(re.search(r'has (\\d+) beds', documents[0].text)[1]), documents)"
SUM = (
    f"results = rlm_query_batched({ASK!r}, [documents[0], documents[1], search('Ward 2', 1)[0]])\n"
    "print(results, [(r.part, r.value, r.found, r.ended) for r in results])\n"
    "FINAL(sum(r.value for r in results if r.found), [place for r in results for place in r.evidence])"
)


def same_again(record: RunRecord, documents: View, asker: Asker) -> None:
    """The whole tree comes out byte for byte in a replay."""
    done = replay(record, documents, ScriptedModel().count, asker.image)
    assert done.divergence is None
    assert done.left_out == ""
    assert done.turns == sum(len(node.turns) for node in record.nodes)


def test_children_answer_about_their_parts_and_code_adds_up_what_they_say(asker: Asker) -> None:
    told: list[Event] = []
    answer, record = asker.ask(
        programmer(SUM, lambda _: COUNT_BEDS), QUESTION, notes(), policy="free", tell=told.append
    )
    assert (answer.answer, answer.value, answer.ended, answer.unseen) == ("9", 9, Ended.ANSWERED, ())
    assert [place.document for place in answer.evidence] == [*NOTES]
    assert all("beds" in place.text and place.text in NOTES[place.document] for place in answer.evidence)
    root, *children = record.nodes
    assert [(n.parent, n.depth, n.question) for n in children] == [(root.id, 1, ASK)] * 3
    assert [n.start.turn for n in children] == [root.turns[0].id] * 3
    assert [(n.start.view or {})["label"] for n in children] == [*NOTES]
    assert [n.result and n.result["value"] for n in children] == [2, 3, 4]
    assert (answer.usage.nodes, answer.usage.depth, answer.usage.leaf_calls) == (4, 1, 4)
    below = [n.result["usage"] for n in children if n.result]
    own = root.turns[0].start.spent or {}
    assert answer.usage.prompt_tokens == own["prompt_tokens"] + sum(usage["prompt_tokens"] for usage in below)
    nodes = {(event.node, event.parent, event.depth) for event in told if event.kind == "node"}
    assert nodes == {(root.id, None, 0), *((child.id, root.id, 1) for child in children)}
    assert sorted(event.data["part"] for event in told if event.kind == "node") == ["", *NOTES]
    assert sum(event.kind == "end" for event in told) == 4
    same_again(record, notes(), asker)


def test_grandchildren_as_deep_as_the_limit_and_a_refusal_below(asker: Asker) -> None:
    down = "r = rlm_query('How many beds below?')\nFINAL(r.value, r.evidence)"

    def child(prompt: Prompt) -> str:
        return COUNT_BEDS if "rlm_query" in str(prompt.messages[-4:]) and "no child below" in str(prompt) else down

    answer, record = asker.ask(programmer(down, child), QUESTION, notes(), policy="free", limits=Limits(depth=2))
    assert (answer.value, answer.usage.depth, answer.usage.nodes) == (2, 2, 3)
    assert [node.depth for node in record.nodes] == [0, 1, 2]
    end = record.nodes[2].turns[0].end
    assert end is not None
    assert "no child below depth 2" in (end.error or "")
    same_again(record, notes(), asker)


def test_children_that_cost_more_than_is_left_are_refused_with_their_price(asker: Asker) -> None:
    root = f"try:\n    rlm_query_batched({ASK!r}, documents)\nexcept Exception as e:\n    FINAL(str(e))"
    answer, record = asker.ask(
        programmer(root, lambda _: COUNT_BEDS), QUESTION, notes(), policy="free", limits=Limits(tokens=3000)
    )
    assert re.search(r"would cost \d+ tokens in 6 calls and 3 nodes; \d+ tokens", answer.answer)
    assert answer.unseen[0].startswith("3 parts, by child nodes")
    assert len(record.nodes) == 1
    same_again(record, notes(), asker)


def test_a_child_that_reaches_its_limit_is_partial_and_the_rest_goes_on(asker: Asker) -> None:
    def child(prompt: Prompt) -> str:
        return "print('on and on')" if "ward-1" in prompt.messages[0].content else COUNT_BEDS

    answer, record = asker.ask(programmer(SUM, child), QUESTION, notes(), policy="free")
    assert (answer.value, answer.ended) == (6, Ended.ANSWERED)
    assert answer.unseen == ("ward-1.txt: there was no answer after 12 cells",)
    assert [n.result and n.result["ended"] for n in record.nodes] == ["answered", "answered", "budget", "answered"]
    same_again(record, notes(), asker)


def test_a_child_whose_model_breaks_is_data_to_its_parent(asker: Asker) -> None:
    def child(prompt: Prompt) -> str:
        if "ward-2" in prompt.messages[0].content:
            raise EngineError("the model is on fire")
        return COUNT_BEDS

    answer, record = asker.ask(programmer(SUM, child), QUESTION, notes(), policy="free")
    assert (answer.value, answer.ended) == (5, Ended.ANSWERED)
    assert answer.unseen == ("ward-2.txt: the model is on fire",)
    assert replay(record, notes(), ScriptedModel().count, asker.image).left_out == "node 4, ended as error"


@pytest.mark.parametrize("moment", ["node", "decision", "cell", "call", "output"])
def test_a_cancel_stops_the_whole_tree_at_any_moment(asker: Asker, moment: str) -> None:
    cancel = Cancel()

    def tell(event: Event) -> None:
        if event.depth == 1 and event.kind == moment:
            cancel.cancel()

    cell = "print(llm_query('Hm?'))\nwhile True: pass" if moment in ("cell", "call") else "llm_query('Hm?')\nprint(1)"

    def reply(prompt: Prompt) -> str:
        said = str(prompt.messages)
        return SUM if QUESTION in said else cell if ASK in said else ""

    answer, record = asker.ask(ScriptedModel(reply), QUESTION, notes(), policy="free", cancel=cancel, tell=tell)
    assert answer.ended is Ended.CANCELLED
    assert all(node.result for node in record.nodes)
    assert {node.result["ended"] for node in record.nodes if node.result} == {"cancelled"}


def test_a_text_of_the_cells_own_is_a_document_of_its_own(asker: Asker) -> None:
    root = f"r = rlm_query({ASK!r}, 'The barn has 7 beds.')\nprint(r.evidence)\nFINAL(r.value)"
    answer, record = asker.ask(programmer(root, lambda _: COUNT_BEDS), QUESTION, notes(), policy="free")
    assert (answer.value, answer.evidence) == (7, ())
    assert (record.nodes[1].start.view or {})["text"] == "The barn has 7 beds."
    same_again(record, notes(), asker)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("rlm_query_batched(['a', 'b'], documents)", "2 questions of 3 parts"),
        ("rlm_query('a', '')", "there is no text"),
        ("rlm_query('a', [])", "there is no text"),
        ("_rlm.call('rlm_query', questions=['a'], parts=[{'label': 'x', 'spans': [[0, 10**9]]}])", "is not a place"),
        ("_rlm.call('rlm_query', questions=['a'], parts=[7])", "a part is a label"),
        ("_rlm.call('rlm_query', questions=[], parts=[])", "0 questions of 0 parts"),
        ("parts(rows('visits'), 'visit_id' * 9)", ""),
    ],
)
def test_a_forged_or_empty_part_is_refused(asker: Asker, call: str, said: str) -> None:
    root = f"try:\n    print({call})\nexcept Exception as e:\n    FINAL(str(e))\nFINAL('nothing')"
    answer, record = asker.ask(programmer(root, lambda _: COUNT_BEDS), QUESTION, records(), policy="free")
    assert said in answer.answer
    assert len(record.nodes) == 1


@pytest.mark.parametrize("tokens", [1, 200, 400, 800, 1600, 2400, 3600, 4100, 5000, 8000])
def test_wherever_the_budget_runs_out_the_run_ends_within_it_and_its_log_replays(asker: Asker, tokens: int) -> None:
    child = "print(llm_query('Hm?'))\n" + COUNT_BEDS
    answer, record = asker.ask(
        programmer(SUM, lambda _: child), QUESTION, notes(), policy="free", limits=Limits(tokens=tokens)
    )
    assert answer.usage.prompt_tokens + answer.usage.completion_tokens <= tokens
    assert answer.ended in (Ended.ANSWERED, Ended.BUDGET)
    assert (answer.value == 9) is (answer.ended is Ended.ANSWERED and not answer.unseen)
    if answer.ended is Ended.BUDGET:
        assert "left" in answer.error
    assert all(node.result for node in record.nodes)
    same_again(record, notes(), asker)


def test_a_session_of_a_child_that_dies_is_opened_again_for_its_next_cell(asker: Asker) -> None:
    crash = "import ctypes\nctypes.string_at(1)"
    turns: list[str] = []

    def child(_: Prompt) -> str:
        turns.append("")
        return crash if len(turns) == 1 else COUNT_BEDS

    root = f"r = rlm_query({ASK!r}, documents[1])\nFINAL(r.value, r.evidence)"
    answer, record = asker.ask(programmer(root, child), QUESTION, notes(), policy="free")
    assert (answer.value, answer.ended) == (3, Ended.ANSWERED)
    assert len(record.nodes[1].turns) == 2


def test_a_deadline_in_the_middle_of_childrens_work_ends_all_of_them(asker: Asker) -> None:
    cancel = Cancel()

    def tell(event: Event) -> None:
        if event.kind == "call" and event.depth == 1:
            cancel.deadline = 0.0

    model = programmer(SUM, lambda _: "llm_query('Hm?')\n" + COUNT_BEDS)
    answer, record = asker.ask(model, QUESTION, notes(), policy="free", cancel=cancel, tell=tell)
    assert answer.ended is Ended.TIMEOUT
    assert {node.result["ended"] for node in record.nodes if node.result} == {"timeout"}
    assert replay(record, notes(), ScriptedModel().count, asker.image).divergence is None


def test_a_run_that_was_stopped_goes_on_with_what_its_children_had_found(asker: Asker) -> None:
    cancel = Cancel()
    ended: list[int] = []

    def tell(event: Event) -> None:
        if event.kind == "end" and event.depth == 1:
            ended.append(event.node)
            cancel.cancel()

    slow = "import time\ntime.sleep(0.2 if 'Ward 0' in documents[0].text else 30)\n" + COUNT_BEDS
    stopped, before = asker.ask(
        programmer(SUM, lambda _: slow), QUESTION, notes(), policy="free", cancel=cancel, tell=tell
    )
    assert stopped.ended is Ended.CANCELLED
    known = [node for node in before.nodes[1:] if node.result and node.result["ended"] == "answered"]
    assert [(node.start.view or {})["label"] for node in known] == ["ward-0.txt"]
    model = programmer(SUM, lambda _: COUNT_BEDS)
    answer, record = asker.ask(model, QUESTION, notes(), policy="free", resumes=before)
    assert (answer.value, answer.ended) == (9, Ended.ANSWERED)
    assert [place.document for place in answer.evidence] == [*NOTES]
    assert record.start.resumes == before.run_id
    assert [len(node.turns) for node in record.nodes] == [1, 0, 1, 1]
    assert answer.usage.leaf_calls == 3
    same_again(record, notes(), asker)


def test_what_a_part_was_found_to_say_is_not_taken_for_another_part_of_the_same_size(asker: Asker) -> None:
    down = "r = rlm_query('How many beds below?', documents[0])\nFINAL(r.value, r.evidence)"

    def child(prompt: Prompt) -> str:
        return COUNT_BEDS if "below" in asked(prompt) else down

    ward = {name: text.splitlines()[0] + "\n" for name, text in NOTES.items()}
    alike = view_of(ward)
    asking = f"results = rlm_query_batched({ASK!r}, documents)\nFINAL([r.value for r in results])"
    answer, before = asker.ask(programmer(asking, child), QUESTION, alike, policy="free")
    assert answer.value == [2, 3, 4]
    lost = replace(before, nodes=tuple(replace(n, result=n.result if n.depth == 2 else None) for n in before.nodes))
    again, record = asker.ask(programmer(asking, child), QUESTION, alike, policy="free", resumes=lost)
    assert again.value == [2, 3, 4]
    assert [len(node.turns) for node in record.nodes if node.depth == 2] == [0, 0, 0]
