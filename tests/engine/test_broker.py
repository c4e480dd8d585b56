"""What a cell asks for is checked, priced and carried out; what it got wrong is an answer to it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_local.collection.view import View
from rlm_local.engine.batches import Batches, price_of
from rlm_local.engine.broker import Broker
from rlm_local.engine.budget import Budget, Limits, Price
from rlm_local.engine.events import Event, Voice, ignore
from rlm_local.engine.passages import Passages
from rlm_local.engine.result import Result
from rlm_local.engine.run import evidence
from rlm_local.engine.semantic.chunks import chunks
from rlm_local.log import NodeStart, RunStore, TurnStart
from rlm_local.models import NEUTRAL, Cancel, Cancelled, Message, Prompt, Usage
from rlm_sandbox import HostCallRefused
from tests.engine.records import DOCUMENTS, records, view_of
from tests.engine.script import writer
from tests.log.sample import run_start
from tests.models.fakes import ScriptedModel

NewBroker = Callable[..., Broker]


def childless(*_asked: Any) -> list[Result]:
    raise AssertionError("no child was to be started")


@pytest.fixture
def new_broker(store: RunStore) -> NewBroker:
    def make(model: ScriptedModel | None = None, view: View | None = None, **limits: int) -> Broker:
        view = view or records()
        log = store.begin(run_start())
        start = TurnStart({}, {}, (), "", (), (), "", None, "")
        turn = log.begin_turn(log.node(NodeStart("?")), start)
        model = model or writer(reads="Nurse Holm")
        say = Voice(ignore, 1, None, 0)
        batches = Batches(model, Budget(Limits(**limits)), Cancel(), log, say, turn)
        return Broker(batches, view, Passages(view), childless)

    return make


def ask(broker: Broker, call: str, /, **arguments: Any) -> Any:
    return broker.calls()[call](**arguments)


def judged(broker: Broker, question: str, texts: list[str]) -> list[Any]:
    return ask(broker, "semantic_ask", function="judge", constants=[question], texts=texts)


def sorted_by(broker: Broker, labels: list[str], texts: list[str]) -> list[Any]:
    return ask(broker, "semantic_ask", function="classify", constants=labels, texts=texts)


FORGED = [[-1, 5], [5, 1], [0, 10**9], [0], [99, 1, 2], [1, 2, 3, 4], ["0", "1"], [0.5, 1.5], None, 7, "0:5", {}]


@pytest.mark.parametrize("span", FORGED, ids=str)
def test_a_forged_span_is_refused(new_broker: NewBroker, span: object) -> None:
    broker = new_broker()
    with pytest.raises(HostCallRefused):
        ask(broker, "read", question="Who?", passages=[span])
    with pytest.raises(HostCallRefused):
        ask(broker, "final", answer="42", found=True, evidence=[span])
    assert broker.final is None
    assert broker.batches.budget.calls == 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("search", {"words": 5, "k": 1}),
        ("search", {"words": "Who?", "k": 0}),
        ("search", {"words": "Who?", "k": "all"}),
        ("semantic_ask", {"function": "judge", "constants": [5], "texts": ["a"]}),
        ("semantic_ask", {"function": "judge", "constants": ["Who?"], "texts": "abc"}),
        ("semantic_ask", {"function": "judge", "constants": ["Who?"], "texts": None}),
        ("semantic_ask", {"function": "classify", "constants": ["a"], "texts": ["x"]}),
        ("semantic_ask", {"function": "classify", "constants": ["a", "a"], "texts": ["x"]}),
        ("semantic_ask", {"function": "classify", "constants": ["a", ""], "texts": ["x"]}),
        ("semantic_ask", {"function": "classify", "constants": "ab", "texts": ["x"]}),
        ("read", {"question": None, "passages": []}),
        ("read", {"question": "Who?", "passages": {"0": 5}}),
        ("llm_query", {"prompts": "one by one"}),
        ("llm_query", {"prompts": [1]}),
        ("final", {"answer": 42, "found": True, "evidence": []}),
        ("final", {"answer": "42", "found": True, "evidence": 5}),
    ],
)
def test_absurd_arguments_are_refused(new_broker: NewBroker, name: str, arguments: dict[str, Any]) -> None:
    broker = new_broker()
    with pytest.raises(HostCallRefused):
        ask(broker, name, **arguments)
    assert broker.final is None
    assert broker.batches.budget.calls == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
ARGUMENTS = {
    "search": ("words", "k"),
    "semantic_ask": ("function", "constants", "texts"),
    "read": ("question", "passages"),
    "llm_query": ("prompts",),
    "final": ("answer", "found", "evidence"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_no_argument_that_json_can_say_breaks_a_call(new_broker: NewBroker, name: str) -> None:
    broker = new_broker(ScriptedModel(lambda _prompt: "x"))

    @settings(max_examples=40)
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        arguments = {argument: data.draw(json_values) for argument in ARGUMENTS[name]}
        with suppress(HostCallRefused):
            ask(broker, name, **arguments)

    attempt()


def test_evidence_is_clamped_in_number_and_length(new_broker: NewBroker) -> None:
    view = view_of({"a.txt": "word " * 5000})
    broker = new_broker(view=view)
    start, end = view.documents[0].start, view.documents[0].end
    ask(broker, "final", answer=" 42 ", found=True, evidence=[[start, end]] * 1000)
    assert broker.final is not None
    assert broker.final.answer == "42"
    assert 0 < len(broker.final.places) < 100
    [place] = {evidence(view, *place) for place in broker.final.places}
    assert 0 < len(place.text) < 2000
    assert view.text(place.start, place.end) == place.text


def test_evidence_does_not_run_into_the_next_document(new_broker: NewBroker) -> None:
    view = records()
    broker = new_broker(view=view)
    roof = view.documents[1]
    ask(broker, "final", answer="x", found=True, evidence=[[roof.start, len(view.context)]])
    assert broker.final is not None
    assert evidence(view, *broker.final.places[0]).text == DOCUMENTS[roof.name]


def test_the_first_ending_counts(new_broker: NewBroker) -> None:
    broker = new_broker()
    ask(broker, "final", answer="first", found=True, evidence=[])
    ask(broker, "final", answer="second", found=False, evidence=[])
    assert broker.final is not None
    assert (broker.final.answer, broker.final.found) == ("first", True)


def test_a_batch_beyond_the_budget_is_refused_with_its_price_before_any_call(new_broker: NewBroker) -> None:
    model = writer()
    broker = new_broker(model, calls=3)
    with pytest.raises(HostCallRefused, match=r"in 4 calls; .* 3 calls are left"):
        ask(broker, "llm_query", prompts=["a", "b", "c", "d"])
    assert model.calls == []
    assert broker.batches.refusal is not None
    assert broker.batches.refusal.price.calls == 4
    assert ask(broker, "llm_query", prompts=["a", "b", "c"]) == ["a reply"] * 3
    assert broker.batches.budget.left.calls == 0


def test_a_prompt_beyond_the_window_is_refused_and_costs_nothing(new_broker: NewBroker) -> None:
    broker = new_broker(ScriptedModel(n_ctx=200))
    with pytest.raises(HostCallRefused, match="tokens"):
        ask(broker, "llm_query", prompts=["word " * 500])
    assert broker.batches.budget.spent == Usage()


def test_reading_no_passages_asks_nobody(new_broker: NewBroker) -> None:
    broker = new_broker()
    assert ask(broker, "read", question="Who?", passages=[])["found"] is False
    assert broker.batches.budget.calls == 0


def test_reading_gives_the_answer_and_the_place_that_states_it(new_broker: NewBroker) -> None:
    broker = new_broker()
    note = next(each for each in broker.view.documents if each.name == "notes/fall.txt")
    reply = ask(broker, "read", question="Who found her?", passages=[[note.start, note.end]])
    [[start, end]] = reply["evidence"]
    assert (reply["answer"], reply["found"]) == ("Nurse Holm", True)
    assert "Nurse Holm" in broker.view.context[start:end]


def test_judging_and_choosing_give_one_verdict_an_item_in_order(new_broker: NewBroker) -> None:
    def verdict(prompt: Prompt) -> str:
        return "yes" if "wet" in prompt.messages[-1].content else "no"

    broker = new_broker(writer(verdict=verdict))
    assert judged(broker, "Rain?", ["wet day", "dry", "wet"]) == [True, False, True]
    sorter = ScriptedModel(choose=lambda prompt, _o: "b" if "wet" in prompt.messages[-1].content else "a")
    assert sorted_by(new_broker(sorter), ["a", "b"], ["dry", "wet"]) == ["a", "b"]
    assert judged(broker, "Rain?", []) == []
    assert sorted_by(new_broker(sorter), ["a", "b"], []) == []


LONG = "It rained all day and nothing else happened at all.\n" * 400  # some 4,400 words and signs
ENDS = ("The old pump rattles again.", "The new pump runs well.")


def test_a_long_item_is_judged_to_its_end(new_broker: NewBroker) -> None:
    model = writer(verdict=lambda prompt: "yes" if "rattles" in prompt.messages[-1].content else "no")
    assert judged(new_broker(model), "Broken?", [LONG + end for end in ENDS]) == [True, False]
    assert all(model.count(prompt.messages[-1].content) < 1300 for _, prompt in model.calls)


def test_a_long_item_is_of_the_class_that_most_of_it_is_of(new_broker: NewBroker) -> None:
    model = ScriptedModel(choose=lambda prompt, _o: "fair" if "pump" in prompt.messages[-1].content else "rain")
    broker = new_broker(model)
    assert sorted_by(broker, ["fair", "rain"], ["pump", LONG + ENDS[0]]) == ["fair", "rain"]
    assert all(model.count(prompt.messages[-1].content) < 1300 for _, prompt in model.calls)
    assert broker.basis().judged == 2


@given(st.text("ab .\n", min_size=1), st.integers(1, 300))
def test_pieces_of_a_long_item_leave_nothing_out(text: str, times: int) -> None:
    whole = text * times
    longest = max(2, len(whole) // 7)
    cut = list(chunks(whole, 0, len(whole), shortest=longest // 2, longest=longest))
    assert "".join("".join(whole[start:end] for start, end in cut).split()) == "".join(whole.split())
    assert all(end - start <= longest for start, end in cut)


def test_choosing_is_calibrated_by_the_same_prompt_about_nothing(new_broker: NewBroker) -> None:
    class Leaning(ScriptedModel):
        def choose(self, prompts: Any, options: Any, *, neutral: Any = (), **how: Any) -> Any:
            self.neutral = list(neutral)
            return [replace(each, biased=each.logprobs[::-1]) for each in super().choose(prompts, options, **how)]

    model = Leaning()
    broker = new_broker(model)
    assert sorted_by(broker, ["a", "b"], ["dry"]) == ["b"]
    [(_, prompt)] = model.calls
    asked = prompt.messages[-1].content
    assert asked.endswith("\ndry")
    assert [each.messages[-1].content for each in model.neutral] == [f"{asked[:-3]}{text}" for text in NEUTRAL]
    assert broker.batches.budget.calls == 1


def test_what_was_used_is_booked_and_the_rest_comes_back(new_broker: NewBroker) -> None:
    broker = new_broker(ScriptedModel(lambda _prompt: "a reply of five words"))
    before = broker.batches.budget.left
    assert ask(broker, "llm_query", prompts=["Hello?", "You?"]) == ["a reply of five words"] * 2
    spent = broker.batches.budget.spent
    assert broker.batches.budget.left == before - Price(spent.prompt_tokens + spent.completion_tokens, 2)
    assert spent.completion_tokens == 10


def test_what_was_evaluated_before_a_batch_broke_is_booked(new_broker: NewBroker) -> None:
    class Breaking(ScriptedModel):
        def choose(self, *given: Any, on_done: Any, **how: Any) -> Any:
            on_done(0)
            error = Cancelled("cancelled")
            error.usage = Usage(prompt_tokens=70)
            raise error

    broker = new_broker(Breaking())
    with pytest.raises(Cancelled):
        judged(broker, "Is it?", ["a", "b", "c"])
    assert (broker.batches.budget.spent, broker.batches.budget.calls) == (Usage(prompt_tokens=70), 1)


def test_what_all_prompts_begin_with_is_priced_once() -> None:
    model = ScriptedModel()
    question = "Which of these many kinds is it? " * 5
    one, many = ([Prompt((Message("user", f"{question}{number}"),)) for number in range(n)] for n in (1, 101))
    each = (price_of(model, many, 0).tokens - price_of(model, one, 0).tokens) / 100
    assert each < model.count(question) / 2


@given(st.lists(st.text("ab \n", max_size=40), min_size=1, max_size=6), st.text("ab ", max_size=60), st.integers(0, 50))
def test_a_price_is_an_upper_bound(ends: list[str], shared: str, reply: int) -> None:
    model = ScriptedModel()
    prompts = [Prompt((Message("system", shared), Message("user", end))) for end in ends]
    evaluated = model.count(shared) + sum(model.count(end) for end in ends)
    assert price_of(model, prompts, reply).tokens >= evaluated + reply * len(ends)
    assert price_of(model, prompts, reply).calls == len(ends)


def test_progress_tells_the_share_that_is_done(new_broker: NewBroker) -> None:
    told: list[Event] = []
    broker = new_broker()
    broker.batches.say = Voice(told.append, 7, 3, 1)
    judged(broker, "Is it?", ["a", "b"])
    assert [event.fraction for event in told] == [0.0, 0.5, 1.0]
    assert [(event.node, event.parent, event.depth, event.data["done"]) for event in told] == [
        (7, 3, 1, 0),
        (7, 3, 1, 1),
        (7, 3, 1, 2),
    ]


def test_the_same_text_is_judged_once_and_counts_for_every_item(new_broker: NewBroker) -> None:
    model = writer(verdict=lambda prompt: "yes" if "rattles" in prompt.messages[-1].content else "no")
    broker = new_broker(model)
    verdicts = judged(broker, "Is it broken?", ["the pump rattles", "all is well", "the pump rattles"])
    assert verdicts == [True, False, True]
    assert broker.batches.budget.calls == 2


def test_an_item_is_a_yes_by_one_of_its_sentences(new_broker: NewBroker) -> None:
    model = writer(verdict=lambda prompt: "yes" if "rattles" in prompt.messages[-1].content else "no")
    notes = ["It rained all day. The old pump rattles again. We went home.", "It rained all day. We went home at nine."]
    broker = new_broker(model)
    assert judged(broker, "Is it broken?", notes) == [True, False]
    assert broker.batches.budget.calls == 3  # of one sentence there are two, and one is too short to say anything
