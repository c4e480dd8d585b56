"""Every way for a run to end, in the real sandbox, with a log that can be read afterwards."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Limits
from rlm_local.engine.events import Event
from rlm_local.engine.node import NOT_YET
from rlm_local.models import Cancel, Prompt
from rlm_local.models.errors import EngineError
from tests.engine.conftest import Asker, once
from tests.engine.records import DOCUMENTS
from tests.engine.script import writer
from tests.models.fakes import ScriptedModel
from tests.sandbox.processes import kill_processes

COUNT = "SELECT COUNT(*) FROM visits WHERE status = 'cancelled' AND department = 'Surgery'"
SAD = "SELECT COUNT(*) FROM visits WHERE judge(visit_id, 'Is it sad?')"
QUESTION = "How many visits to Surgery were cancelled?"
SPIN = "while True: pass"


def programmer(*cells: str) -> ScriptedModel:
    """A model that writes these cells, one after another."""
    left = list(cells)
    return ScriptedModel(lambda _prompt: left.pop(0))


def test_answered_with_evidence_cost_and_a_log(asker: Asker) -> None:
    answer, record = asker.ask(writer(COUNT), QUESTION)
    assert (answer.answer, answer.found, answer.ended, answer.error) == ("1", True, Ended.ANSWERED, "")
    assert [place.document for place in answer.evidence] == ["visits.csv"]
    [place] = answer.evidence
    assert DOCUMENTS["visits.csv"][place.start : place.end] == place.text
    assert "V-001,Ben Okafor" in place.text
    assert answer.usage.leaf_calls == 6
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.seconds > 0
    [node] = record.nodes
    [turn] = node.turns
    assert turn.start.plan is not None
    assert turn.start.plan["look"] == "tables"
    assert turn.start.state["question"] == QUESTION
    assert "sql(" in turn.start.cell
    assert turn.end is not None
    assert turn.end.error is None


def test_a_collection_that_was_deleted_meanwhile_is_an_error_that_says_so(asker: Asker) -> None:
    with Collection.of(dict(DOCUMENTS)) as collection:
        collection.path.unlink()
        answer, _ = asker.ask(writer(COUNT), QUESTION, View(collection))
    assert answer.ended is Ended.ERROR
    assert "deleted while it was in use" in answer.error


def test_each_leaf_call_is_in_the_log_as_sent(asker: Asker) -> None:
    model = writer(SAD, verdict=lambda _prompt: "yes")
    answer, record = asker.ask(model, "How many of these are sad?")
    [turn] = record.nodes[0].turns
    [batch] = turn.batches
    _, *sent = [prompt for call, prompt in model.calls if call == "choose"]  # first, what kind of answer is wanted
    assert answer.answer == "10"
    assert batch.kind == "judge"
    assert [[m["content"] for m in call.messages] for call in batch.calls] == [
        [m.content for m in prompt.messages] for prompt in sent
    ]
    assert answer.usage.leaf_calls == 13


def test_a_map_that_does_not_fit_the_budget_is_refused_with_its_price_and_never_called_an_answer(asker: Asker) -> None:
    model = writer(SAD)
    answer, record = asker.ask(model, "How many of these are sad?", limits=Limits(calls=5))
    assert answer.ended is Ended.BUDGET
    assert not answer.found
    assert "calls" in answer.error
    refused = record.nodes[0].turns[0].end
    assert refused is not None
    assert "10 texts" in (refused.error or "")
    assert answer.usage.leaf_calls <= 5


def test_a_budget_too_small_to_plan_ends_before_any_cell(asker: Asker) -> None:
    answer, record = asker.ask(writer(COUNT), QUESTION, limits=Limits(tokens=10))
    assert answer.ended is Ended.BUDGET
    assert record.nodes[0].turns == ()


def test_a_deadline_that_passes_in_the_middle_of_a_map(asker: Asker) -> None:
    cancel = Cancel(deadline=None)
    seen: list[Prompt] = []

    def verdict(prompt: Prompt) -> str:
        seen.append(prompt)
        if len(seen) == 3:
            cancel.deadline = 0.0
        return "no"

    model = writer(SAD, verdict=verdict)
    answer, record = asker.ask(model, "How many of these are sad?", cancel=cancel)
    assert answer.ended is Ended.TIMEOUT
    assert len(seen) == 3
    end = record.nodes[0].turns[0].end
    assert end is not None
    assert end.stopped == "run"


def test_a_deadline_that_passes_while_a_cell_computes(asker: Asker) -> None:
    answer, _ = asker.ask(programmer(SPIN), "Spin?", policy="free", limits=Limits(seconds=2.5))
    assert answer.ended is Ended.TIMEOUT
    assert answer.usage.seconds < 20


@pytest.mark.parametrize("moment", ["decision", "cell", "output"])
def test_cancelled_between_steps(asker: Asker, moment: str) -> None:
    cancel = Cancel()
    model = programmer("1 + 1", "2 + 2", "FINAL(1)")
    answer, _ = asker.ask(model, "?", policy="free", cancel=cancel, tell=once(moment, cancel.cancel))
    assert (answer.ended, answer.answer, answer.found) == (Ended.CANCELLED, NOT_YET, False)


def test_cancelled_before_it_began(asker: Asker) -> None:
    cancel = Cancel()
    cancel.cancel()
    answer, record = asker.ask(writer(COUNT), QUESTION, cancel=cancel)
    assert answer.ended is Ended.CANCELLED
    assert record.nodes[0].turns == ()


def test_cancelled_while_planning(asker: Asker) -> None:
    cancel = Cancel()
    model = writer(COUNT)
    slot = model.slot

    def interrupted(prompt: Prompt, text: str, options: Sequence[str]) -> str:
        cancel.cancel()
        return slot(prompt, text, options)

    model.slot = interrupted
    answer, record = asker.ask(model, QUESTION, cancel=cancel)
    assert answer.ended is Ended.CANCELLED
    assert record.nodes[0].turns == ()


def test_cancelled_in_a_leaf_call(asker: Asker) -> None:
    cancel = Cancel()
    cells = ["llm_query('Hello?')"]

    def reply(_prompt: Prompt) -> str:
        if cells:
            return cells.pop()
        cancel.cancel()
        cancel.check()
        raise AssertionError("it was cancelled")

    answer, record = asker.ask(ScriptedModel(reply), "?", policy="free", cancel=cancel)
    assert answer.ended is Ended.CANCELLED
    end = record.nodes[0].turns[0].end
    assert end is not None
    assert (end.stopped, end.error) == ("run", "cancelled")


def threaded(act: Callable[[], None]) -> Callable[[], None]:
    """The act on another thread, some time after: while the cell that an event announced computes."""

    def start() -> None:
        timer = threading.Timer(0.5, act)
        timer.daemon = True
        timer.start()

    return start


def test_cancelled_from_another_thread_while_a_cell_computes(asker: Asker) -> None:
    cancel = Cancel()
    answer, record = asker.ask(
        programmer(SPIN), "Spin?", policy="free", cancel=cancel, tell=once("cell", threaded(cancel.cancel))
    )
    assert answer.ended is Ended.CANCELLED
    assert answer.usage.seconds < 30
    end = record.nodes[0].turns[0].end
    assert end is not None
    assert end.stopped == "killed"


def test_cancelled_in_a_session_that_took_the_place_of_another(asker: Asker) -> None:
    cancel = Cancel()
    cells = iter([kill_processes, threaded(cancel.cancel)])

    def tell(event: Event) -> None:
        if event.kind == "cell":
            next(cells)()

    answer, record = asker.ask(programmer(SPIN, SPIN), "Spin?", policy="free", cancel=cancel, tell=tell)
    assert answer.ended is Ended.CANCELLED
    assert [turn.end and turn.end.stopped for turn in record.nodes[0].turns] == ["worker", "killed"]


def test_the_sandbox_is_killed_in_mid_cell_and_the_run_goes_on(asker: Asker) -> None:
    model = programmer(SPIN, "FINAL('went on')")
    answer, record = asker.ask(model, "?", policy="free", tell=once("cell", threaded(kill_processes)))
    assert (answer.answer, answer.ended) == ("went on", Ended.ANSWERED)
    first, second = record.nodes[0].turns
    assert first.end is not None
    assert first.end.stopped == "worker"
    assert second.end is not None
    assert second.end.error is None


def test_a_model_that_breaks_is_told(asker: Asker) -> None:
    def broken(*_args: object) -> str:
        raise EngineError("the decode failed with -3")

    answer, record = asker.ask(ScriptedModel(slot=broken), QUESTION)
    assert (answer.ended, answer.error, answer.found) == (Ended.ERROR, "the decode failed with -3", False)
    assert record.nodes[0].turns == ()


def test_a_model_that_breaks_in_a_leaf_call_is_told(asker: Asker) -> None:
    def broken(*_args: object) -> str:
        raise EngineError("the decode failed with -3")

    model = writer(SAD, verdict=broken)
    answer, record = asker.ask(model, "How many of these are sad?")
    assert (answer.ended, answer.error) == (Ended.ERROR, "the decode failed with -3")
    end = record.nodes[0].turns[0].end
    assert end is not None
    assert end.error == "the decode failed with -3"


def test_a_plan_whose_sandbox_died_is_run_again(asker: Asker) -> None:
    answer, record = asker.ask(writer(COUNT), QUESTION, tell=once("cell", kill_processes))
    assert (answer.answer, answer.ended) == ("1", Ended.ANSWERED)
    assert [turn.end and turn.end.stopped for turn in record.nodes[0].turns] == ["worker", None]


def test_a_count_that_never_ran_to_its_end_is_no_zero_and_ends_as_an_error(asker: Asker) -> None:
    def tell(event: Event) -> None:
        if event.kind == "cell":
            kill_processes()

    answer, record = asker.ask(writer(COUNT), QUESTION, tell=tell)
    assert (answer.answer, answer.found, answer.ended) == (NOT_YET, False, Ended.ERROR)
    assert answer.error.startswith("none of 3 cells came to its end")
    assert answer.error.endswith("the sandbox process is gone")
    assert {turn.end and turn.end.stopped for turn in record.nodes[0].turns} == {"worker"}


def test_an_author_that_never_ends_is_stopped_and_that_is_no_answer(asker: Asker) -> None:
    answer, record = asker.ask(ScriptedModel(lambda _prompt: "1"), "?", policy="free")
    assert (answer.ended, answer.found) == (Ended.BUDGET, False)
    assert str(len(record.nodes[0].turns)) in answer.error


def test_two_runs_at_once_on_one_log(asker: Asker) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(asker.ask, writer(COUNT), QUESTION) for _ in range(2)]
        answers = [run.result()[0] for run in runs]
    assert [answer.answer for answer in answers] == ["1", "1"]
    assert len({answer.run_id for answer in answers}) == 2
