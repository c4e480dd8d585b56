"""RECURSE and ANSWER as programs: decided in the first line of the reply, run as whole trees."""

import math
from collections.abc import Sequence

import pytest

from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Limits
from rlm_local.engine.replay import replay
from rlm_local.models import Prompt
from rlm_policy import Action
from tests.engine.conftest import Asker
from tests.engine.records import view_of
from tests.engine.script import writer
from tests.models.fakes import ScriptedModel

FILLER = "The book of ward {n} says little about this, and what it says is soon told. "
WARDS = {f"ward-{n}.txt": f"About ward {n}. {FILLER.format(n=n) * 100}\n\n" for n in range(3)}
WARDS["ward-1.txt"] += "The key hangs behind the clock.\n"
QUESTION = "Where does the key hang?"
EACH = f"SELECT answer(document, '{QUESTION}') FROM documents WHERE answer(document, '{QUESTION}') IS NOT NULL"


def reader(look: str) -> ScriptedModel:
    """Looks there; reads the key's place where it is said."""
    model = writer(EACH, reads="behind the clock")
    slot = model.slot

    def stated(prompt: Prompt, text: str, options: Sequence[str]) -> str:
        if [option.strip() for option in options] == ["yes", "no"]:
            return options["The key hangs" not in prompt.messages[-1].content]
        wished = f" {look}\n"
        return wished if wished in options else slot(prompt, text, options)

    model.slot = stated
    return model


@pytest.mark.parametrize("policy", ["recurse", "forced:RECURSE", "prompted"])
def test_children_read_their_documents_and_what_one_found_is_the_answer(asker: Asker, policy: str) -> None:
    answer, record = asker.ask(reader("each document"), QUESTION, view_of(WARDS), policy=policy)
    assert (answer.answer, answer.found, answer.ended) == ("behind the clock", True, Ended.ANSWERED)
    root, *children = record.nodes
    [turn] = root.turns
    assert turn.start.decision["action"] == "RECURSE"
    assert turn.start.decision["costs"]["RECURSE"]["calls"] > 1
    assert [(child.start.view or {})["documents"] for child in children] == [[name] for name in WARDS]
    assert [bool(child.result and child.result["found"]) for child in children].count(True) == 1
    assert replay(record, view_of(WARDS), ScriptedModel().count, asker.image).divergence is None


def test_rules_never_recurse_though_the_model_would(asker: Asker) -> None:
    _, record = asker.ask(reader("each document"), QUESTION, view_of(WARDS), policy="rules")
    assert len(record.nodes) == 1
    decisions = [turn.start.decision for turn in record.nodes[0].turns]
    assert {decision["action"] for decision in decisions} == {"SEARCH"}


def test_children_of_more_than_is_left_are_refused_and_the_text_is_searched(asker: Asker) -> None:
    answer, record = asker.ask(
        reader("each document"), QUESTION, view_of(WARDS), policy="recurse", limits=Limits(nodes=1)
    )
    assert [turn.start.decision["action"] for turn in record.nodes[0].turns] == ["RECURSE", "SEARCH"]
    assert answer.answer == "behind the clock"
    assert replay(record, view_of(WARDS), ScriptedModel().count, asker.image).divergence is None


def test_all_of_a_short_view_is_read_at_once(asker: Asker) -> None:
    short = {name: text[:200] + text[-40:] for name, text in WARDS.items()}
    answer, record = asker.ask(reader("text"), QUESTION, view_of(short))
    assert answer.answer == "behind the clock"
    [turn] = record.nodes[0].turns
    assert turn.start.decision["action"] == "ANSWER"
    _, batch, _ = turn.batches  # what kind of answer is wanted, the reading, and the check of what it says
    assert "The book of ward 2" in batch.calls[0].messages[-1]["content"]


def test_the_log_has_every_open_action_with_its_probability_before_and_after_the_bias(asker: Asker) -> None:
    _, record = asker.ask(reader("each document"), QUESTION, view_of(WARDS))
    decision = record.nodes[0].turns[0].start.decision
    assert {*decision["logprobs"]} >= {Action.SEARCH, Action.RECURSE}
    for name in ("logprobs", "biased"):
        assert math.isclose(sum(math.exp(value) for value in decision[name].values()), 1.0, abs_tol=0.01)
    assert decision["bias"]["RECURSE"] < decision["bias"]["SEARCH"]
    assert decision["propensity"] == 1.0
