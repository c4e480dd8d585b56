"""Runs of a scripted model, done again without it."""

from dataclasses import replace

import pytest

from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Limits
from rlm_local.engine.divergence import Divergence
from rlm_local.engine.free import FREE_VERSION
from rlm_local.engine.replay import replay
from rlm_local.errors import UsageError
from rlm_local.log import RunRecord
from rlm_local.models import Cancel
from tests.engine.conftest import Asker, once
from tests.engine.records import DOCUMENTS, records, view_of
from tests.engine.script import writer
from tests.models.fakes import ScriptedModel

count = ScriptedModel().count
CANCELLED = "SELECT COUNT(*) FROM visits WHERE status = 'cancelled'"
SAD = "SELECT COUNT(*) FROM visits WHERE judge(visit_id, 'Is it sad?')"


def programmer(*cells: str) -> ScriptedModel:
    left = list(cells)
    return ScriptedModel(lambda _prompt: left.pop(0), choose=lambda _prompt, options: options[1])


def of_turn(record: RunRecord, number: int, **changes: object) -> RunRecord:
    """The record with something else in a turn's start."""
    [node] = record.nodes
    turns = [
        replace(turn, start=replace(turn.start, **changes)) if n == number else turn  # pyright: ignore[reportArgumentType]
        for n, turn in enumerate(node.turns, 1)
    ]
    return replace(record, nodes=(replace(node, turns=tuple(turns)),))


def test_a_count_a_map_and_a_reading_come_out_as_logged(asker: Asker) -> None:
    models = [
        writer(CANCELLED),
        writer(SAD, verdict=lambda prompt: "no" if "Ada" in str(prompt) else "yes"),
        writer(reads="Nurse Holm"),
        programmer(
            "xs = search('roof', 2)\nprint(xs)",
            "print(sql(\"SELECT classify(day, 'a, b') FROM visits\"))\nFINAL(llm_query('Hm?'))",
            "",
        ),
    ]
    for model in models:
        policy = "free" if model is models[-1] else "prompted"
        answer, record = asker.ask(model, "How many of these, and who found her?", policy=policy)
        assert answer.ended is Ended.ANSWERED
        asked = len(model.calls)
        done = replay(record, records(), count, asker.image)
        assert done.divergence is None
        assert (done.turns, done.left_out) == (len(record.nodes[0].turns), "")
        assert done.calls == sum(len(batch.calls) for turn in record.nodes[0].turns for batch in turn.batches)
        assert len(model.calls) == asked


def test_a_refusal_is_replayed_with_its_price(asker: Asker) -> None:
    answer, record = asker.ask(writer(SAD), "How many?", limits=Limits(calls=5))
    assert answer.ended is Ended.BUDGET
    assert replay(record, records(), count, asker.image).divergence is None


def test_a_run_that_may_not_even_plan_is_replayed(asker: Asker) -> None:
    _, record = asker.ask(writer(), "Who?", limits=Limits(tokens=10))
    assert replay(record, records(), count, asker.image).divergence is None


def test_what_comes_out_otherwise_is_told_with_its_place(asker: Asker) -> None:
    _, record = asker.ask(writer(CANCELLED), "How many were cancelled?")
    cell = record.nodes[0].turns[0].start.cell.replace("cancelled", "done")
    found = replay(of_turn(record, 1, cell=cell), records(), count, asker.image).divergence
    assert found is not None
    assert (found.place, found.logged, found.now) == ("result, answer", "'3'", "'7'")


def test_a_request_that_is_not_the_logged_one_is_told(asker: Asker) -> None:
    _, record = asker.ask(writer(SAD), "How many are sad?")
    cell = record.nodes[0].turns[0].start.cell
    other = of_turn(record, 1, cell=cell.replace("Is it sad?", "Is it glad?"))
    found = replay(other, records(), count, asker.image).divergence
    assert found is not None
    assert found.place.startswith("turn 1, batch 1, call 1, messages ")
    assert "sad" in found.logged
    assert "glad" in found.now


def test_calls_that_are_made_no_more_or_anew_are_told(asker: Asker) -> None:
    _, record = asker.ask(programmer("FINAL(llm_query('Hm?'))", "so"), "?", policy="free")
    fewer = replay(of_turn(record, 1, cell="FINAL('so')"), records(), count, asker.image).divergence
    assert fewer == Divergence("turn 1, batch 1", "1 calls", "none")
    more = of_turn(record, 1, cell="llm_query('Hm?')\nllm_query('Hm?')")
    assert replay(more, records(), count, asker.image).divergence == Divergence(
        "turn 1", "no more calls", "1 query calls"
    )


def test_an_answer_that_the_log_does_not_have_is_told(asker: Asker) -> None:
    answer, record = asker.ask(writer(CANCELLED), "How many were cancelled?")
    other = replace(record, answer=replace(answer, answer="4"))
    found = replay(other, records(), count, asker.image).divergence
    assert found == Divergence("answer, answer", "'4'", "'3'")


def test_what_was_cancelled_is_replayed_as_far_as_it_can_be(asker: Asker) -> None:
    cancel = Cancel()

    def cancelled() -> None:
        cancel.cancel()

    model = programmer("print(1)", "while True: pass")
    _, record = asker.ask(model, "?", policy="free", cancel=cancel, tell=once("output", cancelled))
    done = replay(record, records(), count, asker.image)
    assert (done.turns, done.divergence) == (1, None)
    assert done.left_out == "it ended as cancelled"


def test_a_cell_that_was_killed_is_not_run_again(asker: Asker) -> None:
    _, record = asker.ask(programmer("print(1)", "FINAL(2)"), "?", policy="free")
    [node] = record.nodes
    first, last = node.turns
    assert last.end is not None
    killed = replace(last, start=replace(last.start, cell="while True: pass"), end=replace(last.end, stopped="killed"))
    done = replay(replace(record, nodes=(replace(node, turns=(first, killed)),)), records(), count, asker.image)
    assert (done.turns, done.divergence, done.left_out) == (1, None, "turn 2 was stopped: killed")
    died = replace(killed, end=None)
    done = replay(replace(record, nodes=(replace(node, turns=(died,)),)), records(), count, asker.image)
    assert (done.turns, done.left_out) == (0, "turn 1 was stopped: its process died")


def test_a_run_that_never_ended_is_replayed_up_to_its_last_cell(asker: Asker) -> None:
    _, record = asker.ask(programmer("print(1)", "FINAL(2)"), "?", policy="free")
    done = replay(replace(record, answer=None), records(), count, asker.image)
    assert (done.turns, done.divergence, done.left_out) == (2, None, "it never came to its end")


def test_other_documents_are_refused(asker: Asker) -> None:
    _, record = asker.ask(writer("SELECT COUNT(*) FROM visits"), "How many?")
    changed = view_of({**DOCUMENTS, "notes/roof.txt": "The roof leaks again.\n"})
    with pytest.raises(UsageError, match="the documents are not what run"):
        replay(record, changed, count, asker.image)


@pytest.mark.parametrize(
    ("author", "version"), [("guided", "plans-29"), ("free", "plans-29"), ("guided", FREE_VERSION)]
)
def test_a_run_of_an_author_that_is_gone_is_refused_by_its_name(asker: Asker, author: str, version: str) -> None:
    _, record = asker.ask(programmer("FINAL(2)"), "?", policy="free")
    old = replace(record, start=replace(record.start, author=author, prompt_version=version))
    with pytest.raises(UsageError, match=f"is of the author {author} of an older rlm-local"):
        replay(old, records(), count, asker.image)
