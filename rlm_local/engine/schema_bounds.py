"""What a schema may cost, measured before anything is made of it.

A few hundred bytes of JSON Schema can stand for any amount of work: references to what refers twice to the next, an
array of a billion items, a pattern whose matching takes for ever. So a schema is looked at first as data, without
recursion; then its references are followed once, and its size is counted as if each were written out. What is left
costs a validator, and the grammar that is made of it, no more than its size.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote

import re2  # pyright: ignore[reportMissingTypeStubs]

from rlm_local.errors import UsageError

LONGEST = 20_000
"""Characters of a schema, as JSON."""

MOST_SCHEMAS = 500
"""Schemas in a schema, where each reference counts as what it refers to."""

DEEPEST = 16
"""Schemas inside one another, references included."""

LONGEST_PATTERN = 200
"""Characters of a pattern, or of a property's name."""

SPELLED_OUT = 64
"""A length or a number of items up to which a grammar says it; above, only the check of the finished answer does."""

_RE2: Any = re2
_DEEPEST_JSON = 2 * DEEPEST + 8
_LARGEST_PATTERN = 2_000  # instructions of its program
_ONE = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else")
_NAMED = ("properties", "dependentSchemas", "$defs", "definitions")
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")
_REFUSED = ("patternProperties", "unevaluatedItems", "unevaluatedProperties")
"""Checked by looking at the same value again and again, and by `re`."""
_ELSEWHERE = ("$id", "$schema", "$dynamicRef", "$recursiveRef")
"""Change what references mean, or which version of JSON Schema this is."""
_LENGTHS = ("minLength", "maxLength", "minItems", "maxItems")


