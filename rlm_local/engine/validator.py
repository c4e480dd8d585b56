"""A JSON Schema validator whose work is bounded by the schema and the value: it fetches nothing, and matches linearly.

`jsonschema` matches patterns with `re`, which may take for ever, compares all pairs of items that it cannot sort,
and divides numbers that are too large to be divided.
"""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, cast

import jsonschema
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]
from referencing import Registry

from rlm_local.engine.schema_bounds import linear


def check_schema(schema: Mapping[str, Any]) -> None:
    """Checks that it is one, beyond its patterns, which `linear` compiles.

    Raises:
        jsonschema.SchemaError: it is none.
    """
    jsonschema.Draft202012Validator.check_schema(schema, format_checker=jsonschema.FormatChecker(()))


def validator(schema: Mapping[str, Any]) -> Any:
    """A validator for a schema within `schema_bounds`: what is not in the schema is not there."""
    registry: Registry[Any] = Registry()
    return _Linear(schema, registry=registry)


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(value, str) and not linear(pattern)(value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


def _multiple_of(_validator: Any, step: float, value: Any, _schema: Any) -> Iterator[jsonschema.ValidationError]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and _exact(value) % _exact(step):
        yield jsonschema.ValidationError(f"{value!r} is not a multiple of {step}")


def _exact(number: float) -> Fraction:
    """A number as it is written in decimals: 0.3 is three times 0.1."""
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _unique_items(_validator: Any, wanted: Any, value: Any, _schema: Any) -> Iterator[jsonschema.ValidationError]:
    if wanted and isinstance(value, list):
        items = cast("list[Any]", value)
        if len({_spelled(each) for each in items}) < len(items):
            yield jsonschema.ValidationError("it has the same item twice")


def _spelled(value: Any) -> str:
    """The same text for values that JSON Schema takes for the same: 1 and 1.0 are."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_plain(each) for each in cast("list[Any]", value)]
        case dict():
            return {name: _plain(each) for name, each in cast("dict[str, Any]", value).items()}
        case _:
            return value


_Linear = cast("Any", extend)(
    jsonschema.Draft202012Validator, {"pattern": _pattern, "multipleOf": _multiple_of, "uniqueItems": _unique_items}
)
