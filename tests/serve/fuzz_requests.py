"""Coverage-guided fuzzing of requests and of schemas for answers: only errors of ours, whatever the bytes.

pip install atheris
python -m tests.serve.fuzz_requests requests FOLDER -max_total_time=1800
python -m tests.serve.fuzz_requests schemas FOLDER -max_total_time=1800
"""

import json
import sys
from contextlib import suppress
from typing import Any, cast

import atheris

with atheris.instrument_imports(include=["rlm_local.serve.openai", "rlm_local.engine", "jsonschema", "referencing"]):
    from pydantic import ValidationError

    from rlm_local.engine.question import check_question
    from rlm_local.engine.schema_bounds import for_grammar
    from rlm_local.engine.typed import AnswerSchema, MisfitError
    from rlm_local.errors import RlmLocalError
    from rlm_local.serve.bodies import parse
    from rlm_local.serve.openai.chat import ChatRequest
    from rlm_local.serve.openai.messages import ChatMessage, asked
    from rlm_local.serve.openai.responses import ResponseRequest

_WORDS = (
    *"type properties required items prefixItems anyOf oneOf allOf not if then else $ref $defs definitions enum const "
    "pattern minLength maxLength minItems maxItems uniqueItems additionalProperties contains minimum multipleOf "
    "propertyNames dependentSchemas dependentRequired format title $id $schema $anchor $dynamicRef".split(),
    *"object array string number integer boolean null".split(),
    *("#", "#/$defs/a", "#/properties/a", "#/items", "a", "b", "", "^a+$", "(a*)*b", "[", "\ud800", "date", "1", "[1]"),
)
_OF_REQUESTS = (
    *"model messages role content type text file file_id filename stream stream_options include_usage temperature n "
    "response_format json_schema schema format name files folders max_tokens timeout input instructions background "
    "previous_response_id user system developer assistant tool input_text rlm-local rlm-local:rules".split(),
    *("", "a\n\nb", "word " * 500, "\ud800", "resp_a"),
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    10**400,
    1e-300,
    0.3,
    0.1,
    1,
    -1,
    3,
    1.5,
    1e300,
    10**30,
    float("inf"),
    "yes",
    "8",
    "a, b",
    "{}",
    "[[",
    [],
    {},
)


class _Bytes:
    """Choices that bytes make; zeros when there are no more."""

    def __init__(self, data: bytes, words: tuple[str, ...] = _WORDS) -> None:
        self._data, self._at, self._words = data, 0, words

    def below(self, bound: int) -> int:
        byte = self._data[self._at] if self._at < len(self._data) else 0
        self._at += 1
        return byte % bound

    def value(self, depth: int = 0) -> Any:
        """Anything that JSON can be, made of words that mean something."""
        kind = self.below(8) if depth < 60 else self.below(4)
        if kind <= 1:
            return self.word()
        if kind <= 3:
            return _VALUES[self.below(len(_VALUES))]
        if kind == 4:
            return [self.value(depth + 1) for _ in range(self.below(4))]
        return {self.word(): self.value(depth + 1) for _ in range(self.below(5))}

    def word(self) -> str:
        """One of them."""
        return self._words[self.below(len(self._words))]


def schema(data: bytes) -> None:
    """A schema, and a value that is put into its form."""
    source = _Bytes(data)
    wanted, value = source.value(), source.value()
    if isinstance(wanted, dict):
        with suppress(RlmLocalError, MisfitError):
            form = AnswerSchema(cast("dict[str, Any]", wanted))
            json.dumps(for_grammar(form.schema))
            form.fit(value)


def request(data: bytes) -> None:
    """The body of a request: as it comes, or made of words."""
    if data[:1] != b"{":
        source = _Bytes(data, _OF_REQUESTS)
        made: dict[str, Any] = {name: source.value() for name in ("messages", "input", "response_format", "text")}
        data = json.dumps({**made, source.word(): source.value()}).encode()
    with suppress(ValidationError, RlmLocalError, ValueError):
        parse(data)
    with suppress(ValidationError, RlmLocalError):
        chat = ChatRequest.model_validate_json(data)
        check_question(asked(chat.messages, chat.files).question)
        AnswerSchema(chat.response_format.options().get("schema", {}))
    with suppress(ValidationError, RlmLocalError):
        body = ResponseRequest.model_validate_json(data)
        messages = [ChatMessage(content=body.input)] if isinstance(body.input, str) else body.input
        check_question(asked(messages, body.files).question)
        AnswerSchema(body.text.format.options().get("schema", {}))


if __name__ == "__main__":
    program, what, *rest = sys.argv
    atheris.Setup([program, *rest], {"requests": request, "schemas": schema}[what])
    atheris.Fuzz()
