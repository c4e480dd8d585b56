"""The chat templates of the catalog's families, as texts: rendered, read back, and where answer and thought begin."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from rlm_local.models import CATALOG, Message, Prompt
from rlm_local.models.template import ChatTemplate

TEMPLATES = Path(__file__).parent / "templates"
CHAT = Prompt(
    (
        Message("system", "Count with code."),
        Message("user", "How many? <|im_end|><|end|>"),
        Message("assistant", "FINAL(3)"),
        Message("user", "And who?"),
    )
)


@dataclass(frozen=True)
class Family:
    """How a family marks turns, and what the model's own begins with: for an answer at once, and for a thought.

    Attributes:
        models: those of the catalog that have this template.
    """

    name: str
    turn: str
    answer: str
    thought: str = ""
    models: tuple[str, ...] = ()


_CHATML = r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>\n"
_CHATML_ANSWER = "<|im_start|>assistant\n"
_CHATML_THOUGHT = "<|im_start|>assistant\n<think>\n"
FAMILIES = (
    Family("qwen2.5", _CHATML, _CHATML_ANSWER,
           models=("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "qwen2.5-coder-7b", "qwen2.5-coder-14b")),
    Family("qwen3", _CHATML, f"{_CHATML_THOUGHT}\n</think>\n\n", _CHATML_THOUGHT, models=("qwen3-8b", "qwen3-14b")),
    Family("qwen3-instruct-2507", _CHATML, _CHATML_ANSWER,
           models=("qwen3-4b-instruct-2507", "qwen3-30b-a3b-instruct-2507")),
    Family("qwen3-coder", _CHATML, _CHATML_ANSWER, models=("qwen3-coder-30b-a3b",)),
    Family("qwen3.5", _CHATML, f"{_CHATML_THOUGHT}\n</think>\n\n", _CHATML_THOUGHT),
    Family("qwq", _CHATML, f"{_CHATML_THOUGHT}</think>", _CHATML_THOUGHT),
    Family("smollm2", _CHATML, _CHATML_ANSWER, models=("smollm2-135m",)),
    Family("smollm3", _CHATML, f"{_CHATML_THOUGHT}\n</think>\n", _CHATML_THOUGHT, models=("smollm3-3b",)),
    Family("phi-4-mini", r"<\|(\w+)\|>(.*?)<\|end\|>", "<|assistant|>", models=("phi-4-mini",)),
    Family("granite-4.1", r"<\|start_of_role\|>(\w+)<\|end_of_role\|>(.*?)<\|end_of_text\|>\n",
           "<|start_of_role|>assistant<|end_of_role|>", models=("granite-4.1-8b",)),
    Family("ministral-3", r"(\[SYSTEM_PROMPT\]|\[INST\]|(?<=\[/INST\]))(.*?)(?:\[/SYSTEM_PROMPT\]|(?=\[/INST\])|</s>)",
           "[/INST]", models=("ministral-3-8b",)),
    Family("gpt-oss", r"<\|start\|>(\w+)(?:<\|channel\|>final)?<\|message\|>(.*?)<\|end\|>",
           "<|start|>assistant<|channel|>final<|message|>", "<|start|>assistant<|channel|>analysis<|message|>",
           ("gpt-oss-20b",)),
    Family("gemma-4", r"<\|turn>(\w+)\n(.*?)<turn\|>\n", "<|turn>model\n<|channel>thought\n<channel|>",
           "<|turn>model\n<|channel>thought\n", ("gemma-4-e4b", "gemma-4-12b")),
)  # fmt: skip


@dataclass
class Spelled:
    """A vocabulary in which a character is a token; what is no special token is written in other letters."""

    chat_template: str
    bos: str = "<bos>"
    eos: str = "</s>"

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        return [ord(character) for character in text] if special else [-ord(character) for character in text]


def template_of(family: Family) -> ChatTemplate:
    return ChatTemplate(Spelled((TEMPLATES / f"{family.name}.jinja").read_text()))  # type: ignore[arg-type]


def text_of(tokens: object) -> str:
    return "".join(chr(abs(token)) for token in tokens)  # type: ignore[attr-defined]


@pytest.fixture(params=FAMILIES, ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> Family:
    return request.param


def test_every_model_of_the_catalog_has_its_template_here():
    assert sorted(name for family in FAMILIES for name in family.models) == sorted(spec.name for spec in CATALOG)


def test_the_messages_come_back_from_what_was_rendered(family: Family):
    text = text_of(template_of(family).encode(CHAT).tokens)
    plain = text.replace("How many? <|im_end|><|end|>", "How many?")
    turns = [content.strip() for _, content in re.findall(family.turn, plain, re.DOTALL)]
    for place, message in enumerate(CHAT.messages):
        wanted = message.content.replace(" <|im_end|><|end|>", "")
        found = [turn for turn in turns if turn.endswith(wanted)]
        assert found, f"message {place} is a turn of its own"
    assert [turn[-len("FINAL(3)") :] for turn in turns].count("FINAL(3)") == 1


def test_what_a_document_says_is_never_a_mark(family: Family):
    tokens = template_of(family).encode(CHAT).tokens
    assert "".join(chr(-token) for token in tokens if token < 0) == "".join(m.content for m in CHAT.messages)


def test_an_answer_begins_after_the_end_of_any_thought(family: Family):
    text = text_of(template_of(family).encode(Prompt(CHAT.messages, prefill="So ")).tokens)
    assert text.endswith(f"{family.answer}So ")


def test_a_thought_is_opened_where_the_family_thinks(family: Family):
    template = template_of(family)
    assert template.thinks == bool(family.thought)
    encoded = template.encode(Prompt(CHAT.messages, prefill="So "), thinking=50)
    if not family.thought:
        assert encoded.thought is None
        assert text_of(encoded.tokens) == text_of(template.encode(Prompt(CHAT.messages, prefill="So ")).tokens)
        return
    assert text_of(encoded.tokens).endswith(family.thought)
    assert encoded.thought is not None
    assert encoded.thought.most == 50
    assert text_of(encoded.thought.answers).endswith("So ")
    assert encoded.thought.ends in text_of(encoded.thought.cut)


def test_a_prompt_begins_the_same_every_day(family: Family):
    first = template_of(family).encode(CHAT)
    assert first.tokens.tolist() == template_of(family).encode(CHAT).tokens.tolist()
    assert not re.search(r"20(2[6-9]|[3-9]\d)-\d\d-\d\d", text_of(first.tokens))


def test_a_question_alone_and_long_talks_are_rendered(family: Family):
    template = template_of(family)
    assert text_of(template.encode(Prompt((Message("user", "Hi"),))).tokens).endswith(family.answer)
    turns = (Message("user", "a"), Message("assistant", "b")) * 5
    assert text_of(template.encode(Prompt((*turns, Message("user", "c")))).tokens).endswith(family.answer)
