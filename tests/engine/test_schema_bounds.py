"""Schemas that stand for more than they say: refused before anything is made of them; what passes costs its size."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.engine.schema_bounds import DEEPEST, LONGEST, MOST_SCHEMAS, SPELLED_OUT, for_grammar
from rlm_local.engine.typed import AnswerSchema, MisfitError
from rlm_local.errors import UsageError

Schema = dict[str, Any]


def doubling(levels: int) -> Schema:
    """References, each to two of the next."""
    names = {f"a{level}": {"anyOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(levels)}
    return {"$ref": "#/$defs/a0", "$defs": {**names, f"a{levels}": {"type": "integer"}}}


def nested(levels: int) -> Schema:
    schema: Schema = {"type": "integer"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


def no_recursion(levels: int) -> Schema:
    return {"default": json.loads("[" * levels + "]" * levels)}


def refused(schema: Schema) -> bool:
    try:
        AnswerSchema(schema)
    except UsageError:
        return True
    return False


GROWING: dict[str, Callable[[int], Schema]] = {
    "references that double": doubling,
    "schemas in schemas": nested,
    "data in data": lambda size: no_recursion(min(size, 900)),
    "alternatives": lambda size: {"anyOf": [{"type": "integer"}] * size},
    "names": lambda size: {"properties": {f"p{number}": {} for number in range(size)}},
    "a long name": lambda size: {"properties": {"x" * size: {}}},
    "a long text": lambda size: {"description": "x" * size},
    "a long list": lambda size: {"enum": list(range(size))},
    "a long pattern": lambda size: {"pattern": "a" * size},
    "groups in groups": lambda size: {"pattern": "(" * size + ")" * size},
    "repeated repetitions": lambda size: {"pattern": f"((((a{{{size}}}){{{size}}}){{{size}}}){{{size}}})"},
}


@pytest.mark.parametrize("make", GROWING.values(), ids=GROWING.keys())
def test_what_grows_without_bound_is_refused_from_some_size_on(make: Callable[[int], Schema]) -> None:
    assert any(refused(make(size)) for size in (64, 1_000, 30_000, 1_000_000))


@pytest.mark.parametrize("keyword", ["minLength", "maxLength", "minItems", "maxItems"])
@pytest.mark.parametrize("many", [SPELLED_OUT + 1, 10**9, 10**30, 1e300])
def test_no_grammar_spells_out_a_large_length(keyword: str, many: float) -> None:
    schema = {"anyOf": [{"type": "string", keyword: many}, {"type": "array", "items": {}, keyword: many}]}
    assert for_grammar(AnswerSchema(schema).schema) == {"anyOf": [{"type": "string"}, {"type": "array", "items": {}}]}


def test_a_grammar_keeps_what_is_small_and_names_of_properties() -> None:
    schema = {"properties": {"pattern": {"maxLength": 3}, "maxItems": {"pattern": "^a$"}}, "maxItems": 4}
    assert for_grammar(schema) == {"properties": {"pattern": {"maxLength": 3}, "maxItems": {}}, "maxItems": 4}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"items": {"$ref": "#"}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#somewhere", "$defs": {"a": {"$anchor": "somewhere"}}},
        {"items": {"$ref": "#/nowhere"}},
        {"$ref": "#/enum", "enum": [1]},
        {"$ref": "#/enum/-1", "enum": [{}]},
        {"$ref": "#/x", "x": {"properties": 7}},
        {"$ref": "#/x", "x": {"type": "nonesuch"}},
        {"items": {"$id": "https://example.com/", "$ref": "#/$defs/a"}, "$defs": {"a": {}}},
        {"items": {"$schema": "http://json-schema.org/draft-03/schema#", "pattern": "(a*)*b"}},
        {"$dynamicRef": "#"},
        {"not": {"$recursiveRef": "#"}},
        {"patternProperties": {"(a*)*b": {}}},
        {"unevaluatedProperties": False},
        {"pattern": "(?=a)b"},
        {"pattern": r"(a)\1"},
        {"pattern": "a{1001}"},
        {"pattern": r"\p{L}{1,200}"},
        {"pattern": "["},
        {"const": float("inf")},
        {"minimum": float("nan")},
        {"title": "\ud800"},
        {"properties": {"\udfff": {}}},
    ],
)
def test_what_leads_elsewhere_or_cannot_be_bounded_is_refused(schema: Schema) -> None:
    with pytest.raises(UsageError):
        AnswerSchema(schema)


def test_what_people_write_passes() -> None:
    person = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/people.json",
        "type": "array",
        "items": {"anyOf": [{"$ref": "#/$defs/person"}, {"$ref": "#/$defs/person~1old"}]},
        "$defs": {"person": person, "person/old": {"$ref": "#/$defs/person"}},
        "maxItems": 5_000,
        "uniqueItems": True,
    }
    form = AnswerSchema(schema)
    assert form.fit([{"name": "Ada", "age": 36}]) == [{"name": "Ada", "age": 36}]
    with pytest.raises(MisfitError):
        form.fit([{"name": "Ada", "age": "old"}])
    AnswerSchema(doubling(5))
    AnswerSchema(nested(DEEPEST - 1))
    AnswerSchema({"properties": {f"p{number}": {} for number in range(MOST_SCHEMAS - 1)}})
    AnswerSchema({"enum": ["x" * (LONGEST - 100)]})


def test_patterns_are_matched_in_linear_time() -> None:
    form = AnswerSchema({"type": "string", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"})
    with pytest.raises(MisfitError, match="does not match"):
        form.fit("a" * 100_000)
    assert AnswerSchema({"type": "string", "pattern": "^[A-Z]-[0-9]+$"}).fit("T-20") == "T-20"


@given(
    st.lists(st.sampled_from([1, 1.0, 2, True, "1", {"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}, [1], None]), max_size=3)
)
def test_items_are_the_same_where_json_schema_says_so(items: list[Any]) -> None:
    same = any(
        one == other and isinstance(one, bool) == isinstance(other, bool)
        for number, one in enumerate(items)
        for other in items[:number]
    )
    try:
        AnswerSchema({"uniqueItems": True}).fit(items)
    except MisfitError:
        assert same
    else:
        assert not same


@pytest.mark.parametrize(
    "value", ["[" * 100_000, "[" * 60 + "]" * 60, '{"a":' * 50_000, "9" * 100_000, "1e999", ["[[1]]"] * 50]
)
def test_no_answer_breaks_what_puts_it_into_form(value: object) -> None:
    for schema in (nested(DEEPEST - 1), {"type": ["array", "object", "number"], "items": {"type": "integer"}}):
        with pytest.raises(MisfitError) as raised:
            AnswerSchema(schema).fit(value)
        assert len(str(raised.value)) < 1_000


@pytest.mark.parametrize(("value", "step"), [(0.3, 0.1), (10**400, 0.5), (1e300, 1e-300), (6, 2), (-4.5, 1.5)])
def test_multiples_are_told_whatever_their_size(value: float, step: float) -> None:
    form = AnswerSchema({"type": "number", "multipleOf": step})
    assert form.fit(value) == value
    with pytest.raises(MisfitError, match="not a multiple"):
        form.fit(value + step / 2 if value < 10**9 else 0.25 * step)


@pytest.mark.parametrize("value", [float("inf"), [float("nan")], {"a": -float("inf")}])
def test_what_json_does_not_know_fits_nothing(value: object) -> None:
    with pytest.raises(MisfitError, match="JSON does not know"):
        AnswerSchema({}).fit(value)
