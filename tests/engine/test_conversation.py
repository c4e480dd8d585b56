"""A follow-up as a question of its own: what the model is shown, what of its reply is believed, what the log has."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_local import Engine
from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.conversation import EXCHANGES, Exchange, Understanding, exchange_of, exchanges_until, understand
from rlm_local.engine.events import Event
from rlm_local.log import RunStore
from rlm_local.models import Cancel, Prompt, resolve
from rlm_local.models.errors import EngineError
from rlm_sandbox import Image
from tests.engine.records import DOCUMENTS, records
from tests.engine.script import talker
from tests.log.sample import run_start
from tests.models.fakes import ScriptedModel

COUNT = "SELECT COUNT(*) FROM visits WHERE status = 'cancelled' AND department = 'Surgery'"
SURGERY = "How many visits to Surgery were cancelled?"
LOANS = (Exchange("How many loans of the Hillside branch were overdue in 2023?", "212", "SELECT COUNT(*) FROM loans"),)


def writes(text: str, more: str = " and more", prefers: str = "", sure: float = 0.9) -> ScriptedModel:
    """A model that finds that no question stands alone, and writes this one out.

    Args:
        more: what it goes on with where it is to write on.
        prefers: how what it likes best ends, where it is given a choice; else it takes the first.
        sure: how likely it finds that.
    """

    def slot(_prompt: Prompt, _text: str, options: Sequence[str]) -> str:
        if options == [" yes\n", " no\n"]:
            return options[1]
        return next((option for option in options if prefers and option.strip().endswith(prefers)), options[0])

    return ScriptedModel(slot=slot, write=lambda _, told: more if told.split(":")[-1] else f" {text}", sure=sure)


def understood(
    model: ScriptedModel, said: str, exchanges: Sequence[Exchange] = LOANS, tokens: int = 100_000
) -> Understanding:
    return understand(model, exchanges, said, Budget(Limits(tokens=tokens)), Cancel())


def test_a_follow_up_is_written_out_from_question_program_and_answer() -> None:
    meant = "How many loans of the Hillside branch were overdue in 2024?"
    model = writes(meant)
    found = understood(model, " and in 2024? ")
    assert (found.said, found.question) == ("and in 2024?", meant)
    [(_, prompt)] = model.calls
    assert prompt.messages[-1].content == (
        "Question: How many loans of the Hillside branch were overdue in 2023?\nProgram: SELECT COUNT(*) FROM loans\n"
        "Answer: 212\n\nFollow-up: and in 2024?"
    )


def test_a_question_that_stands_alone_comes_back_as_it_is() -> None:
    model = ScriptedModel(write=lambda _prompt, _text: pytest.fail("nothing is to be written"))
    assert understood(model, "Who wrote the  report?").question == "Who wrote the  report?"
    copied = writes("Who wrote the report?", " of the Hillside branch")
    assert understood(copied, "Who wrote the  report?").question == "Who wrote the  report?"


@pytest.mark.parametrize("sure", [0.99, 0.6])
def test_a_follow_up_of_which_nothing_is_made_is_gone_on_with_where_that_is_likely(sure: float) -> None:
    said, meant = "pourquoi ?", "pourquoi les livres de Hillside ont-ils été perdus ?"
    exchanges = [Exchange("Quels livres de Hillside ont été perdus ?", "Winter Light")]
    model = writes("Pourquoi ?", " les livres de Hillside ont-ils été perdus ?", prefers="perdus ?", sure=sure)
    assert understood(model, said, exchanges).question == (meant if sure == 0.99 else said)


def test_a_copy_of_the_question_before_is_written_anew_from_a_word_of_the_follow_up() -> None:
    copied = writes(LOANS[0].question, " branch were overdue in 2023?", prefers="loans of the Harbour")
    meant = "How many loans of the Harbour branch were overdue in 2023?"
    assert understood(copied, "and at Harbour?").question == meant
    earlier = Exchange("Who runs it?", "Ana Rubio")
    assert understood(copied, "and at Harbour?", [*LOANS, earlier]).question == meant


def test_a_first_question_and_a_very_long_one_are_never_changed() -> None:
    model = writes("How many?")
    assert understood(model, "How many loans?", ()) == Understanding("How many loans?", "How many loans?")
    long = "which of them " * 100
    assert understood(model, long).question == long.strip()
    assert model.calls == []


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("and in 2024?", "How many of 500 loans of the Hillside branch were overdue in 2024?"),  # a number of nobody's
        ("and in 2024?", "How many loans of the Hillside branch were overdue?"),  # the new one is lost
        ("and at Harbour?", "How many loans of the Hillside branch were lost in 2023?"),  # so is the name
        ("only the lost ones", "How many loans of the Northgate branch were lost in 2023?"),  # a name of nobody's
        ("only the lost ones", ""),
    ],
)
def test_what_was_not_said_or_is_left_out_is_not_believed(said: str, written: str) -> None:
    assert understood(writes(written), said).question == said


@pytest.mark.parametrize(("said", "year"), [("and the year before?", 2022), ("the next year?", 2024)])
def test_a_year_may_be_the_one_before_or_after_one_that_was_said(said: str, year: int) -> None:
    meant = f"How many loans of the Hillside branch were overdue in {year}?"
    assert understood(writes(meant), said).question == meant
    far = meant.replace(str(year), "2019")
    assert understood(writes(far), said).question == said


@pytest.mark.parametrize(
    ("exchange", "said", "written"),
    [
        (Exchange("Wie viele Völker stehen in Holm?", "31"), "und in Skerry?", "Wie viele Völker stehen in Skerry?"),
        (Exchange("Who won?", "Ana Rubio"), "how old is she?", "How old is Ana Rubio?"),
        (Exchange("北館で一番古い絵はどれですか", "雪の港"), "1912年は?", "北館で1912年の一番古い絵はどれですか"),
        (Exchange("Сколько писем пришло в марте?", "12"), "а от Ольги?", "Сколько писем от Ольга пришло в марте?"),  # noqa: RUF001
    ],
)
def test_names_are_known_whatever_the_language_and_their_endings(exchange: Exchange, said: str, written: str) -> None:
    assert understood(writes(written), said, (exchange,)).question == written


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=4), st.integers(1, 1_000))
def test_the_prompt_is_bounded_however_long_a_conversation_is(texts: list[str], times: int) -> None:
    model = writes("?")
    exchanges = [Exchange(text * times, text * times, text * times) for text in texts] * 300
    understood(model, "and then?", exchanges)
    [(_, prompt)] = model.calls
    assert len(prompt.messages[-1].content) < EXCHANGES * 1_000


def test_without_a_budget_for_it_the_question_is_taken_as_it_is() -> None:
    model = writes("How many loans were overdue?")
    assert understood(model, "and in 2024?", tokens=100) == Understanding("and in 2024?", "and in 2024?")
    assert model.calls == []


@pytest.mark.parametrize("act", [Cancel.cancel, None], ids=["cancelled", "broken"])
def test_a_model_that_breaks_or_is_cancelled_leaves_the_question_as_it_is(act: Callable[[Cancel], None] | None) -> None:
    def write(_prompt: Prompt, _text: str) -> str:
        if act is None:
            raise EngineError("a decode failed")
        act(cancel)
        return ""

    cancel, model = Cancel(), ScriptedModel(write=write)
    assert understand(model, LOANS, "and in 2024?", Budget(Limits()), cancel).question == "and in 2024?"


# ---- in a run


@pytest.fixture
def model() -> ScriptedModel:
    """It counts, and writes out what is asked after something as SURGERY."""
    return talker(SURGERY, COUNT)


@pytest.fixture
def engine(image: Image, store: RunStore, model: ScriptedModel) -> Iterator[Engine]:
    with Engine.of(resolve("smollm2-135m"), model, image, store) as engine:
        yield engine


def test_a_run_says_what_it_follows_how_it_was_understood_and_what_that_cost(engine: Engine, store: RunStore) -> None:
    told: list[Event] = []
    first = engine.ask("How many visits to Dentistry were cancelled?", DOCUMENTS)
    assert exchanges_until(store, first.run_id) == (exchange_of(store.get(first.run_id)),)
    answer = engine.ask("and to Surgery?", DOCUMENTS, follows=first.run_id, listener=told.append)
    assert (answer.question, answer.answer, answer.ended) == (SURGERY, "1", Ended.ANSWERED)
    [event] = [event for event in told if event.kind == "understood"]
    assert (event.text, event.data) == (SURGERY, {"said": "and to Surgery?"})
    start = store.get(answer.run_id).start
    assert (start.question, start.follows) == (SURGERY, first.run_id)
    assert start.understood is not None
    assert start.understood["said"] == "and to Surgery?"
    call = start.understood["call"]
    assert call["messages"][-1]["content"].endswith("Follow-up: and to Surgery?")
    assert call["result"]["text"] == f" no\nstandalone: {SURGERY}"
    alone = engine.ask(SURGERY, DOCUMENTS, follows=first.run_id, before=())
    assert answer.usage.prompt_tokens == alone.usage.prompt_tokens + call["prompt_tokens"]
    assert answer.usage.leaf_calls == alone.usage.leaf_calls + 1
    assert store.get(alone.run_id).start.understood is None


def test_a_follow_up_is_replayed_with_what_understanding_it_cost(engine: Engine, store: RunStore) -> None:
    exchange = Exchange("How many visits to Dentistry were cancelled?", "0")
    answer = engine.ask("and to Surgery?", records(), before=[exchange])
    done = engine.replay(store.get(answer.run_id), records())
    assert (done.divergence, done.left_out) == (None, "")


def test_a_run_that_failed_is_an_exchange_too(engine: Engine, store: RunStore) -> None:
    answer = engine.ask(SURGERY, DOCUMENTS, max_tokens=1)
    record = store.get(answer.run_id)
    assert answer.ended is Ended.BUDGET
    assert exchange_of(record) == Exchange(SURGERY, answer.answer)
    assert exchange_of(replace(record, nodes=(), answer=None)) == Exchange(SURGERY)


def test_a_follow_up_to_a_run_that_failed_is_understood_and_answered(engine: Engine) -> None:
    failed = engine.ask("How many visits to Dentistry were cancelled?", DOCUMENTS, max_tokens=1)
    assert failed.ended is Ended.BUDGET
    answer = engine.ask("and to Surgery?", DOCUMENTS, follows=failed.run_id)
    assert (answer.question, answer.answer, answer.ended) == (SURGERY, "1", Ended.ANSWERED)


def test_a_conversation_in_the_log_begins_after_what_was_deleted(store: RunStore) -> None:
    runs: list[str] = []
    for number in range(EXCHANGES + 2):
        log = store.begin(replace(run_start(f"{number}?"), follows=runs[-1] if runs else None))
        runs.append(log.run_id)
    assert [exchange.question for exchange in exchanges_until(store, runs[-1])] == ["2?", "3?", "4?"]
    store.delete([runs[3]])
    assert [exchange.question for exchange in exchanges_until(store, runs[-1])] == ["4?"]
    assert exchanges_until(store, runs[3]) == exchanges_until(store, None) == ()


def test_a_follow_up_to_a_run_that_is_gone_is_asked_as_it_is(engine: Engine) -> None:
    answer = engine.ask(SURGERY, DOCUMENTS, follows="0gone000")
    assert (answer.question, answer.answer) == (SURGERY, "1")
