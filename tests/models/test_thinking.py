from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rlm_local.models import LlamaEngine, Message, Prompt
from rlm_local.models.thinking import Bound, Thought, thinking_of
from tests.models.architectures import ARCHITECTURES

PROMPT = Prompt((Message("user", "Does it float?"),), prefill="So ")


def think(writes: str, most: int = 10, end_of_turn: str = "$") -> tuple[Thought, str]:
    """A thought of a model that writes these characters, and all that is evaluated until the answer."""
    bound = Bound(most, ends="}", answers=(*b">",), cut=(*b"}>",))
    left = [*writes.encode()]
    thought = Thought(bound, lambda _logits: left.pop(0), chr, lambda token: chr(token) == end_of_turn)
    written = ""
    while thought.going_on:
        written += chr(thought.step(np.zeros(1)))
    assert len(written) <= thought.room
    return thought, written


def test_a_thought_ends_where_the_model_ends_it():
    thought, written = think("hm, yes}answer")
    assert (thought.text, written) == ("hm, yes", "hm, yes}>")


def test_a_thought_that_grows_too_long_is_cut():
    thought, written = think("round and round it goes", most=9)
    assert (thought.text, written) == ("round and", "round and}>")


def test_a_turn_that_ends_in_the_thought_goes_on_to_the_answer():
    thought, written = think("no idea$")
    assert (thought.text, written) == ("no idea", "no idea}>")


@pytest.mark.parametrize(
    ("template", "opening", "thinks"),
    [
        ("{{ messages }}", "", False),
        ("{% if '</think>' in content %}{% endif %}", "<|im_start|>assistant\n", False),
        ("{% if enable_thinking %}<think>{% endif %}", "", True),
        ("", "<|Assistant|><think>\n", True),
        ("<|channel|> analysis", "", True),
        ("<|channel> enable_thinking", "", True),
    ],
)
def test_who_thinks_is_told_by_the_template(template: str, opening: str, thinks: bool):
    assert (thinking_of(template, opening) is not None) == thinks


@pytest.fixture(scope="module", params=["qwen3", "smollm3", "gpt-oss", "gemma4"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    [made] = [each for each in ARCHITECTURES if each.architecture == request.param]
    path = made.write(tmp_path_factory.mktemp("made") / "made.gguf")
    cache = path.with_name("leaves.sqlite")
    with LlamaEngine(path, name=request.param, n_ctx=2048, threads=1, leaf_cache=cache) as engine:
        yield engine


def spelled(engine: LlamaEngine, tokens: object) -> str:
    return "".join(engine._weights.spell(token) for token in tokens)  # type: ignore[attr-defined]


def test_a_reply_after_a_thought_is_the_reply_alone(engine: LlamaEngine):
    [made] = engine.generate([replace(PROMPT, thinking=20)], max_tokens=8)
    everything = spelled(engine, made.token_ids)
    assert engine.thinks
    assert made.thought
    assert made.thought in everything
    assert made.thought in everything.rpartition("So ")[0]
    own = b"".join(engine._weights.piece(token) for token in made.token_ids[-8:]).decode(errors="replace")
    assert own.endswith(made.text) or made.text.rstrip("\ufffd") in own
    assert "So " not in made.text
    assert made.usage.completion_tokens == len(made.token_ids) <= 20 + 8 + 60


def test_thoughts_are_not_sent_as_text(engine: LlamaEngine):
    sent: list[str] = []
    [made] = engine.generate(
        [replace(PROMPT, thinking=30)], max_tokens=6, seed=3, on_text=lambda _, text: sent.append(text)
    )
    assert "".join(sent) == made.text


def test_a_prompt_that_wants_no_thought_has_none(engine: LlamaEngine):
    [made] = engine.generate([PROMPT], max_tokens=8)
    assert (made.thought, len(made.token_ids) <= 8) == ("", True)


def test_options_are_scored_after_the_end_of_the_thought(engine: LlamaEngine):
    wanted = replace(PROMPT, thinking=20)
    assert engine.encode(wanted) == engine.encode(PROMPT)
    assert engine.choose([wanted], ["yes", "no"])[0].logprobs == engine.choose([PROMPT], ["yes", "no"])[0].logprobs


def test_a_thought_is_kept_with_its_reply(engine: LlamaEngine):
    prompt = replace(PROMPT, thinking=12)
    [first] = engine.generate([prompt], max_tokens=5, seed=1)
    [again] = engine.generate([prompt], max_tokens=5, seed=1)
    assert again.usage.prompt_tokens == again.usage.completion_tokens == 0
    assert (again.thought, again.text) == (first.thought, first.text)
    [longer] = engine.generate([replace(PROMPT, thinking=13)], max_tokens=5, seed=1)
    assert longer.usage.completion_tokens > 0


def test_a_thought_has_what_the_reply_leaves_of_the_context(engine: LlamaEngine):
    tokens = len(engine.encode(PROMPT))
    [made] = engine.generate([replace(PROMPT, thinking=100_000)], max_tokens=2048 - tokens - 80, seed=5, stop=["e"])
    assert len(made.token_ids) <= 2048 - tokens


def test_a_grammar_is_for_the_reply_and_not_for_the_thought(engine: LlamaEngine):
    prompt = Prompt((Message("user", "Does it float?"),), thinking=15)
    [made] = engine.extract([prompt], grammar='root ::= "yes" | "no"', max_tokens=5)
    assert made.text in ("yes", "no")
    assert made.thought


def test_a_model_that_does_not_think_answers_at_once(tmp_path: Path):
    [made] = [each for each in ARCHITECTURES if each.architecture == "qwen2"]
    with LlamaEngine(made.write(tmp_path / "made.gguf"), name="qwen2", n_ctx=1024, threads=1) as engine:
        assert not engine.thinks
        prompts = [PROMPT, replace(PROMPT, thinking=50)]
        assert len({made.token_ids for made in engine.generate(prompts, max_tokens=6)}) == 1
