"""Typed answers: what fits, what code or the model makes fit, and what is refused."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.engine.answer import Ended
from rlm_local.engine.replay import replay
from rlm_local.engine.typed import AnswerSchema, MisfitError
from rlm_local.errors import UsageError
from tests.engine.conftest import Asker
from tests.engine.records import records
from tests.engine.script import writer
from tests.models.fakes import ScriptedModel

NUMBER = {"type": "integer", "minimum": 0}
NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1}
STATUS = {"type": "string", "enum": ["done", "cancelled"]}
OBJECT = {
    "type": "object",
    "properties": {"cost": {"type": "number"}},
    "required": ["cost"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "value", "typed"),
    [
        (NUMBER, 8, 8),
        (NUMBER, "8", 8),
        (NUMBER, "1,204 visits", 1204),
        (NUMBER, ["8"], 8),
        (NUMBER, "€ 80", 80),
        (NUMBER, "80%", 80),
        ({"type": "number"}, "219.5", 219.5),
        (NAMES, "Ada Brunner", ["Ada Brunner"]),
        (NAMES, "Ada, Ben", ["Ada", "Ben"]),
        (NAMES, ["Ada", 7.0], ["Ada", "7"]),
        (STATUS, "Done", "done"),
        ({"type": "boolean"}, "Yes", True),
        ({"type": ["integer", "null"]}, "9", 9),
        (OBJECT, "80", {"cost": 80}),
        (OBJECT, '{"cost": "80"}', {"cost": 80}),
        (OBJECT, {"cost": "12.5"}, {"cost": 12.5}),
        ({}, {"any": ["thing"]}, {"any": ["thing"]}),
    ],
)
def test_a_value_is_given_the_form_that_the_schema_wants(
    schema: Mapping[str, Any], value: object, typed: object
) -> None:
    fitted = AnswerSchema(schema).fit(value)
    assert fitted == typed
    assert type(fitted) is type(typed)


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        (NUMBER, "none of them", "is not of type 'integer'"),
        (NUMBER, "3 of 4", "is not of type"),
        (NUMBER, -2, "minimum of 0"),
        (STATUS, "lost", "is not one of"),
        (OBJECT, {"cost": "dear"}, "at cost"),
    ],
)
def test_what_has_no_such_form_is_refused_with_the_place(schema: Mapping[str, Any], value: object, said: str) -> None:
    with pytest.raises(MisfitError, match=said):
        AnswerSchema(schema).fit(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([NUMBER, NAMES, STATUS, OBJECT, {"type": "boolean"}, {}]), json_values)
def test_what_comes_out_fits_and_what_fits_comes_out_as_it_is(schema: dict[str, Any], value: object) -> None:
    form = AnswerSchema(schema)
    try:
        fitted = form.fit(value)
    except MisfitError:
        return
    assert form.fit(fitted) == fitted


@pytest.mark.parametrize("schema", [{"type": "nonesuch"}, {"type": "array", "items": 7}, {"minimum": "low"}])
def test_what_is_no_schema_is_a_usage_error(schema: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no JSON Schema"):
        AnswerSchema(schema)


COUNT = "SELECT COUNT(*) FROM visits WHERE status = 'cancelled' AND department = 'Surgery'"


def test_a_count_is_a_number_and_replays(asker: Asker) -> None:
    answer, record = asker.ask(writer(COUNT), "How many visits to Surgery were cancelled?", schema=OBJECT)
    assert (answer.answer, answer.value, answer.ended) == ("1", {"cost": 1}, Ended.ANSWERED)
    assert answer.basis is not None
    assert (answer.basis.judged, answer.basis.sure) == (0, 1.0)
    assert record.start.answer_schema == OBJECT
    assert replay(record, records(), ScriptedModel().count, asker.image).divergence is None


def test_judged_counts_say_how_sure_the_model_was(asker: Asker) -> None:
    model = writer("SELECT COUNT(*) FROM visits WHERE judge(day, 'Is it sad?')", verdict=lambda _prompt: "yes")
    answer, _ = asker.ask(model, "How many of these are sad?")
    assert answer.basis is not None
    assert (answer.value, answer.basis.judged) == (10, 10)
    assert 0.85 < answer.basis.sure < 1


def test_what_code_cannot_put_into_form_the_model_does_under_the_schemas_grammar(asker: Asker) -> None:
    replies = iter(["FINAL('He paid eighty in May and 12 in June')", '{"cost": 92}'])
    model = ScriptedModel(lambda _prompt: next(replies))
    answer, record = asker.ask(model, "What was paid?", policy="free", schema=OBJECT)
    assert (answer.value, answer.ended) == ({"cost": 92}, Ended.ANSWERED)
    assert answer.answer.startswith("He paid")
    [batch] = record.nodes[0].turns[0].batches
    assert "eighty" in batch.calls[0].messages[-1]["content"]
    assert replay(record, records(), ScriptedModel().count, asker.image).divergence is None


def test_an_answer_that_fits_in_no_way_is_shown_to_the_author_and_ends_as_an_error_that_says_why(asker: Asker) -> None:
    model = writer(reads="Karsten and Sons")
    answer, record = asker.ask(model, "Who repaired the roof?", schema=NUMBER)
    assert (answer.ended, answer.found, answer.value) == (Ended.ERROR, False, None)
    assert "Karsten and Sons" in answer.error
    assert "not of type 'integer'" in answer.error
    end = record.nodes[0].turns[0].end
    assert end is not None
    assert "does not fit the schema" in (end.error or "")


def test_not_in_the_documents_needs_no_form(asker: Asker) -> None:
    answer, _ = asker.ask(writer(), "Who repaired the roof?", schema=NUMBER)
    assert (answer.ended, answer.found, answer.value) == (Ended.ANSWERED, False, None)
