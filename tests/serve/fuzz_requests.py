"""Coverage-guided fuzzing of requests and of schemas for answers: only errors of ours, whatever the bytes.

pip install atheris
python -m tests.serve.fuzz_requests FOLDER -max_total_time=1800
"""

import json
import sys
from contextlib import suppress
from typing import Any

import atheris  # pyright: ignore[reportMissingImports]

with atheris.instrument_imports(include=["rlm_local.serve.openai", "rlm_local.engine", "jsonschema", "referencing"]):
    from pydantic import ValidationError

    from rlm_local.engine.question import check_question
    from rlm_local.engine.schema_bounds import for_grammar
    from rlm_local.engine.typed import AnswerSchema, MisfitError
    from rlm_local.errors import RlmLocalError
    from rlm_local.serve.openai.chat import ChatRequest
    from rlm_local.serve.openai.messages import asked

_WORDS = (
    *"type properties required items prefixItems anyOf oneOf allOf not if then else $ref $defs definitions enum const "
    "pattern minLength maxLength minItems maxItems uniqueItems additionalProperties contains minimum multipleOf "
    "propertyNames dependentSchemas dependentRequired format title $id $schema $anchor $dynamicRef".split(),
    *"object array string number integer boolean null".split(),
    *("#", "#/$defs/a", "#/properties/a", "#/items", "a", "b", "", "^a+$", "(a*)*b", "[", "\ud800", "date", "1", "[1]"),
)
_VALUES = (
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

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def below(self, bound: int) -> int:
        byte = self._data[self._at] if self._at < len(self._data) else 0
        self._at += 1
        return byte % bound

    def value(self, depth: int = 0) -> Any:
        """Anything that JSON can be, made of words that mean something to a schema."""
        kind = self.below(8) if depth < 60 else self.below(4)
        if kind <= 1:
            return _WORDS[self.below(len(_WORDS))]
        if kind <= 3:
            return _VALUES[self.below(len(_VALUES))]
        if kind == 4:
            return [self.value(depth + 1) for _ in range(self.below(4))]
        return {_WORDS[self.below(len(_WORDS))]: self.value(depth + 1) for _ in range(self.below(5))}


def schema(data: bytes) -> None:
    """A schema, and a value that is put into its form."""
    source = _Bytes(data)
    wanted, value = source.value(), source.value()
    if isinstance(wanted, dict):
        with suppress(RlmLocalError, MisfitError):
            form = AnswerSchema(wanted)
            json.dumps(for_grammar(form.schema))
            form.fit(value)


def request(data: bytes) -> None:
    """The body of a request, as it comes."""
    with suppress(ValidationError, RlmLocalError):
        body = ChatRequest.model_validate_json(data)
        check_question(asked(body.messages, body.files).question)
        if wanted := body.response_format.options().get("schema"):
            AnswerSchema(wanted)


def play(data: bytes) -> None:
    """What the first byte says."""
    (request if data[:1] == b"{" else schema)(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, play)
    atheris.Fuzz()
