import json

import pytest

from rlm_local.models import Cancel, Cancelled, LlamaEngine, Message, Prompt
from rlm_local.models.errors import PromptTooLong

PLAN = Prompt(
    (
        Message("system", "You turn questions into JSON plans."),
        Message("user", "How many orders has the user eagle?"),
        Message("assistant", '{"op": "count", "user": "eagle"}'),
        Message("user", "List the orders of the user heron."),
        Message("assistant", '{"op": "list", "user": "heron"}'),
        Message("user", "How many orders has the user falcon?"),
    )
)


def test_a_plan_slot_by_slot(qwen: LlamaEngine):
    with qwen.cursor(PLAN) as cursor:
        cursor.append('{"op": "')
        op = cursor.choose(["list", "count", "counts", "counter"])
        cursor.append('", "user": "')
        user = cursor.write(stop=['"'], max_tokens=10)
        cursor.append('"}')
        assert (op.option, op.index, user) == ("count", 1, "falcon")
        assert json.loads(cursor.text) == {"op": "count", "user": "falcon"}
        assert cursor.usage.completion_tokens >= 2


def test_a_cursor_agrees_with_free_generation(qwen: LlamaEngine):
    [reply] = qwen.generate([PLAN], max_tokens=30)
    with qwen.cursor(PLAN) as cursor:
        assert cursor.write(stop=["\n"], max_tokens=30) == reply.text == '{"op": "count", "user": "falcon"}'


def test_the_tokens_spell_the_text(qwen: LlamaEngine):
    with qwen.cursor(PLAN) as cursor:
        cursor.append("a b")
        cursor.append("c")
        cursor.choose([" one", " two"])
        cursor.append("\n")
        chosen = cursor.text.removeprefix("a bc").rstrip("\n")
        assert list(cursor.token_ids) == [token for text in ("a bc", chosen, "\n") for token in tokens(qwen, text)]


def tokens(engine: LlamaEngine, text: str) -> list[int]:
    bare = engine.encode(PLAN)
    return list(engine.encode(Prompt(PLAN.messages, prefill=text))[len(bare) :])


def test_bias_moves_the_choice_and_not_the_scores(qwen: LlamaEngine):
    with qwen.cursor(PLAN) as cursor:
        cursor.append('{"op": "')
        start = cursor.mark()
        plain = cursor.choose(["count", "list"])
        cursor.rewind(start)
        moved = cursor.choose(["count", "list"], bias=[0.0, 50.0])
    assert (plain.option, moved.option) == ("count", "list")
    assert plain.biased == plain.logprobs
    assert moved.logprobs == pytest.approx(plain.logprobs, abs=1.5)
    assert sum(map(pow, [2.718281828] * 2, moved.biased)) == pytest.approx(1.0)


def test_rewinding_forgets_text_and_tokens(qwen: LlamaEngine):
    with qwen.cursor(PLAN) as cursor:
        cursor.append("one")
        first = cursor.mark()
        before = (cursor.text, cursor.token_ids)
        cursor.append(" two")
        second = cursor.mark()
        cursor.append(" three")
        cursor.rewind(first)
        assert (cursor.text, cursor.token_ids) == before
        cursor.append(" four")
        assert cursor.text == "one four"
        with pytest.raises(IndexError):
            cursor.rewind(second)


def test_the_stop_string_is_not_kept(qwen: LlamaEngine):
    with qwen.cursor(PLAN) as cursor:
        cursor.append('{"op": "')
        assert cursor.write(stop=['", "user'], max_tokens=20) == "count"
        assert cursor.text == '{"op": "count'
        assert list(cursor.token_ids) == tokens(qwen, '{"op": "') + tokens(qwen, "count")


def test_only_what_is_allowed_is_written(qwen: LlamaEngine):
    with qwen.cursor(PLAN) as cursor:
        cursor.append('{"op": "count", "user": "')
        text = cursor.write(stop=['"'], max_tokens=12, allow=lambda text: set(text) <= set("owl") and text != "")
        assert text
        assert set(text) <= set("owl")


def test_nothing_allowed_ends_the_text(qwen: LlamaEngine):
    with qwen.cursor(PLAN) as cursor:
        assert cursor.write(stop=[], max_tokens=5, allow=lambda text: False) == ""


def test_hundreds_of_options_with_common_starts(qwen: LlamaEngine):
    names = [f"user_{number:03}" for number in range(300)]
    prompt = Prompt((Message("user", "Repeat exactly: user_217"),))
    with qwen.cursor(prompt) as cursor:
        assert cursor.choose(names).option == "user_217"


def test_a_cursor_stops_when_cancelled(smollm: LlamaEngine):
    cancel = Cancel()
    with smollm.cursor(PLAN, cancel=cancel) as cursor:
        cursor.choose(["a", "b"])
        cancel.cancel()
        with pytest.raises(Cancelled):
            cursor.choose(["a", "b"])


def test_a_reply_that_outgrows_the_context(smollm: LlamaEngine):
    with smollm.cursor(PLAN) as cursor:
        cursor.append("word " * 3000)
        with pytest.raises(PromptTooLong):
            cursor.write(stop=[], max_tokens=1)


def test_a_cursor_evaluates_each_token_once(smollm: LlamaEngine):
    with smollm.cursor(Prompt((Message("user", "How many eggs are in three dozen of them?"),))) as cursor:
        for _ in range(5):
            cursor.append(" and")
            cursor.choose([" one", " two"])
        usage = cursor.usage
        assert usage.completion_tokens == 5
        assert usage.prompt_tokens + usage.cached_tokens <= len(smollm.encode(PLAN)) + 5 + 5
