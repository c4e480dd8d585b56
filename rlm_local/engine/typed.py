"""Typed answers: a JSON Schema that an answer has to fit, and what code can do to make it fit."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from rlm_local.engine.schema_bounds import check_bounds, for_grammar
from rlm_local.errors import UsageError
from rlm_local.models import Message, Prompt

_NUMBER = re.compile(r"[^\w.,+-]?\s*([-+]?\d[\d,]*(?:\.\d+)?)\s*[^\W\d]*%?\.?")
"""A number with its currency or unit: not one that stands in a sentence, which may say more."""
_TRUTH = {"yes": True, "true": True, "no": False, "false": False}
_LONGEST_PROBLEM = 300  # characters: it repeats the value
_REPAIR = "You put an answer into JSON of a given schema. You change nothing that it says, and add nothing."


class MisfitError(ValueError):
    """An answer does not fit the schema; the message says where."""


class AnswerSchema:
    """A JSON Schema (draft 2020-12) for answers, within bounds (`schema_bounds`). Nothing is fetched.

    Raises:
        UsageError: it is no schema, with the place; it is larger than it may be; it refers to what is not in it.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        import jsonschema  # only a question that names a schema waits for it

        from rlm_local.engine.validator import check_schema, validator

        self.schema = {name: each for name, each in schema.items() if name not in ("$id", "$schema")}
        targets = check_bounds(self.schema)
        try:
            for each in (self.schema, *targets):
                check_schema(each)
        except jsonschema.SchemaError as error:
            place = "/".join(map(str, error.absolute_path)) or "the top"
            raise UsageError(f"this is no JSON Schema: at {place}, {_short(error.message)}") from error
        self._validator = validator(self.schema)

    def fit(self, value: Any) -> Any:
        """The value as the schema wants it: as it is, or in another form of the same: 8 for "8", a list for one name.

        Raises:
            MisfitError: no form of it fits.
        """
        try:
            json.dumps(value, allow_nan=False)
        except (ValueError, RecursionError) as error:
            raise MisfitError("it has a number that JSON does not know, or is nested too deeply") from error
        for said in (value, *_read(value)):
            for candidate in _forms(said, self.schema):
                if self._validator.is_valid(candidate):
                    return candidate
        error = next(iter(self._validator.iter_errors(value)), None)
        place = "/".join(map(str, error.absolute_path)) if error else ""
        problem = _short(error.message) if error else "it does not fit"
        raise MisfitError(f"at {_short(place)}, {problem}" if place else problem)

    @property
    def grammar(self) -> str:
        """GBNF for JSON of this schema, by llama.cpp's own conversion.

        Raises:
            ValueError: the schema says something that the conversion does not know.
        """
        from rlm_local.models.native import declarations

        try:
            return declarations("llama_grammar").json_schema_to_gbnf(json.dumps(for_grammar(self.schema)))
        except Exception as error:
            raise ValueError(f"this schema has no grammar: {error!r}") from error

    def prompt(self, answer: str) -> Prompt:
        """What asks a model to put an answer into the schema's form."""
        asked = f"Schema:\n{json.dumps(self.schema)}\n\nAnswer:\n{answer}"
        return Prompt((Message("system", _REPAIR), Message("user", asked)))


def _short(text: str) -> str:
    """The text, without its middle where it is long."""
    half = _LONGEST_PROBLEM // 2
    return text if len(text) <= _LONGEST_PROBLEM else f"{text[:half]} ... {text[-half:]}"


def _forms(value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """A value as it is, and in other forms of the same that a schema may want."""
    yield value
    yield from _shaped(value, schema)


def _read(value: Any) -> Iterator[Any]:
    """What a text says, if it is JSON."""
    if isinstance(value, str):
        try:
            yield json.loads(value, parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError):
            return


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is not in JSON")
    return number


def _shaped(value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """The value in the form that a schema's `type` asks for, where there is one."""
    kinds = schema.get("type")
    for kind in cast("list[Any]", kinds) if isinstance(kinds, list) else [kinds]:
        match kind:
            case "integer" | "number":
                yield from _numbers(value)
            case "boolean":
                yield from (_TRUTH[text] for text in [str(value).strip().lower()] if text in _TRUTH)
            case "string":
                yield from _texts(value, schema.get("enum", ()))
            case "array":
                yield [_best(each, schema.get("items")) for each in _parts(value)]
            case "object":
                yield from _objects(value, schema)
            case _:
                pass


def _numbers(value: Any) -> Iterator[float]:
    alone = _alone(value)
    found = _NUMBER.fullmatch(str(alone).strip())
    if found and not isinstance(alone, bool):
        number = float(found[1].replace(",", ""))
        if math.isfinite(number):
            yield int(number) if number.is_integer() else number


def _texts(value: Any, allowed: Any) -> Iterator[str]:
    value = _alone(value)
    if not isinstance(value, list | dict):
        text = f"{value:g}" if isinstance(value, float) else str(value)
        yield from (other for other in allowed if str(other).lower() == text.lower())
        yield text


def _alone(value: Any) -> Any:
    """The only element of a list of one, else the value."""
    match value:
        case [alone]:
            return alone
        case _:
            return value


def _parts(value: Any) -> list[Any]:
    if isinstance(value, list):
        return cast("list[Any]", value)
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else [value]


def _objects(value: Any, schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    if isinstance(value, dict):
        given = cast("dict[str, Any]", value)
        yield {name: _best(each, properties.get(name)) for name, each in given.items()}
    elif len(properties) == 1:
        [(name, own)] = properties.items()
        yield {name: _best(value, own)}


def _best(value: Any, schema: Any) -> Any:
    """The first form that a schema's type allows, else the value as it is."""
    if not isinstance(schema, dict):
        return value
    from referencing.exceptions import Unresolvable

    from rlm_local.engine.validator import validator

    own = cast("dict[str, Any]", schema)
    checks = validator(own)
    try:
        return next((form for form in _forms(value, own) if checks.is_valid(form)), value)
    except Unresolvable:  # of the whole schema, which looks at the value once more
        return value
