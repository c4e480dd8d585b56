"""A tree that recurses, maps and reads, stopped at every point: it ends, says how, keeps its limits, and replays."""

from collections.abc import Callable, Sequence

import pytest

from rlm_local.engine.answer import Answer, Ended
from rlm_local.engine.budget import Limits
from rlm_local.engine.replay import replay
from rlm_local.log import RunRecord
from rlm_local.models import Cancel, Prompt
from rlm_local.models.errors import EngineError
from tests.engine.conftest import Asker
from tests.engine.records import view_of
from tests.models.fakes import ScriptedModel

WARDS = {f"ward-{n}.txt": f"Ward {n} has {n + 2} beds.\n\nIt is quiet.\n" for n in range(3)}
ROOT = """\
happy = sql("SELECT document FROM documents WHERE judge(text, 'Is it quiet?')")
results = rlm_query_batched('How many beds?', documents)
FINAL(sum(r.value for r in results if r.found), [place for r in results for place in r.evidence])"""
CHILD = """\
reading = read('How many beds?', documents)
import re
FINAL(int(re.search(r'has (\\d+) beds', documents[0].text)[1]), documents)"""
CALLS = 1 + 3 + 3 * 3
"""The root's cell, what it judges, and of each child a cell, the kind of answer, and a reading."""


def model(at_call: Callable[[int], None] = lambda _number: None) -> ScriptedModel:
    """Tells before each call which it is."""
    made: list[int] = []

    def next_call() -> None:
        made.append(1)
        at_call(len(made))

    def reply(prompt: Prompt) -> str:
        next_call()
        return ROOT if "beds are there" in str(prompt.messages) else CHILD

    def verdict(_prompt: Prompt, options: Sequence[str]) -> str:
        next_call()
        return "yes" if "yes" in options else options[0]

    def slot(_prompt: Prompt, text: str, options: Sequence[str]) -> str:
        if not text:
            next_call()
        return options[0]

    return ScriptedModel(reply, choose=verdict, slot=slot, write=lambda _prompt, _text: "2")


def ask(
    asker: Asker, scripted: ScriptedModel, limits: Limits | None = None, cancel: Cancel | None = None
) -> tuple[Answer, RunRecord]:
    answer, record = asker.ask(
        scripted, "How many beds are there?", view_of(WARDS), policy="free", limits=limits, cancel=cancel
    )
    assert replay(record, view_of(WARDS), ScriptedModel().count, asker.image).divergence is None
    return answer, record


def test_as_a_whole(asker: Asker) -> None:
    made: list[int] = []
    answer, record = ask(asker, model(made.append))
    assert (answer.value, answer.ended, answer.usage.leaf_calls) == (9, Ended.ANSWERED, CALLS)
    assert (len(record.nodes), len(made)) == (4, CALLS)


@pytest.mark.parametrize("calls", [1, 3, 4, 8])
def test_at_limits_of_calls(asker: Asker, calls: int) -> None:
    answer, _ = ask(asker, model(), Limits(calls=calls))
    assert (answer.ended, answer.found) == (Ended.BUDGET, False)
    assert answer.usage.leaf_calls <= calls
    assert answer.unseen or answer.error


@pytest.mark.parametrize("tokens", [1, 1_500, 4_000])
def test_at_limits_of_tokens(asker: Asker, tokens: int) -> None:
    answer, _ = ask(asker, model(), Limits(tokens=tokens))
    assert answer.ended is Ended.BUDGET
    assert answer.usage.prompt_tokens + answer.usage.completion_tokens <= tokens


@pytest.mark.parametrize("call", [1, 3, 5, CALLS])
def test_where_any_call_breaks(asker: Asker, call: int) -> None:
    def at_call(number: int) -> None:
        if number == call:
            raise EngineError("the decode failed")

    answer, _ = ask(asker, model(at_call))
    of_root = call <= 4
    assert answer.ended is (Ended.ERROR if of_root else Ended.ANSWERED)
    assert "the decode failed" in (answer.error if of_root else str(answer.unseen))


@pytest.mark.parametrize("call", [1, 3, 5, CALLS])
def test_where_it_is_cancelled_at_any_call(asker: Asker, call: int) -> None:
    cancel = Cancel()

    def at_call(number: int) -> None:
        if number == call:
            cancel.cancel()

    answer, _ = ask(asker, model(at_call), cancel=cancel)
    assert answer.ended is Ended.CANCELLED
