"""What asking costs, known before it is asked."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.batches import price_of
from rlm_local.engine.budget import Price
from rlm_local.engine.semantic.costs import costs, question_of
from rlm_local.engine.semantic.questions import about
from tests.engine.semantic.cells import MESSAGES
from tests.models.fakes import ScriptedModel

_FUNCTIONS = [("judge", ("Is it wet?",)), ("classify", ("rain", "sun", "snow")), ("extract", ("the place",))]


@pytest.fixture(scope="module")
def view() -> Iterator[View]:
    with Collection.of({"messages.csv": MESSAGES, "ward.txt": "Ward 1 has ten beds.\n"}) as collection:
        yield View(collection)


@pytest.mark.parametrize(("function", "constants"), _FUNCTIONS)
@given(st.lists(st.text("ab .\n", min_size=1, max_size=80), min_size=1, max_size=8), st.integers(1, 60))
def test_a_cost_is_what_the_ledger_will_hold_at_least(
    view: View, function: str, constants: tuple[str, ...], texts: Sequence[str], times: int
) -> None:
    model = ScriptedModel()
    texts = [text * times for text in texts]
    question = question_of(function, constants)
    prompts = [prompt for each in about(question, model, texts) for prompt in each]
    batch = question.batch(prompts, len(texts))
    held = price_of(model, [*batch.prompts, *batch.neutral], batch.reply_tokens)
    found = costs(model, view, function, texts, constants).of(0, len(texts))
    assert found.tokens >= held.tokens
    assert found.calls == len(prompts)


@given(st.lists(st.integers(0, 50), max_size=20), st.data())
def test_as_many_texts_fit_as_there_is_room_for(view: View, sizes: list[int], data: st.DataObject) -> None:
    found = costs(ScriptedModel(), view, "judge", ["a " * size for size in sizes], ("Is it?",))
    room = Price(data.draw(st.integers(0, 2_000)), data.draw(st.integers(0, 20)))
    start = data.draw(st.integers(0, len(sizes)))
    fits = found.fit(start, room)
    assert 0 <= fits <= len(sizes) - start
    assert fits == 0 or found.of(start, start + fits).within(room)
    assert start + fits == len(sizes) or not found.of(start, start + fits + 1).within(room)


def test_a_document_is_the_price_of_a_child_and_one_that_is_not_there_of_none(view: View) -> None:
    found = costs(ScriptedModel(), view, "answer", ["ward.txt", "nowhere", "messages.csv"], ("Who?",))
    assert [price.nodes for price in found.upto] == [0, 1, 1, 2]