def check_bounds(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """What the schema refers to, each once: it has to be a schema, too.

    Raises:
        UsageError: the schema is larger than it may be, refers to itself or to what is not in it, or has a pattern that
            cannot be matched in linear time.
    """
    _check_json(schema)
    measure = _Measure(schema)
    size, _ = measure.of(schema)
    if size > MOST_SCHEMAS:
        raise _too_large(f"stands for {size:,} schemas", f"{MOST_SCHEMAS} are allowed")
    return tuple(measure.targets.values())


def for_grammar(schema: Any) -> Any:
    """A copy that says less: without patterns and large lengths, which a grammar would have to spell out."""
    if isinstance(schema, list):
        return [for_grammar(each) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    return {
        name: for_grammar(each)
        for name, each in cast("dict[str, Any]", schema).items()
        if not (name == "pattern" and isinstance(each, str))
        and not (name in _LENGTHS and isinstance(each, int | float) and each > SPELLED_OUT)
    }


def linear(pattern: str) -> Callable[[str], bool]:
    """Whether a text has the pattern in it, told in linear time.

    Raises:
        UsageError: the pattern is too large, or needs what no linear engine has.
    """
    options = _RE2.Options()
    options.log_errors = False
    try:
        compiled = _RE2.compile(pattern, options) if len(pattern) <= LONGEST_PATTERN else None
    except _RE2.error as error:
        raise UsageError(
            f"the pattern {pattern[:80]!r} of the schema cannot be used",
            remedy="Patterns are RE2's: without lookaround and references to groups",
        ) from error
    if compiled is None or compiled.programsize > _LARGEST_PATTERN:
        raise _too_large(
            f"has the pattern {pattern[:40]!r}", f"{LONGEST_PATTERN} characters, and few repetitions, are allowed"
        )
    return lambda text: compiled.search(text.encode(errors="replace").decode()) is not None


def _check_json(schema: Mapping[str, Any]) -> None:
    """The schema as data: its size, its depth, and that its numbers and texts can be written down."""
    length, waiting = 0, [(cast("Any", schema), 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            length += _written(value)
        elif isinstance(value, dict | list):
            if depth >= _DEEPEST_JSON:
                raise _too_large("is nested too deeply", f"{DEEPEST} schemas inside one another are allowed")
            if isinstance(value, dict):
                inside = cast("dict[str, Any]", value)
                length += sum(map(_written, inside))
                waiting += ((each, depth + 1) for each in inside.values())
                for name in _ELSEWHERE:
                    if isinstance(inside.get(name), str):
                        raise UsageError(f"the schema has {name}", remedy="References look like #/$defs/NAME")
            else:
                waiting += ((each, depth + 1) for each in cast("list[Any]", value))
        else:
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageError("the schema has a number that JSON does not know", remedy="Leave it out")
            length += len(repr(value))
        length += 2
        if length > LONGEST:
            raise _too_large("is too long", f"{LONGEST:,} characters are allowed")


def _written(text: str) -> int:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError("the schema has half characters (lone surrogates)", remedy="Leave them out") from error
    return len(text) + 4


def _check_keywords(schema: Mapping[str, Any]) -> None:
    """What a schema says itself, beside the schemas in it."""
    for name in _REFUSED:
        if name in schema:
            raise UsageError(f"the schema has {name}, which is not supported", remedy="Name the properties")
    if isinstance(pattern := schema.get("pattern"), str):
        linear(pattern)
    if isinstance(names := schema.get("properties"), dict) and any(
        len(name) > LONGEST_PATTERN for name in cast("dict[str, Any]", names)
    ):
        raise _too_large("has a long name", f"{LONGEST_PATTERN} characters are allowed")


class _Measure:
    """The size and depth of a schema whose references are written out; each place in it is counted once."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._known: dict[int, tuple[int, int]] = {}
        self._open: set[int] = set()
        self.targets: dict[int, Mapping[str, Any]] = {}

    def of(self, schema: Any) -> tuple[int, int]:
        if not isinstance(schema, dict):
            return 1, 1
        place, own = id(cast("Any", schema)), cast("dict[str, Any]", schema)
        if place in self._open:
            raise UsageError("the schema refers to itself", remedy="Write out as many levels as the answer may have")
        if place not in self._known:
            self._open.add(place)
            below = [self.of(each) for each in self._inside(own)]
            self._open.remove(place)
            size, depth = 1 + sum(size for size, _ in below), 1 + max((depth for _, depth in below), default=0)
            if depth > DEEPEST:
                raise _too_large("is nested too deeply", f"{DEEPEST} schemas inside one another are allowed")
            self._known[place] = size, depth
        return self._known[place]

    def _inside(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        _check_keywords(schema)
        yield from (schema[name] for name in _ONE if name in schema)
        for name in _NAMED:
            if isinstance(named := schema.get(name), dict):
                yield from cast("dict[str, Any]", named).values()
        for name in _LISTED:
            if isinstance(listed := schema.get(name), list):
                yield from cast("list[Any]", listed)
        if isinstance(reference := schema.get("$ref"), str):
            yield self._target(reference)

    def _target(self, reference: str) -> Any:
        target: Any = self._root
        for step in _steps(reference):
            match target:
                case dict() if step in target:
                    target = cast("Any", target[step])
                case list() if step.isdecimal() and int(step[:9]) < len(cast("list[Any]", target)):
                    target = cast("Any", target[int(step[:9])])
                case _:
                    raise _missing(reference)
        if isinstance(target, bool):
            return target
        if not isinstance(target, dict):
            raise _missing(reference)
        schema = cast("dict[str, Any]", target)
        self.targets[id(schema)] = schema
        return schema


def _steps(reference: str) -> list[str]:
    """The way from the top of a schema to what is referred to, a JSON pointer."""
    if reference == "#":
        return []
    if not reference.startswith("#/"):
        raise _missing(reference)
    return [step.replace("~1", "/").replace("~0", "~") for step in unquote(reference[2:]).split("/")]


def _missing(reference: str) -> UsageError:
    return UsageError(
        f"the schema refers to {reference[:80]!r}, which is not in it", remedy="References look like #/$defs/NAME"
    )


def _too_large(what: str, most: str) -> UsageError:
    return UsageError(f"the schema {what}", remedy=f"At most {most}")
